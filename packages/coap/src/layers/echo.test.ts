import { type Peer, seconds } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, test } from 'vitest';
import { Router } from '../exchange/router.ts';
import { compose, type Service } from '../exchange/service.ts';
import { Code } from '../message/code.ts';
import { makeRequest, makeResponse, type Request, type Response } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { strangerAt } from '../testing/plug.ts';
import { EchoGuard, type EchoGuardOptions, echoing } from './echo.ts';

const here = strangerAt('192.0.2.1');
const discovery = makeRequest(Code.Get, OptionSet.of([Option.UriPath, '.well-known'], [Option.UriPath, 'core']));
const withEcho = (value: Uint8Array): Request => ({
  ...discovery,
  options: discovery.options.with(Option.Echo, value),
});
const answering =
  (length: number): Service =>
  () =>
    Promise.resolve(makeResponse(Code.Content, OptionSet.empty, new Uint8Array(length)));

function guarded(service: Service, options: Partial<EchoGuardOptions> = {}) {
  const clock = new VirtualClock();
  const guard = new EchoGuard({ clock, random: new SeededRandom(1), ...options });
  const serve = compose(service, guard.layer);
  const ask = (request: Request, peer: Peer = here): Promise<Response> =>
    serve(request, { peer, signal: new AbortController().signal });
  return { ask, guard, clock };
}

async function challengeOf(response: Promise<Response>): Promise<Uint8Array> {
  const { code, options, payload } = await response;
  expect(code).toBe(Code.Unauthorized);
  expect(payload).toHaveLength(0);
  return options.bytes(Option.Echo)!;
}

describe('a large answer', () => {
  test('E-01: to a list of a thousand resources a stranger has to show its address first', async () => {
    const clock = new VirtualClock();
    const router = new Router({ clock, random: new SeededRandom(1) });
    for (let i = 0; i < 1000; i += 1) router.add(`/r/${i}`, {}, { link: [['rt', 'test']] });
    const ask = (request: Request) => router.serve(request, { peer: here, signal: new AbortController().signal });
    const response = await ask(discovery);
    expect(response.code).toBe(Code.Unauthorized);
    expect(4 + response.options.length + response.payload.length).toBeLessThanOrEqual(136);
    const value = response.options.bytes(Option.Echo)!;
    expect((await ask(withEcho(value))).code).toBe(Code.Content);
    expect((await ask(discovery)).code).toBe(Code.Content);
  });

  test('E-02: is one above three times its request, frames counted whole', async () => {
    // A bare request is a frame of 62 + 4 bytes; 136 bytes of CoAP and 62 more are three times that.
    const bare = makeRequest(Code.Get);
    expect((await guarded(answering(131)).ask(bare)).code).toBe(Code.Content);
    expect((await guarded(answering(132)).ask(bare)).code).toBe(Code.Unauthorized);
    const longer = makeRequest(Code.Get, OptionSet.of([Option.UriPath, 'a'.repeat(10)]));
    expect((await guarded(answering(132)).ask(longer)).code).toBe(Code.Content);
  });

  test('goes at once to a peer that has authenticated itself or is known to be there', async () => {
    const { ask, guard } = guarded(answering(2000));
    expect((await ask(discovery, { ...here, identity: { kind: 'psk', id: Uint8Array.of(1) } })).code).toBe(
      Code.Content,
    );
    guard.proved(here);
    expect((await ask(discovery)).code).toBe(Code.Content);
  });

  test('is asked for a proof again when the last one is long ago', async () => {
    const { ask, guard, clock } = guarded(answering(2000));
    guard.proved(here);
    await clock.advance(seconds(301));
    await challengeOf(ask(discovery));
  });

  test('of a request with an effect is not withheld, since the effect is there', async () => {
    expect((await guarded(answering(2000)).ask(makeRequest(Code.Post))).code).toBe(Code.Content);
  });

  test('proofs of ten thousand peers push out the oldest', async () => {
    const { guard } = guarded(answering(1), { peers: 100 });
    for (let i = 0; i < 10_000; i += 1) guard.proved(strangerAt(`${i}`));
    expect(guard.stats().proven).toBe(100);
    expect(guard.hasProved(strangerAt('0'))).toBe(false);
    expect(guard.hasProved(strangerAt('9999'))).toBe(true);
  });
});

describe('E-09: an Echo value', () => {
  test('is taken for 60 s', async () => {
    const { ask, clock } = guarded(answering(2000));
    const value = await challengeOf(ask(discovery));
    await clock.advance(seconds(60));
    expect((await ask(withEcho(value))).code).toBe(Code.Content);
  });

  test('is not taken later', async () => {
    const { ask, clock, guard } = guarded(answering(2000));
    const value = await challengeOf(ask(discovery));
    await clock.advance(seconds(61));
    expect(await challengeOf(ask(withEcho(value)))).not.toEqual(value);
    expect(guard.stats().refused).toBe(1);
  });

  test('is not taken from another address', async () => {
    const { ask } = guarded(answering(2000));
    const value = await challengeOf(ask(discovery));
    await challengeOf(ask(withEcho(value), strangerAt('192.0.2.2')));
  });

  test('is not taken from before a restart', async () => {
    const value = await challengeOf(guarded(answering(2000), { random: new SeededRandom(2) }).ask(discovery));
    await challengeOf(guarded(answering(2000), { random: new SeededRandom(3) }).ask(withEcho(value)));
  });

  test('is not taken with any bit changed, cut or longer', async () => {
    const { ask } = guarded(answering(2000));
    const value = await challengeOf(ask(discovery));
    for (let bit = 0; bit < value.length * 8; bit += 1) {
      const forged = value.slice();
      forged[bit >> 3] = (forged[bit >> 3] as number) ^ (1 << (bit & 7));
      await challengeOf(ask(withEcho(forged)));
    }
    for (const length of [0, 1, 8, value.length - 1]) await challengeOf(ask(withEcho(value.slice(0, length))));
    await challengeOf(ask(withEcho(Uint8Array.of(...value, 0))));
  });

  test('has at least 64 bits that cannot be guessed', async () => {
    const value = await challengeOf(guarded(answering(2000)).ask(discovery));
    expect(value.length - 6).toBeGreaterThanOrEqual(8);
  });
});

describe('when we ask', () => {
  test('a challenge is answered once, with its value', async () => {
    const { ask } = guarded(answering(2000));
    const sent: Request[] = [];
    const client = compose((request, context) => {
      sent.push(request);
      return ask(request, context.peer);
    }, echoing);
    const context = { peer: here, signal: new AbortController().signal };
    expect((await client(discovery, context)).code).toBe(Code.Content);
    expect(sent.map((request) => request.options.has(Option.Echo))).toEqual([false, true]);
  });

  test('a peer that challenges for ever is asked twice', async () => {
    let asked = 0;
    const client = compose(() => {
      asked += 1;
      return Promise.resolve(makeResponse(Code.Unauthorized, OptionSet.of([Option.Echo, Uint8Array.of(asked)])));
    }, echoing);
    expect((await client(discovery, { peer: here, signal: new AbortController().signal })).code).toBe(
      Code.Unauthorized,
    );
    expect(asked).toBe(2);
  });
});
