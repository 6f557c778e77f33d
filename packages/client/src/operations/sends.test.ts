import { getEventListeners } from 'node:events';
import { TimeoutError } from '@lapwing/kernel';
import { type Entry, makeValue, parsePath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { SendError } from '../errors.ts';
import { type SendStorage, Sends } from './sends.ts';

const path = parsePath('/3303/0/5700');
const said = (...values: readonly number[]): Entry[] =>
  values.map((value) => ({ path, value: makeValue('float', value), time: value }));
const numbers = (entries: readonly Entry[]): number[] => entries.map(({ time }) => time ?? 0);

function setUp(storage: SendStorage = { limit: 3, drop: 'oldest' }) {
  const state = { open: true, answer: (): Promise<void> => Promise.resolve() };
  const sent: number[][] = [];
  const settled: string[] = [];
  let wanted = 0;
  const sends = new Sends({
    isOpen: () => state.open,
    transmit: async (entries) => {
      await state.answer();
      sent.push(numbers(entries));
    },
    sizeOf: (entries) => entries.length * 100,
    wanted: () => {
      wanted += 1;
    },
    storage,
    changed: () => undefined,
  });
  const later = (value: number, signal?: AbortSignal): Promise<void> =>
    sends.later(said(value), signal === undefined ? {} : { signal }).then(
      () => void settled.push(`${value} sent`),
      (error: Error) => void settled.push(`${value} ${error instanceof SendError ? error.problem : error.message}`),
    );
  return { state, sends, sent, settled, later, wanted: () => wanted };
}

describe('what is sent', () => {
  it('goes in as many messages as its measurements need, without losing one', async () => {
    const { sends, sent } = setUp();
    const values = Array.from({ length: 47 }, (_, i) => i + 1);
    await sends.now(said(...values), {});
    expect(sent.every((part) => part.length <= 10)).toBe(true);
    expect(sent.flat()).toEqual(values);
  });

  it('waits for the server and goes in order', async () => {
    const { state, sends, sent, settled, later, wanted } = setUp();
    state.open = false;
    const all = [later(1), later(2)];
    expect([wanted(), sends.size]).toEqual([2, 2]);
    state.open = true;
    await sends.flush();
    await Promise.all(all);
    expect([sent, settled]).toEqual([
      [[1], [2]],
      ['1 sent', '2 sent'],
    ]);
  });

  it('goes again when it was not heard, and comes back when it was refused', async () => {
    const { state, sends, sent, settled, later } = setUp();
    state.answer = () => Promise.reject(new TimeoutError('no', 1));
    const waiting = later(1);
    await Promise.resolve();
    state.answer = () => Promise.resolve();
    while (sends.size > 0) await sends.flush();
    await waiting;
    state.answer = () => Promise.reject(new Error('refused'));
    await later(2);
    expect([sent, settled]).toEqual([[[1]], ['1 sent', '2 refused']]);
  });

  it.each([
    ['oldest', ['1 dropped', '2 dropped', '3 sent', '4 sent', '5 sent']],
    ['newest', ['4 dropped', '5 dropped', '1 sent', '2 sent', '3 sent']],
  ] as const)('gives up the %s when too much waits, and says so', async (drop, outcome) => {
    const { state, sends, settled, later } = setUp({ limit: 3, drop });
    state.open = false;
    const all = [1, 2, 3, 4, 5].map((value) => later(value));
    state.open = true;
    await sends.flush();
    await Promise.all(all);
    expect(settled).toEqual(outcome);
  });

  it('is withdrawn by its signal, and by the end of the client', async () => {
    const { state, sends, settled, later } = setUp();
    state.open = false;
    const stop = new AbortController();
    const all = [later(1, stop.signal), later(2)];
    stop.abort(new Error('stopped'));
    sends[Symbol.dispose]();
    await Promise.all(all);
    expect(settled).toEqual(['1 stopped', '2 the client was closed']);
  });

  it('leaves nothing at a signal that lives on, whatever becomes of it', async () => {
    const { state, sends, settled, later } = setUp({ limit: 1, drop: 'newest' });
    const { signal } = new AbortController();
    await later(1, signal);
    state.answer = () => Promise.reject(new Error('refused'));
    await later(2, signal);
    state.open = false;
    const waiting = later(3, signal);
    await later(4, signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    sends[Symbol.dispose]();
    await waiting;
    expect(settled).toEqual(['1 sent', '2 refused', '4 dropped', '3 the client was closed']);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('does not keep others waiting when it is withdrawn because its time is over', async () => {
    const { state, sends, sent, settled, later } = setUp();
    const stop = new AbortController();
    state.open = false;
    const all = [later(1, stop.signal), later(2)];
    state.answer = () => {
      state.answer = () => Promise.resolve();
      const late = new TimeoutError('its time is over', 1);
      stop.abort(late);
      return Promise.reject(late);
    };
    state.open = true;
    await sends.flush();
    expect(sent).toEqual([[2]]);
    await Promise.all(all);
    expect(settled).toEqual(['1 its time is over', '2 sent']);
  });
});
