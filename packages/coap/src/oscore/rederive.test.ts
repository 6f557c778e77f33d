// Appendix B.2 between two endpoints, when more happens at once than its figure shows.
import { minutes, noBytes, Secret, seconds } from '@lapwing/kernel';
import { expect, test } from 'vitest';
import type { Context, Service } from '../exchange/service.ts';
import { Code } from '../message/code.ts';
import { makeRequest, makeResponse, Type } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { decodeMessage, encodeMessage } from '../message/udp.ts';
import { ProtectedPair, provision } from '../testing/protected-pair.ts';
import { ScriptedPeer } from '../testing/scripted-peer.ts';
import { decodeOscoreOption } from './option.ts';
import { MemoryContextStore, type ProvisionedContext } from './store.ts';

const get = makeRequest(Code.Get, OptionSet.of([Option.UriPath, 'x']));
const put = (value: number) => makeRequest(Code.Put, OptionSet.of([Option.UriPath, 'x']), Uint8Array.of(value));
const rederived = { changes: { recovery: 'rederived' } } as const;
const echo: Service = (request) => Promise.resolve(makeResponse(Code.Content, OptionSet.empty, request.payload));

async function settled<T>(pair: ProtectedPair, promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  await pair.clock.advance(minutes(10));
  return promise;
}

test('requests that are made while new keys are agreed upon wait for them, and one run serves all', async () => {
  await using pair = await ProtectedPair.open(echo, { ...rederived, profile: { loss: 0.1 }, seed: 26 });
  const answers = Promise.all(
    Array.from({ length: 20 }, async (_, i) => (await pair.client.endpoint.request(pair.peer, put(i))).payload[0]),
  );
  expect(await settled(pair, answers)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  expect(pair.server.oscore.stats()).toMatchObject({ rederived: 1, accepted: 20 });
});

test('the kid context stands in no request once the peer has the keys', async () => {
  await using pair = await ProtectedPair.open(echo, rederived);
  for (let i = 0; i < 2; i += 1) await settled(pair, pair.client.endpoint.request(pair.peer, get));
  const contexts = pair.heard
    .filter(({ from }) => from === '10.0.0.2')
    .map(({ bytes }) => decodeOscoreOption(decodeMessage(bytes).options.bytes(Option.Oscore)!).kidContext?.length);
  // R1, then R2 with R3, each with the head of its byte string.
  expect(contexts).toEqual([1 + 8, 1 + 16 + 4, undefined]);
});

test('what was recorded of a run is not served after the next', async () => {
  let served = 0;
  await using pair = await ProtectedPair.open((request, context) => {
    served += 1;
    return echo(request, context);
  }, rederived);
  for (let run = 0; run < 3; run += 1) {
    await settled(pair, pair.client.endpoint.request(pair.peer, get));
    await pair.stop('client', 'killed');
    await pair.startClient();
  }
  expect(served).toBe(3);
  const stranger = await ScriptedPeer.open({ network: pair.network, clock: pair.clock });
  await stranger.talkTo({ via: 'udp', host: '10.0.0.1', port: 5683 });
  const recorded = pair.heard.filter(({ from }) => from === '10.0.0.2').map(({ bytes }) => decodeMessage(bytes));
  expect(recorded).toHaveLength(6);
  for (const [i, { code, options, payload }] of [...recorded, ...recorded].entries()) {
    stranger.sendBytes(encodeMessage({ type: Type.Con, id: i, token: noBytes, code, options, payload }));
    await pair.clock.advance(50);
  }
  expect(served).toBe(3);
  // Nor has it disturbed who has the keys.
  await settled(pair, pair.client.endpoint.request(pair.peer, get));
  await settled(pair, pair.client.endpoint.request(pair.peer, get));
  expect(served).toBe(5);
  expect(pair.server.oscore.stats().rederived).toBe(4);
});

test('both sides may begin at once, and end with keys that both have', async () => {
  const peers: Context['peer'][] = [];
  await using pair = await ProtectedPair.open((request, context) => {
    peers.push(context.peer);
    return echo(request, context);
  }, rederived);
  await settled(pair, pair.client.endpoint.request(pair.peer, get));
  const [client] = peers as [Context['peer']];
  for (let round = 0; round < 5; round += 1) {
    await pair.client.oscore.forget(pair.peer.identity.kind === 'oscore' ? pair.peer.identity.id : noBytes);
    pair.peer = await pair.client.oscore.peer(pair.plain, Buffer.from('s'));
    const back = pair.server.endpoint.request(client, put(round));
    const there = pair.client.endpoint.request(pair.peer, put(round + 100));
    expect((await settled(pair, Promise.all([there, back]))).map(({ payload }) => payload[0])).toEqual([
      round + 100,
      round,
    ]);
  }
});

test('an observation outlives new keys: its notifications stay under those that it began with', async () => {
  let tell: Context['notify'];
  await using pair = await ProtectedPair.open((request, context) => {
    if (context.notify === undefined) return echo(request, context);
    tell = context.notify;
    return Promise.resolve(makeResponse(Code.Content, OptionSet.of([Option.Observe, 0])));
  }, rederived);
  const heard: number[] = [];
  const observe = { ...get, options: get.options.with(Option.Observe, 0) };
  const notify = { notify: (response: { readonly payload: Uint8Array }) => heard.push(response.payload[0] ?? -1) };
  await settled(pair, pair.client.endpoint.request(pair.peer, observe, notify));
  await pair.client.oscore.forget(Buffer.from('s'));
  pair.peer = await pair.client.oscore.peer(pair.plain, Buffer.from('s'));
  await settled(pair, pair.client.endpoint.request(pair.peer, get));
  expect(pair.server.oscore.stats().rederived).toBe(2);
  const state = makeResponse(Code.Content, OptionSet.of([Option.Observe, 0]), Uint8Array.of(9));
  expect(await settled(pair, tell!(state, { type: 'con' }))).toBe('delivered');
  expect(heard).toEqual([9]);
});

test('a peer that does not run it is told apart: the caller learns what it said', async () => {
  await using pair = await ProtectedPair.open(echo, rederived);
  await pair.stop('server', 'killed');
  const mute = await ScriptedPeer.open({ network: pair.network, clock: pair.clock, host: '10.0.0.1' });
  const asked = pair.client.endpoint.request(pair.peer, get);
  asked.catch(() => undefined);
  await mute.expect(Type.Con, Code.Post);
  mute.send(Type.Ack, Code.Unauthorized);
  await pair.clock.advance(minutes(5));
  await expect(asked).rejects.toMatchObject({ problem: 'unprotected', status: Code.Unauthorized });
  expect(mute.takeAll()).toHaveLength(0);
});

/** As one on a database: what it finds is made anew each time. */
class CopyingStore extends MemoryContextStore {
  readonly taken: string[] = [];
  override find(recipientId: Uint8Array): Promise<readonly ProvisionedContext[]> {
    return super.find(recipientId).then((found) => found.map((each) => ({ ...each })));
  }
  override takeWindow(name: string): ReturnType<MemoryContextStore['takeWindow']> {
    this.taken.push(name);
    return super.takeWindow(name);
  }
}

test('H-08: forged requests make nobody load a context anew, and one that was changed is loaded when it is needed', async () => {
  const store = new CopyingStore().add(provision('server'), 'unused');
  await using pair = await ProtectedPair.open(echo, { stores: { server: store } });
  await settled(pair, pair.client.endpoint.request(pair.peer, get));
  const stranger = await ScriptedPeer.open({ network: pair.network, clock: pair.clock });
  await stranger.talkTo({ via: 'udp', host: '10.0.0.1', port: 5683 });
  const options = OptionSet.of([Option.Oscore, Uint8Array.from([0x09, 77, ...Buffer.from('c')])]);
  for (let id = 0; id < 50; id += 1) {
    stranger.sendBytes(
      encodeMessage({ type: Type.Con, id, token: noBytes, code: Code.Post, options, payload: Buffer.alloc(20, id) }),
    );
    await pair.clock.advance(50);
  }
  expect(stranger.takeAll().every(({ code }) => code === Code.BadRequest)).toBe(true);
  expect([store.taken.length, pair.server.oscore.stats().unverified]).toEqual([1, 50]);
  const masterSecret = new Secret(Buffer.from('another secret'));
  store.remove(Buffer.from('c'));
  store.add(provision('server', { masterSecret }), 'unused');
  pair.stores.client.remove(Buffer.from('s'));
  pair.stores.client.add(provision('client', { masterSecret }), 'unused');
  await pair.client.oscore.forget(Buffer.from('s'));
  // While somebody forges, the store is asked once a second.
  await pair.clock.advance(seconds(1));
  expect((await settled(pair, pair.client.endpoint.request(pair.peer, put(7)))).payload[0]).toBe(7);
  expect(store.taken).toHaveLength(2);
});
