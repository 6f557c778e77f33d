import { describe, expect, it } from 'vitest';
import { Emitter } from './emitter.ts';

interface Happenings {
  said: string;
  counted: number;
}

describe('an Emitter', () => {
  it('tells every listener, until its subscription is disposed of', () => {
    const emitter = new Emitter<Happenings>();
    const heard: string[] = [];
    const first = emitter.on('said', (text) => heard.push(`1 ${text}`));
    emitter.on('said', (text) => heard.push(`2 ${text}`));
    emitter.emit('said', 'a');
    first[Symbol.dispose]();
    emitter.emit('said', 'b');
    expect(heard).toEqual(['1 a', '2 a', '2 b']);
  });

  it('does not let one listener keep the others from hearing', () => {
    const failed: unknown[] = [];
    const emitter = new Emitter<Happenings>((error, name) => failed.push([name, (error as Error).message]));
    const heard: number[] = [];
    emitter.on('counted', () => {
      throw new Error('tired');
    });
    emitter.on('counted', (n) => heard.push(n));
    emitter.emit('counted', 1);
    expect(heard).toEqual([1]);
    expect(failed).toEqual([['counted', 'tired']]);
  });

  it('streams events in order and drops the oldest past the limit', async () => {
    const emitter = new Emitter<Happenings>();
    const stream = emitter.stream('counted', { limit: 2 });
    for (const n of [1, 2, 3]) emitter.emit('counted', n);
    expect(await stream.next()).toEqual({ done: false, value: 2 });
    expect(await stream.next()).toEqual({ done: false, value: 3 });
    const waiting = stream.next();
    emitter.emit('counted', 4);
    expect(await waiting).toEqual({ done: false, value: 4 });
    await stream.return?.();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(emitter.has('counted')).toBe(false);
  });

  it('ends a stream and rejects a wait when the signal aborts', async () => {
    const emitter = new Emitter<Happenings>();
    const stop = new AbortController();
    const stream = emitter.stream('said', { signal: stop.signal });
    const next = stream.next();
    const once = emitter.once('said', { signal: stop.signal });
    const refused = expect(once).rejects.toThrow('over');
    stop.abort(new Error('over'));
    expect(await next).toEqual({ done: true, value: undefined });
    await refused;
    expect(emitter.has('said')).toBe(false);
  });
});
