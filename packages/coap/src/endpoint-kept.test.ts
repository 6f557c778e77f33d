// An endpoint in the place of another: the peer, who speaks message by message, notices nothing.
import { minutes, type Peer, seconds, toHex } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, test } from 'vitest';
import { Endpoint, type KeptPeer } from './endpoint.ts';
import { sequenceOf } from './exchange/observe-order.ts';
import type { Context, Service } from './exchange/service.ts';
import { Code } from './message/code.ts';
import { makeRequest, makeResponse } from './message/message.ts';
import { OptionSet } from './message/option-set.ts';
import { Option } from './message/options.ts';
import { ACK, CON, CONTENT, EMPTY, FETCH, GET, NON, POST, ScriptedPeer } from './testing/scripted-peer.ts';

const observe = [[Option.Observe, 0]] as const;
const state = (text: string) => makeResponse(Code.Content, OptionSet.of([Option.Observe, 0]), Buffer.from(text));
const token = Uint8Array.of(7);

async function house() {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock, new SeededRandom(4));
  const served: string[] = [];
  let relation: Context | undefined;
  let gate: Promise<void> | undefined;
  const serve: Service = async (request, context) => {
    served.push(request.options.path.join('/'));
    if (context.notify !== undefined) relation = context;
    await gate;
    return context.notify === undefined
      ? makeResponse(Code.Content, OptionSet.empty, Buffer.from(`answer ${served.length}`))
      : state('first');
  };
  let random = 20;
  const open = async (): Promise<Endpoint> => {
    random += 1;
    const transport = network.transport('10.0.0.1', 5683);
    return Endpoint.open({ transport, serve, clock, random: new SeededRandom(random) });
  };
  const peer = await (await ScriptedPeer.open({ network, clock })).talkTo({ via: 'udp', host: '10.0.0.1', port: 5683 });
  let endpoint = await open();
  const partner = (): Promise<Peer> => endpoint.connect(peer.address);
  return {
    clock,
    peer,
    served,
    get endpoint() {
      return endpoint;
    },
    partner,
    keep: async () => endpoint.keep(await partner()),
    /** Another in its place, `away` later. */
    replace: async (kept: KeptPeer | undefined, away: number): Promise<void> => {
      await endpoint[Symbol.asyncDispose]();
      await clock.advance(away);
      endpoint = await open();
      const to = await partner();
      if (kept === undefined) throw new Error('nothing was kept');
      endpoint.recall(to, kept.contact);
      for (const each of kept.relations) expect(await endpoint.resumeRelation(to, each)).toBe(true);
    },
    notify: (text: string, type: 'con' | 'non' | 'auto') => relation?.notify?.(state(text), { type }),
    shutGate: (): (() => void) => {
      let release: () => void = () => undefined;
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
  };
}

describe('an endpoint in the place of another', () => {
  test('gives a repeated request the answer that it had, and serves it no second time', async () => {
    const all = await house();
    all.peer.send(CON, GET, { path: '/3/0', token, id: 77 });
    const before = await all.peer.expect(ACK, CONTENT);
    await all.replace(await all.keep(), seconds(10));
    all.peer.send(CON, GET, { path: '/3/0', token, id: 77 });
    const after = await all.peer.expect(ACK, CONTENT);
    expect([after.id, toHex(after.payload)]).toEqual([before.id, toHex(before.payload)]);
    expect(all.served).toEqual(['3/0']);
  });

  test('has forgotten it when the lifetime of the exchange is over, as every endpoint', async () => {
    const all = await house();
    all.peer.send(CON, GET, { path: '/3/0', token, id: 77 });
    await all.peer.expect(ACK, CONTENT);
    await all.replace(await all.keep(), seconds(248));
    all.peer.send(CON, GET, { path: '/3/0', token, id: 77 });
    await all.peer.expect(ACK, CONTENT);
    expect(all.served).toHaveLength(2);
  });

  test('goes on with an observation: its numbers and Message IDs follow, and nobody is asked twice', async () => {
    const all = await house();
    all.peer.send(CON, GET, { path: '/3303/0', token, options: observe });
    const first = await all.peer.expect(ACK, CONTENT);
    void all.notify('one', 'con');
    const one = await all.peer.expect(CON, CONTENT, undefined, { payload: 'one' });
    all.peer.send(ACK, EMPTY);
    await all.clock.advance(100);
    await all.replace(await all.keep(), minutes(30));
    expect(all.peer.takeAll()).toEqual([]);
    void all.notify('two', 'con');
    const two = await all.peer.expect(CON, CONTENT, undefined, { payload: 'two' });
    expect([first, one, two].map((each) => sequenceOf(each))).toEqual([1, 2, 3]);
    expect(two.id).toBe((one.id + 1) & 0xffff);
    expect(toHex(two.token)).toBe('07');
    expect(all.endpoint.stats().relations).toBe(1);
  });

  test('counts on from the last confirmable notification (RFC 7641 §4.5)', async () => {
    const all = await house();
    all.peer.send(CON, GET, { path: '/3303/0', token, options: observe });
    await all.peer.expect(ACK, CONTENT);
    await all.replace(await all.keep(), minutes(1));
    void all.notify('one', 'auto');
    await all.peer.expect(NON, CONTENT);
    await all.replace(await all.keep(), minutes(1));
    void all.notify('two', 'auto');
    await all.peer.expect(CON, CONTENT);
  });

  test('lets the peer end an observation by its token, as ever', async () => {
    const all = await house();
    all.peer.send(CON, GET, { path: '/3303/0', token, options: observe });
    await all.peer.expect(ACK, CONTENT);
    await all.replace(await all.keep(), minutes(1));
    all.peer.send(CON, GET, { path: '/3303/0', token, options: [[Option.Observe, 1]] });
    await all.peer.expect(ACK, CONTENT);
    expect(all.endpoint.stats().relations).toBe(0);
  });
});

test('a peer that outlives its endpoint does not hold it', async () => {
  const all = await house();
  all.peer.send(CON, GET, { path: '/3/0', token });
  await all.peer.expect(ACK, CONTENT);
  const partner = await all.partner();
  void all.endpoint.request(partner, makeRequest(Code.Get)).catch(() => undefined);
  await all.peer.expect(CON, GET);
  expect(partner.known).toBeDefined();
  await all.endpoint[Symbol.asyncDispose]();
  expect(partner.known).toBeUndefined();
});

describe('nothing is kept while something is under way', () => {
  test('a notification without its acknowledgement', async () => {
    const all = await house();
    all.peer.send(CON, GET, { path: '/3303/0', token, options: observe });
    await all.peer.expect(ACK, CONTENT);
    void all.notify('one', 'con');
    await all.peer.expect(CON, CONTENT);
    expect(await all.keep()).toBeUndefined();
    all.peer.send(ACK, EMPTY);
    await all.clock.advance(100);
    expect(await all.keep()).toBeDefined();
  });

  test('a request without its answer, also after it was acknowledged', async () => {
    const all = await house();
    const release = all.shutGate();
    all.peer.send(CON, POST, { path: '/3/0/4', token });
    await all.clock.advance(500);
    expect(await all.keep()).toBeUndefined();
    await all.peer.expect(ACK, EMPTY, undefined, { within: seconds(5) });
    expect(await all.keep()).toBeUndefined();
    release();
    await all.peer.expect(NON, CONTENT);
    expect(await all.keep()).toBeDefined();
  });

  test('a request of its own without an answer', async () => {
    const all = await house();
    const asked = all.endpoint.request(await all.partner(), makeRequest(Code.Get));
    await all.peer.expect(CON, GET);
    expect(await all.keep()).toBeUndefined();
    all.peer.send(ACK, CONTENT);
    await all.clock.advance(100);
    await asked;
    expect(await all.keep()).toBeDefined();
  });

  test('an observation whose request came in blocks', async () => {
    const all = await house();
    const block = (number: number, more: boolean) => [Option.Block1, (number << 4) | (more ? 8 : 0)] as const;
    all.peer.send(CON, FETCH, { path: '/', token, options: [...observe, block(0, true)], payload: 'x'.repeat(16) });
    await all.peer.expect(ACK, Code.Continue);
    all.peer.send(CON, FETCH, { path: '/', token, options: [...observe, block(1, false)], payload: 'x' });
    await all.peer.expect(ACK, CONTENT);
    await all.clock.advance(minutes(10));
    expect(all.endpoint.stats().relations).toBe(1);
    expect(await all.keep()).toBeUndefined();
  });
});
