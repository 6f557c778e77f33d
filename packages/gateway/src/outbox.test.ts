import { describe, expect, it } from 'vitest';
import { Outbox, type OutMessage, type Rank } from './outbox.ts';

const message = (n: number, rank: Rank = 'kept'): OutMessage => ({ topic: 't', payload: String(n), qos: 1, rank });
const payloads = (messages: readonly OutMessage[]) => messages.map((each) => Number(each.payload));
function drain(outbox: Outbox): number[] {
  const all: OutMessage[] = [];
  for (let next = outbox.take(); next !== undefined; next = outbox.take()) all.push(next);
  return payloads(all);
}

describe('what waits for the broker', () => {
  it('leaves in the order in which it came, whatever its rank', () => {
    const outbox = new Outbox({ messages: 10, bytes: 10_000 });
    for (const [n, rank] of [
      [1, 'kept'],
      [2, 'notification'],
      [3, 'notification'],
      [4, 'kept'],
      [5, 'notification'],
    ] as const)
      outbox.add(message(n, rank));
    expect(drain(outbox)).toEqual([1, 2, 3, 4, 5]);
    expect(outbox.bytes).toBe(0);
  });

  it('P-08: gives up the oldest notification first, and others only when there is none', () => {
    const outbox = new Outbox({ messages: 3, bytes: 10_000 });
    for (const [n, rank] of [
      [1, 'kept'],
      [2, 'notification'],
      [3, 'kept'],
    ] as const)
      expect(outbox.add(message(n, rank))).toEqual([]);
    expect(payloads(outbox.add(message(4)))).toEqual([2]);
    expect(payloads(outbox.add(message(5)))).toEqual([1]);
    expect(payloads(outbox.add(message(6, 'notification')))).toEqual([6]);
    expect(drain(outbox)).toEqual([3, 4, 5]);
  });

  it('P-08: keeps its limit of bytes too', () => {
    const outbox = new Outbox({ messages: 100, bytes: 1000 });
    const large = (n: number): OutMessage => ({ ...message(n, 'notification'), payload: `${n}${'x'.repeat(300)}` });
    for (let n = 1; n <= 5; n += 1) outbox.add(large(n));
    expect(outbox.size).toBe(2);
    expect(outbox.bytes).toBeLessThanOrEqual(1000);
    expect(outbox.add({ ...message(9), payload: 'x'.repeat(2000) })).toHaveLength(3);
    expect(outbox.size).toBe(0);
  });

  it('P-08: ten minutes of 1,000 messages a second stay within 100,000, and every loss is told', () => {
    const outbox = new Outbox({ messages: 100_000, bytes: 64 * 1024 ** 2 });
    let dropped = 0;
    let keptDropped = 0;
    for (let n = 0; n < 600_000; n += 1) {
      for (const lost of outbox.add(message(n, n % 20 === 0 ? 'kept' : 'notification'))) {
        dropped += 1;
        if (lost.rank === 'kept') keptDropped += 1;
      }
    }
    expect(outbox.size).toBe(100_000);
    expect(dropped).toBe(500_000);
    expect(keptDropped).toBe(0);
    const left = drain(outbox);
    expect(left).toEqual([...left].sort((a, b) => a - b));
    expect(left.filter((n) => n % 20 === 0)).toHaveLength(30_000);
  });
});
