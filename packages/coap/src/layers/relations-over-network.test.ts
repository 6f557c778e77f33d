// Observations that others have here, message by message (RFC 7641 §4), and what hostile observers may reach.
import { hours, seconds, toHex } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, test } from 'vitest';
import { Endpoint } from '../endpoint.ts';
import type { EndpointOptions } from '../endpoint-options.ts';
import { sequenceOf } from '../exchange/observe-order.ts';
import type { Context, Service } from '../exchange/service.ts';
import { Code } from '../message/code.ts';
import { makeResponse, type Response } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { ACK, CON, CONTENT, EMPTY, GET, NON, RST, ScriptedPeer } from '../testing/scripted-peer.ts';

const observe = [[Option.Observe, 0]] as const;
const cancel = [[Option.Observe, 1]] as const;
const value = (n: number): Response =>
  makeResponse(Code.Content, OptionSet.empty, Uint8Array.from([n >> 16, n >> 8, n]));
const valueOf = (payload: Uint8Array): number => payload.reduce((n, byte) => n * 256 + byte, 0);
const token = (n: number): Uint8Array => Uint8Array.of(n >> 8, n);

async function observed(options: Partial<EndpointOptions> = {}) {
  const clock = new VirtualClock();
  const random = new SeededRandom(3);
  const network = new MemoryNetwork(clock, random);
  const relations: Context[] = [];
  const ended: unknown[] = [];
  const serve: Service = (request, context) => {
    if (context.notify === undefined) return Promise.resolve(value(0));
    relations.push(context);
    context.signal.addEventListener('abort', () => ended.push(context.signal.reason));
    return Promise.resolve({
      ...value(0),
      options: request.options.has(Option.Observe) ? OptionSet.of([Option.Observe, 0]) : OptionSet.empty,
    });
  };
  const transport = network.transport('10.0.0.1', 5683);
  const endpoint = await Endpoint.open({ transport, serve, clock, random, ...options });
  const peer = await (await ScriptedPeer.open({ network, clock })).talkTo(transport.address);
  const notify = (n: number, type: 'con' | 'non' | 'auto', relation = relations.at(-1)): Promise<string> =>
    (relation?.notify?.(value(n), { type }) ?? Promise.reject(new Error('no relation'))).catch(
      (error: Error) => error.name,
    );
  return { clock, network, endpoint, peer, relations, ended, notify };
}

describe('an observer', () => {
  test('hears numbers that grow', async () => {
    const { peer, notify } = await observed();
    peer.send(CON, GET, { path: '/3/0', token: token(1), options: observe });
    const first = await peer.expect(ACK, CONTENT);
    void notify(1, 'non');
    const second = await peer.expect(NON, CONTENT);
    void notify(2, 'con');
    const third = await peer.expect(CON, CONTENT);
    peer.send(ACK, EMPTY);
    const numbers = [first, second, third].map(sequenceOf) as number[];
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(numbers).size).toBe(3);
    expect(toHex(second.token)).toBe('0001');
  });

  test('D-01: beyond the limit is answered without Observe, and nothing more is kept of it', async () => {
    const { peer, endpoint, clock } = await observed({ notifications: { relationsPerPeer: 64 } });
    let accepted = 0;
    for (let n = 0; n < 10_000; n += 1) {
      peer.send(NON, GET, { path: '/3/0', token: token(n), options: observe, id: n });
      if (n % 100 === 99) await clock.advance(10);
    }
    await clock.advance(1000);
    for (const message of peer.takeAll()) if (message.options.has(Option.Observe)) accepted += 1;
    expect(accepted).toBe(64);
    expect(endpoint.stats()).toMatchObject({ relations: 64, relationsRefused: 10_000 - 64 });
  });

  test('D-02: that asks again with its token has one relation', async () => {
    const { peer, endpoint, ended, notify } = await observed();
    for (let i = 0; i < 3; i += 1) {
      peer.send(CON, GET, { path: '/3/0', token: token(1), options: observe });
      await peer.expect(ACK, CONTENT);
    }
    expect(endpoint.stats().relations).toBe(1);
    expect(ended).toHaveLength(2);
    void notify(1, 'non');
    await peer.expect(NON, CONTENT);
    await peer.silence(seconds(1));
  });

  test('D-03: that vanishes is given up within 93 s, a thousand times over', async () => {
    const { peer, endpoint, clock, notify, ended } = await observed({ notifications: { relationsPerPeer: 4 } });
    for (let n = 0; n < 1000; n += 1) {
      peer.send(NON, GET, { path: '/3/0', token: token(n), options: observe, id: n });
      await clock.advance(10);
      const outcome = notify(1, 'con');
      await clock.advance(seconds(93));
      expect(await outcome).toBe('TimeoutError');
    }
    expect(endpoint.stats().relations).toBe(0);
    expect(ended).toHaveLength(1000);
    peer.takeAll();
    peer.send(NON, GET, { path: '/3/0', token: token(1001), options: observe });
    await clock.advance(10);
    expect(peer.takeAll().map((message) => message.options.has(Option.Observe))).toEqual([true]);
  });

  test.each([
    ['confirmable', 'con', CON],
    ['non-confirmable', 'non', NON],
  ] as const)('D-04: that resets a %s notification is left at once', async (_, type, sent) => {
    const { peer, endpoint, clock, notify, ended } = await observed();
    peer.send(CON, GET, { path: '/3/0', token: token(1), options: observe });
    await peer.expect(ACK, CONTENT);
    void notify(1, type);
    await peer.expect(sent, CONTENT);
    peer.send(RST, EMPTY);
    await clock.advance(10);
    expect(endpoint.stats().relations).toBe(0);
    expect(ended).toHaveLength(1);
    expect(await notify(2, type)).not.toBe('delivered');
    await peer.silence(seconds(100));
  });

  test('D-05: that cancels ends the relation of that token and no other', async () => {
    const { peer, endpoint, relations, notify } = await observed();
    for (const n of [1, 2]) {
      peer.send(CON, GET, { path: '/3/0', token: token(n), options: observe });
      await peer.expect(ACK, CONTENT);
    }
    peer.send(CON, GET, { path: '/3/0', token: token(3), options: cancel });
    await peer.expect(ACK, CONTENT, undefined, { options: [[Option.Observe, undefined]] });
    expect(endpoint.stats().relations).toBe(2);
    peer.send(CON, GET, { path: '/3/0', token: token(1), options: cancel });
    await peer.expect(ACK, CONTENT, undefined, { options: [[Option.Observe, undefined]] });
    expect(endpoint.stats().relations).toBe(1);
    void notify(1, 'non', relations[1]);
    expect(toHex((await peer.expect(NON, CONTENT)).token)).toBe('0002');
  });

  test('D-08: of ten thousand changes in a second hears few, one at a time, and the last', async () => {
    const { peer, clock, notify } = await observed();
    peer.send(CON, GET, { path: '/3/0', token: token(1), options: observe });
    await peer.expect(ACK, CONTENT);
    const heard: number[] = [];
    const outcomes: Promise<string>[] = [];
    for (let n = 1; n <= 10_000; n += 1) {
      outcomes.push(notify(n, 'con'));
      if (n % 100 !== 0) continue;
      await clock.advance(10);
      const messages = peer.takeAll();
      // NSTART: never two unacknowledged at once.
      expect(messages.length).toBeLessThanOrEqual(1);
      for (const message of messages) {
        heard.push(valueOf(message.payload));
        peer.send(ACK, EMPTY, { id: message.id });
      }
    }
    for (let i = 0; i < 3; i += 1) {
      await clock.advance(10);
      for (const message of peer.takeAll()) {
        heard.push(valueOf(message.payload));
        peer.send(ACK, EMPTY, { id: message.id });
      }
    }
    await clock.advance(10);
    expect(heard.at(-1)).toBe(10_000);
    expect(heard.length).toBeLessThanOrEqual(102);
    expect(heard).toEqual([...heard].sort((a, b) => a - b));
    expect(await outcomes.at(-1)).toBe('delivered');
  });

  test('D-12: hears an error once, without a number, and nothing after it', async () => {
    const { peer, endpoint, relations, clock, notify } = await observed();
    peer.send(CON, GET, { path: '/3/0', token: token(1), options: observe });
    await peer.expect(ACK, CONTENT);
    void relations[0]?.notify?.(makeResponse(Code.NotFound), { type: 'con' }).catch(() => undefined);
    await peer.expect(CON, Code.NotFound, undefined, { options: [[Option.Observe, undefined]] });
    peer.send(ACK, EMPTY);
    await clock.advance(10);
    expect(endpoint.stats().relations).toBe(0);
    expect(await notify(2, 'con')).not.toBe('delivered');
  });

  test('D-13: that is sent non-confirmable notifications only is asked to confirm once in 24 h', async () => {
    const { peer, clock, notify } = await observed();
    peer.send(CON, GET, { path: '/3/0', token: token(1), options: observe });
    await peer.expect(ACK, CONTENT);
    const types: number[] = [];
    for (let hour = 0; hour < 50; hour += 1) {
      await clock.advance(hours(1));
      void notify(hour, 'non');
      await clock.advance(10);
      for (const message of peer.takeAll()) {
        types.push(message.type);
        if (message.type === CON) peer.send(ACK, EMPTY, { id: message.id });
      }
    }
    expect(types.filter((type) => type === CON)).toHaveLength(2);
  });
});

describe('notifications that nobody asked for', () => {
  test('D-10: are reset at a bounded rate and not delivered', async () => {
    const { peer, endpoint, clock } = await observed();
    for (let n = 0; n < 10_000; n += 1) {
      peer.send(CON, CONTENT, { token: token(n), options: [[Option.Observe, n]], id: n });
    }
    await clock.advance(seconds(1));
    const { unknownToken, sent, observations } = endpoint.stats();
    expect(unknownToken).toBeGreaterThan(0);
    expect(sent).toBeLessThan(10_000);
    expect(observations).toBe(0);
  });
});

test.each([19, 31])('C-18: the option %i of RFC 9177 is critical and not understood', async (number) => {
  const { peer } = await observed();
  peer.send(CON, GET, { path: '/3/0', options: [[number, 0]] });
  await peer.expect(ACK, Code.BadOption);
});
