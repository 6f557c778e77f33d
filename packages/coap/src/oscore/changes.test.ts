// Contexts that change while they are used: what was provisioned becomes something else, or is withdrawn.
import { encodeUtf8, noBytes, Secret, seconds } from '@lapwing/kernel';
import { expect, test } from 'vitest';
import type { Service } from '../exchange/service.ts';
import { Code } from '../message/code.ts';
import { makeRequest, makeResponse, Type } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { encodeMessage } from '../message/udp.ts';
import { ProtectedPair, provision } from '../testing/protected-pair.ts';
import { ScriptedPeer } from '../testing/scripted-peer.ts';
import { deriveContext } from './context.ts';
import { encodeOscoreOption, encodePiv } from './option.ts';
import { protectRequest } from './protect.ts';
import { type ContextStore, contextStore, MemoryKeyUseStore, type ProvisionedContext } from './store.ts';

const hello: Service = () => Promise.resolve(makeResponse(Code.Content));
const get = makeRequest(Code.Get, OptionSet.of([Option.UriPath, 'x']));
const another = { masterSecret: new Secret(encodeUtf8('another secret')) };

/** A server whose store counts what it is asked, takes its time, and can be given something else. */
async function stage(latency = 0) {
  const provisioned: ProvisionedContext[] = [provision('server')];
  const asked: number[] = [];
  const use = new MemoryKeyUseStore();
  const find: ContextStore['find'] = async () => {
    asked.push(pair.clock.now());
    if (latency > 0) await new Promise<void>((done) => void pair.clock.at(pair.clock.now() + latency, done));
    return [...provisioned];
  };
  const server = contextStore(find, use);
  const pair = await ProtectedPair.open(hello, { stores: { server } });
  const stranger = await ScriptedPeer.open({ network: pair.network, clock: pair.clock });
  await stranger.talkTo({ via: 'udp', host: '10.0.0.1', port: 5683 });
  let id = 0;
  const send = (message: ReturnType<typeof protectRequest>['message']): void => {
    id += 1;
    stranger.sendBytes(encodeMessage({ ...message, type: Type.Con, id, token: noBytes }));
  };
  const forge = (sequence: number): void => {
    const option = encodeOscoreOption({ kid: encodeUtf8('c'), piv: encodePiv(sequence) });
    send(makeRequest(Code.Post, OptionSet.of([Option.Oscore, option]), new Uint8Array(30)));
  };
  const codes = (): Code[] => stranger.takeAll().map(({ code }) => code);
  return { pair, provisioned, asked, use, send, forge, codes };
}

test('H-08: ten thousand forged messages that name a known kid ask the store once a second, and no more at once', async () => {
  const { pair, asked, forge, codes } = await stage(30);
  forge(1);
  await pair.clock.advance(seconds(2));
  const before = asked.length;
  for (let i = 0; i < 10_000; i += 1) {
    forge(i);
    if (i % 10 === 9) await pair.clock.advance(10);
  }
  await pair.clock.advance(seconds(2));
  expect(codes().filter((code) => code === Code.BadRequest)).toHaveLength(10_001);
  // Ten seconds of them.
  expect(asked.length - before).toBeLessThanOrEqual(11);
  expect(asked.length - before).toBeGreaterThan(5);
  await pair[Symbol.asyncDispose]();
});

test('other keys under the same kid are found at once where nobody forges, and within a second where somebody does', async () => {
  for (const [isForged, wait] of [
    [false, 100],
    [true, 1100],
  ] as const) {
    const { pair, provisioned, send, forge, codes } = await stage();
    send(protectRequest(deriveContext(provision('client')), get, 5, undefined).message);
    await pair.clock.advance(seconds(5));
    if (isForged) forge(6);
    await pair.clock.advance(100);
    provisioned.splice(0, 1, provision('server', another));
    codes();
    const client = deriveContext(provision('client', another));
    if (isForged) {
      send(protectRequest(client, get, 0, undefined).message);
      await pair.clock.advance(50);
      expect(codes()).toEqual([Code.BadRequest]);
    }
    await pair.clock.advance(wait);
    send(protectRequest(client, get, 1, undefined).message);
    await pair.clock.advance(50);
    // Protected, and asked for a proof: nobody knows what these keys have been used for.
    expect(codes()).toEqual([Code.Changed]);
    expect(pair.server.oscore.stats()).toMatchObject({ contexts: 1, challenged: 2 });
    await pair[Symbol.asyncDispose]();
  }
});

test('H-04: a context that is withdrawn leaves nothing in the store, and goes on above its numbers when it comes back', async () => {
  const { pair, provisioned, use } = await stage();
  const { sending, receiving } = deriveContext(provision('server'));
  const ask = async (): Promise<Code> => {
    const answer = pair.client.endpoint.request(pair.peer, get);
    await pair.clock.advance(seconds(5));
    return (await answer).code;
  };
  expect(await ask()).toBe(Code.Content);
  await pair.server.oscore.retire(provisioned[0] ?? expect.fail());
  expect(pair.server.oscore.stats().contexts).toBe(0);
  expect(await use.takeWindow(receiving)).toBe('unknown');
  const first = await use.reserve(sending, 1);
  expect(first).toBeGreaterThan(0);
  await use.retire([sending]);
  // What was sent before is refused, and what comes now has to prove itself.
  expect(await ask()).toBe(Code.Content);
  expect(pair.server.oscore.stats()).toMatchObject({ challenged: 2, unverified: 0 });
  expect(await use.reserve(sending, 1)).toBeGreaterThan(first);
  await pair[Symbol.asyncDispose]();
});
