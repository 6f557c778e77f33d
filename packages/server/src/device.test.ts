import { Code, ResponseError } from '@lapwing/coap';
import { FormatError } from '@lapwing/kernel';
import { defineObject, formatPath, type Operation, parsePath, type Result } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { Device, type PerformOptions } from './device.ts';
import { Watch } from './watch.ts';

const Lamp = defineObject({
  id: 3311,
  name: 'Light',
  many: true,
  resources: {
    onOff: { id: 5850, type: 'boolean', access: 'RW' },
    colours: { id: 5706, type: 'string', access: 'RW', many: true },
    toggle: { id: 1, access: 'E' },
  },
});

function setUp(...results: readonly Result[]) {
  const asked: [Operation, PerformOptions | undefined][] = [];
  const answers = [...results];
  const device = new Device('dev', {
    perform: (_name, operation, options) => {
      asked.push([operation, options]);
      const next = answers.shift();
      return next === undefined ? Promise.reject(new Error('no more answers')) : Promise.resolve(next);
    },
  });
  return { asked, device };
}

const content = (entries: [string, unknown][], sequence?: number): Result => ({
  kind: 'content',
  code: Code.Content,
  format: 0,
  payload: new Uint8Array(0),
  entries: entries.map(([path, value]) => ({
    path: parsePath(path),
    value: { type: 'string', value: value as string },
  })),
  ...(sequence === undefined ? {} : { sequence }),
});

describe('a device by name', () => {
  it('reads one value, several by instance, or everything at a path', async () => {
    const { device, asked } = setUp(
      content([['/3311/0/5850', true]]),
      content([
        ['/3311/0/5706/0', 'red'],
        ['/3311/0/5706/3', 'blue'],
      ]),
      content([['/3/0/0', 'x']]),
    );
    expect(await device.read(Lamp, 0, 'onOff')).toBe(true);
    expect(await device.read(Lamp, 0, 'colours')).toEqual(
      new Map([
        [0, 'red'],
        [3, 'blue'],
      ]),
    );
    expect((await device.read('/3/0')).map(({ path }) => formatPath(path))).toEqual(['/3/0/0']);
    expect(asked[0]?.[1]?.typeOf?.(3311, 5850)).toBe('boolean');
    expect(asked[0]?.[1]?.typeOf?.(3, 0)).toBeUndefined();
  });

  it('throws what the device refused with, and for answers that are none', async () => {
    const { device } = setUp(
      { kind: 'refused', code: Code.NotFound, reason: 'not here' },
      { kind: 'refused', code: Code.MethodNotAllowed },
      content([]),
      { kind: 'done', code: Code.Changed },
    );
    await expect(device.read('/3')).rejects.toMatchObject({
      status: Code.NotFound,
      message: expect.stringContaining('not here'),
    });
    await expect(device.execute(Lamp, 0, 'toggle')).rejects.toThrow(ResponseError);
    await expect(device.read(Lamp, 0, 'onOff')).rejects.toThrow(FormatError);
    await expect(device.read('/3')).rejects.toThrow('not an answer');
  });

  it('writes, creates and refuses what the definition does not have', async () => {
    const { device, asked } = setUp(
      { kind: 'done', code: Code.Changed },
      { kind: 'done', code: Code.Created, location: parsePath('/3311/4') },
    );
    await device.write(Lamp, 0, { onOff: true, colours: new Map([[2, 'red']]) });
    const [write] = asked[0] ?? [];
    expect(write?.op === 'write' && write.entries.map(({ path }) => formatPath(path))).toEqual([
      '/3311/0/5850',
      '/3311/0/5706/2',
    ]);
    expect(await device.create(Lamp, { onOff: false }, { instance: 4 })).toEqual(parsePath('/3311/4'));
    await expect(device.write(Lamp, 0, { toString: 1 } as never)).rejects.toThrow(RangeError);
    await expect(device.write(Lamp, 0, { toggle: 1 } as never)).rejects.toThrow(RangeError);
    await expect(device.read(Lamp, 0, '__proto__' as never)).rejects.toThrow(RangeError);
  });
});

describe('observing', () => {
  it('yields the value, then notifications, and cancels when the loop is left', async () => {
    const { device, asked } = setUp(content([['/3/0/0', 'a']], 1), content([]));
    const seen: unknown[] = [];
    for await (const { entries } of device.observe('/3/0/0')) {
      seen.push(entries[0]?.value?.value);
      const watch = asked[0]?.[1]?.tag as Watch | undefined;
      if (seen.length === 1) watch?.put(content([['/3/0/0', 'b']], 2) as never);
      else break;
    }
    expect(seen).toEqual(['a', 'b']);
    expect(asked.map(([{ op }, options]) => [op, options?.order])).toEqual([
      ['observe', undefined],
      ['cancel-observe', 'now'],
    ]);
  });

  it('comes to its end with the observation, without a cancel', async () => {
    const { device, asked } = setUp(content([['/3/0/0', 'a']], 1));
    let seen = 0;
    for await (const _ of device.observe('/3/0/0')) {
      seen += 1;
      (asked[0]?.[1]?.tag as Watch | undefined)?.end();
    }
    expect([seen, asked.length]).toEqual([1, 1]);
  });

  it('yields one value where the device does not let itself be observed', async () => {
    let asked = 0;
    const device = new Device('dev', {
      perform: (_name, _operation, options) => {
        asked += 1;
        // As a server does with an observation that has not begun.
        (options?.tag as Watch | undefined)?.end();
        return Promise.resolve(content([['/3/0/0', 'a']]));
      },
    });
    let seen = 0;
    for await (const _ of device.observe('/3/0/0')) seen += 1;
    expect([seen, asked]).toEqual([1, 1]);
  });

  it('goes on after an answer without a number where the server takes that for an observation', async () => {
    const { device, asked } = setUp(content([['/3/0/0', 'a']]), content([]));
    const seen: unknown[] = [];
    for await (const { entries } of device.observe('/3/0/0')) {
      seen.push(entries[0]?.value?.value);
      if (seen.length === 2) break;
      (asked[0]?.[1]?.tag as Watch | undefined)?.put(content([['/3/0/0', 'b']], 2) as never);
    }
    expect([seen, asked.map(([{ op }]) => op)]).toEqual([
      ['a', 'b'],
      ['observe', 'cancel-observe'],
    ]);
  });

  it('yields the newest value where several moments come at once, in whatever order', async () => {
    const moments = (...all: readonly (readonly [boolean, number | undefined])[]): Result => ({
      ...(content([]) as Extract<Result, { kind: 'content' }>),
      sequence: 1,
      entries: all.map(([value, time]) => ({
        path: parsePath('/3311/0/5850'),
        value: { type: 'boolean', value },
        ...(time === undefined ? {} : { time }),
      })),
    });
    const { device } = setUp(
      moments([false, 1_700_000_001], [true, 1_700_000_002]),
      moments([true, 1_700_000_002], [false, 1_700_000_001]),
      moments([true, undefined], [false, 1_700_000_001]),
    );
    for (let i = 0; i < 3; i += 1) expect(await device.read(Lamp, 0, 'onOff')).toBe(true);
  });

  it('rejects with the reason of its signal and cancels', async () => {
    const { device, asked } = setUp(content([['/3/0/0', 'a']], 1), content([]));
    const stop = new AbortController();
    const loop = (async () => {
      for await (const _ of device.observe('/3/0/0', { signal: stop.signal })) stop.abort(new Error('enough'));
    })();
    await expect(loop).rejects.toThrow('enough');
    expect(asked.at(-1)?.[0].op).toBe('cancel-observe');
  });
});

describe('what a reader has not read yet', () => {
  it('is kept in order up to a thousand, the newest of them', async () => {
    const watch = new Watch();
    for (let i = 1; i <= 1500; i += 1) watch.put(content([], i) as never);
    watch.end();
    watch.put(content([], 9999) as never);
    const seen: (number | undefined)[] = [];
    for (let next = await watch.next(undefined); next !== undefined; next = await watch.next(undefined))
      seen.push(next.sequence);
    expect([seen.length, seen[0], seen.at(-1)]).toEqual([1000, 501, 1500]);
  });

  it('wakes who waits, also at its end', async () => {
    const watch = new Watch();
    const first = watch.next(undefined);
    watch.put(content([], 1) as never);
    expect((await first)?.sequence).toBe(1);
    const second = watch.next(undefined);
    watch.end();
    expect(await second).toBeUndefined();
  });
});
