import { seconds } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { RateLimit } from './rate-limit.ts';

describe('a rate', () => {
  it('lets a burst through and then what comes with time', async () => {
    const clock = new VirtualClock();
    const rate = new RateLimit({ perSecond: 1, burst: 5 }, clock, new SeededRandom(1));
    const take = () => rate.take('a');
    expect([1, 2, 3, 4, 5, 6].map(take)).toEqual([true, true, true, true, true, false]);
    await clock.advance(999);
    expect(take()).toBe(false);
    await clock.advance(1);
    expect([take(), take()]).toEqual([true, false]);
    await clock.advance(seconds(100));
    expect([1, 2, 3, 4, 5, 6].map(take)).toEqual([true, true, true, true, true, false]);
  });

  it('is kept for each key', () => {
    const rate = new RateLimit({ perSecond: 1, burst: 1 }, new VirtualClock(), new SeededRandom(1));
    expect(['a', 'a', 'b', 'b', '__proto__', '__proto__'].map((key) => rate.take(key))).toEqual([
      true,
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  it('never lets more through than it should, and forgets nobody too early', async () => {
    const clock = new VirtualClock();
    const rate = new RateLimit({ perSecond: 2, burst: 3 }, clock, new SeededRandom(1));
    let taken = 0;
    for (let ms = 0; ms < 60_000; ms += 100) {
      if (rate.take('a')) taken += 1;
      await clock.advance(100);
    }
    expect(taken).toBeGreaterThanOrEqual(120);
    expect(taken).toBeLessThanOrEqual(123);
  });

  it('remembers a bounded number of keys, and none that is quiet', async () => {
    const clock = new VirtualClock();
    const rate = new RateLimit({ perSecond: 1, burst: 5 }, clock, new SeededRandom(1), 512);
    for (let i = 0; i < 10_000; i += 1) rate.take(`${i}`);
    expect(rate.size).toBeLessThanOrEqual(512);
    await clock.advance(seconds(15));
    expect([rate.size, clock.pending]).toEqual([0, 0]);
  });

  it('is kept for each of a fleet, in two parts as in one', () => {
    const rate = new RateLimit({ perSecond: 1, burst: 1 }, new VirtualClock(), new SeededRandom(1));
    const all = Array.from({ length: 50_000 }, (_, n) => rate.take(`192.0.2.${n & 255}`, `device-${n}`));
    expect(all.every((taken) => taken)).toBe(true);
    expect(rate.size).toBe(50_000);
    const again = Array.from({ length: 50_000 }, (_, n) => rate.take(`192.0.2.${n & 255}`, `device-${n}`));
    expect(again.some((taken) => taken)).toBe(false);
  });
});
