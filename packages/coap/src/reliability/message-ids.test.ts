import { seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { expect, test } from 'vitest';
import { MessageIds } from './message-ids.ts';
import { MessageLayer } from './message-layer.ts';
import { transmissionParameters } from './parameters.ts';

const rest = seconds(247);

test('B-05: at full speed each of 65 536 ids is given out once, and then none until 247 s have passed', () => {
  const ids = new MessageIds(new SeededRandom(5), rest);
  const given = new Set<number>();
  for (let i = 0; i < 65_536; i += 1) given.add(ids.take(i / 100) as number);
  expect(given.size).toBe(65_536);
  expect(ids.take(seconds(100))).toBeUndefined();
  expect(ids.take(rest)).toBeUndefined();
  // The first 4 096 rest from when the last of them was given out.
  expect(ids.take(rest + 40.96)).toBeDefined();
});

test('B-05: at any speed the same id never comes again within 247 s', () => {
  const random = new SeededRandom(6);
  const ids = new MessageIds(random, rest);
  const last = new Map<number, number>();
  let now = 0;
  let refused = 0;
  for (let i = 0; i < 300_000; i += 1) {
    now += random.fraction() * 6;
    const id = ids.take(now);
    if (id === undefined) refused += 1;
    else {
      const before = last.get(id);
      if (before !== undefined && now - before < rest) throw new Error(`${id} again after ${now - before} ms`);
      last.set(id, now);
    }
  }
  expect(refused).toBeGreaterThan(0);
  // 265.3 messages a second, and what was in stock.
  expect(300_000 - refused).toBeGreaterThan((now / 1000) * 240);
});

test('B-05: a message for which there is no id is reported as busy, not queued for ever', () => {
  const layer = new MessageLayer(transmissionParameters(), new SeededRandom(7));
  const peer = {
    key: 'p',
    address: { via: 'udp', host: '192.0.2.1', port: 5683 },
    identity: { kind: 'none' },
  } as const;
  const sender = { transmission: undefined, lastId: -1 };
  const send = () =>
    layer.handle({ kind: 'send', peer, bytes: new Uint8Array(4), sender, confirmable: false }, 0)[0]?.kind;
  for (let i = 0; i < 65_536; i += 1) send();
  expect(send()).toBe('busy');
});

test('B-06: the first ids of 1 000 starts are spread over their range', () => {
  const random = new SeededRandom(8);
  const buckets = new Array<number>(16).fill(0);
  for (let i = 0; i < 1000; i += 1) {
    const bucket = (new MessageIds(random, rest).take(0) as number) >> 12;
    buckets[bucket] = (buckets[bucket] as number) + 1;
  }
  const chiSquare = buckets.reduce((sum, count) => sum + (count - 62.5) ** 2 / 62.5, 0);
  // 15 degrees of freedom, p = 0.001.
  expect(chiSquare).toBeLessThan(37.7);
});
