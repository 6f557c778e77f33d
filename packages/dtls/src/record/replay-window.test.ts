import { describe, expect, it } from 'vitest';
import { LAST_SEQUENCE } from './record.ts';
import { accept, isFresh, newReplayWindow, type ReplayWindow } from './replay-window.ts';

/** Delivers a record as a connection does; true when it is new. */
function deliver(window: ReplayWindow, sequence: number): boolean {
  const fresh = isFresh(window, sequence);
  if (fresh) accept(window, sequence);
  return fresh;
}

describe('the replay window', () => {
  it('delivers each record once (G-15, dtls E 20)', () => {
    const window = newReplayWindow();
    for (let n = 0; n < 200; n += 1) {
      expect(deliver(window, n)).toBe(true);
      expect(deliver(window, n)).toBe(false);
    }
  });

  it('refuses a replay after 1, 31, 32, 33, 63, 64, 65 and 1,000 newer records (G-15)', () => {
    for (const newer of [1, 31, 32, 33, 63, 64, 65, 1000]) {
      const window = newReplayWindow();
      for (let n = 0; n <= newer; n += 1) deliver(window, n);
      expect(isFresh(window, 0)).toBe(false);
    }
  });

  it('refuses it however the window was moved: in one step of 1 to 70 (G-15)', () => {
    for (let step = 1; step <= 70; step += 1) {
      const window = newReplayWindow();
      deliver(window, 100);
      deliver(window, 100 + step);
      expect(isFresh(window, 100)).toBe(false);
      expect(isFresh(window, 100 + step)).toBe(false);
      const between = 100 + step - 1;
      expect(isFresh(window, between)).toBe(between !== 100);
    }
  });

  it('delivers a late record inside the window once (dtls E 22)', () => {
    for (let behind = 1; behind < 64; behind += 1) {
      const window = newReplayWindow();
      deliver(window, 500);
      expect(deliver(window, 500 - behind)).toBe(true);
      expect(deliver(window, 500 - behind)).toBe(false);
    }
  });

  it('refuses a late record that falls out of it', () => {
    const window = newReplayWindow();
    deliver(window, 500);
    expect(isFresh(window, 500 - 63)).toBe(true);
    expect(isFresh(window, 500 - 64)).toBe(false);
    expect(isFresh(window, 0)).toBe(false);
  });

  it('is not moved by asking: a forged record leaves the number to the true one (dtls E 1)', () => {
    const window = newReplayWindow();
    deliver(window, 3);
    const before = { ...window };
    for (const sequence of [2, 4, 1000, LAST_SEQUENCE]) isFresh(window, sequence);
    expect(window).toEqual(before);
    expect(deliver(window, 4)).toBe(true);
  });

  it('tells the newest from the late: only it may move an address (G-30, dtls E 103)', () => {
    const window = newReplayWindow();
    expect(accept(window, 10)).toBe(true);
    expect(accept(window, 9)).toBe(false);
    expect(accept(window, 11)).toBe(true);
    expect(accept(window, 500)).toBe(true);
    expect(accept(window, 499)).toBe(false);
    expect(accept(window, 460)).toBe(false);
  });

  it('reaches the last number of an epoch (G-17)', () => {
    const window = newReplayWindow();
    deliver(window, LAST_SEQUENCE - 1);
    expect(deliver(window, LAST_SEQUENCE)).toBe(true);
    expect(deliver(window, LAST_SEQUENCE)).toBe(false);
    expect(deliver(window, LAST_SEQUENCE - 63)).toBe(true);
    expect(deliver(window, LAST_SEQUENCE - 63)).toBe(false);
  });
});
