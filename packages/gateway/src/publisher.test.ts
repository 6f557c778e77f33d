import { describe, expect, it } from 'vitest';
import { firstOwnId, lastOwnId, type Publication } from './frames.ts';
import { Metrics } from './metrics.ts';
import type { OutMessage } from './outbox.ts';
import { type Outlet, Publisher } from './publisher.ts';

class FakeOutlet implements Outlet {
  congested = false;
  readonly sent: Publication[] = [];
  readonly exactlyOnce: ((delivered: boolean) => void)[] = [];
  publish(publication: Publication): void {
    this.sent.push(publication);
  }
  publishExactlyOnce(_message: OutMessage, done: (delivered: boolean) => void): void {
    this.exactlyOnce.push(done);
  }
  get payloads(): readonly string[] {
    return this.sent.map(({ payload }) => payload);
  }
}

const message = (payload: string, qos: 0 | 1 | 2 = 1): OutMessage => ({ topic: 't', payload, qos, rank: 'kept' });

function start(limits = { messages: 100, bytes: 100_000 }) {
  const metrics = new Metrics();
  const refused: unknown[] = [];
  const publisher = new Publisher(limits, metrics, (topic, reason) => refused.push([topic, reason]));
  return { metrics, publisher, refused, outlet: new FakeOutlet() };
}

describe('publishing', () => {
  it('keeps messages until there is a connection, and their order', () => {
    const { publisher, outlet } = start();
    for (const payload of ['a', 'b']) publisher.publish(message(payload));
    publisher.connected(outlet, 10);
    publisher.publish(message('c'));
    expect(outlet.payloads).toEqual(['a', 'b', 'c']);
  });

  it('sends no more than the broker takes at a time, and nothing overtakes', () => {
    const { publisher, outlet } = start();
    publisher.connected(outlet, 2);
    for (const payload of ['a', 'b', 'c']) publisher.publish(message(payload));
    publisher.publish(message('d', 0));
    expect(outlet.payloads).toEqual(['a', 'b']);
    expect(publisher.waiting).toBe(4);
    publisher.acknowledged(outlet.sent[0]?.id ?? 0, 0);
    expect(outlet.payloads).toEqual(['a', 'b', 'c']);
    publisher.acknowledged(outlet.sent[1]?.id ?? 0, 0);
    expect(outlet.payloads).toEqual(['a', 'b', 'c', 'd']);
  });

  it('sends what was not acknowledged again after a loss, marked, with the same id, before anything new', () => {
    const { publisher, outlet, metrics } = start();
    publisher.connected(outlet, 10);
    for (const payload of ['a', 'b']) publisher.publish(message(payload));
    publisher.acknowledged(outlet.sent[0]?.id ?? 0, 0);
    publisher.disconnected();
    publisher.publish(message('c'));
    const next = new FakeOutlet();
    publisher.connected(next, 10);
    expect(next.sent.map(({ payload, dup }) => [payload, dup])).toEqual([
      ['b', true],
      ['c', false],
    ]);
    expect(next.sent[0]?.id).toBe(outlet.sent[1]?.id);
    expect(metrics.snapshot()).toMatchObject({ 'mqtt.resent': 1, 'mqtt.acknowledged': 1, 'mqtt.published': 3 });
  });

  it('sends again no more at a time than the broker takes now', () => {
    const { publisher, outlet } = start();
    publisher.connected(outlet, 10);
    for (const payload of ['a', 'b', 'c']) publisher.publish(message(payload));
    publisher.disconnected();
    const next = new FakeOutlet();
    publisher.connected(next, 1);
    expect(next.payloads).toEqual(['a']);
    for (const sent of ['a', 'b', 'c']) {
      expect(next.payloads.at(-1)).toBe(sent);
      publisher.acknowledged(next.sent.at(-1)?.id ?? 0, 0);
    }
    expect(publisher.waiting).toBe(0);
  });

  it('P-10: a broker that never acknowledges costs no more than the limits', () => {
    const { publisher, outlet, metrics } = start({ messages: 50, bytes: 100_000 });
    publisher.connected(outlet, 20);
    for (let n = 0; n < 1000; n += 1) publisher.publish(message(String(n)));
    expect(publisher.waiting).toBe(70);
    expect(outlet.sent).toHaveLength(20);
    expect(metrics.snapshot()['mqtt.dropped_kept']).toBe(930);
  });

  it('P-10: a message sent back for quota is sent again first when the broker is asked again', () => {
    const { publisher, outlet } = start();
    publisher.connected(outlet, 10);
    for (const payload of ['a', 'b']) publisher.publish(message(payload));
    expect(publisher.acknowledged(outlet.sent[0]?.id ?? 0, 0x97)).toBe('over-quota');
    publisher.publish(message('c'));
    expect(outlet.payloads).toEqual(['a', 'b']);
    publisher.release();
    expect(outlet.payloads).toEqual(['a', 'b', 'a', 'c']);
  });

  it('counts and tells what the broker refuses for good, and answers to nothing', () => {
    const { publisher, outlet, metrics, refused } = start();
    publisher.connected(outlet, 10);
    publisher.publish(message('a'));
    expect(publisher.acknowledged(outlet.sent[0]?.id ?? 0, 0x87)).toBe('refused');
    expect(publisher.acknowledged(firstOwnId, 0)).toBe('unknown');
    expect(metrics.snapshot()['mqtt.refused']).toBe(1);
    expect(refused).toEqual([['t', 0x87]]);
    expect(publisher.waiting).toBe(0);
  });

  it('waits for a congested socket', () => {
    const { publisher, outlet } = start();
    outlet.congested = true;
    publisher.connected(outlet, 10);
    publisher.publish(message('a', 0));
    expect(outlet.sent).toEqual([]);
    outlet.congested = false;
    publisher.pump();
    expect(outlet.payloads).toEqual(['a']);
  });

  it('leaves QoS 2 to the library', () => {
    const { publisher, outlet, metrics } = start();
    publisher.connected(outlet, 10);
    publisher.publish(message('a', 2));
    expect(publisher.waiting).toBe(1);
    outlet.exactlyOnce[0]?.(true);
    expect(publisher.waiting).toBe(0);
    expect(metrics.snapshot()['mqtt.acknowledged']).toBe(1);
  });

  it('takes ids of its own half only, and none that is in use', () => {
    const { publisher, outlet } = start();
    publisher.connected(outlet, 2048);
    publisher.publish(message('kept'));
    for (let n = 0; n < 40_000; n += 1) {
      publisher.publish(message('x'));
      publisher.acknowledged(outlet.sent.at(-1)?.id ?? 0, 0);
    }
    const ids = outlet.sent.map(({ id }) => id);
    expect(Math.min(...ids.slice(0, 1000))).toBeGreaterThanOrEqual(firstOwnId);
    expect(ids.every((id) => id >= firstOwnId && id <= lastOwnId)).toBe(true);
    expect(ids.filter((id) => id === ids[0])).toHaveLength(1);
  });
});
