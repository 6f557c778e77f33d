// Block-wise transfer and observation between two endpoints, over networks that lose, repeat and reorder.
import { minutes, seconds } from '@lapwing/kernel';
import { type LinkProfile, MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, test } from 'vitest';
import { Endpoint } from '../endpoint.ts';
import type { EndpointOptions } from '../endpoint-options.ts';
import type { Notify, Service } from '../exchange/service.ts';
import { Code } from '../message/code.ts';
import { makeRequest, makeResponse, type Request } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';

const bodyOf = (length: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + seed * 13 + (i >> 8)) & 0xff);
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const request = (code: Code, payload?: Uint8Array): Request =>
  makeRequest(code, OptionSet.of([Option.UriPath, 'r']), payload);

async function pair(
  serve: Service,
  profile: Partial<LinkProfile> = {},
  options: Partial<EndpointOptions> = {},
  seed = 7,
) {
  const clock = new VirtualClock();
  const random = new SeededRandom(seed);
  const network = new MemoryNetwork(clock, random, profile);
  const server = await Endpoint.open({
    transport: network.transport('10.0.0.1', 5683),
    serve,
    clock,
    random,
    ...options,
  });
  const client = await Endpoint.open({ transport: network.transport('10.0.0.2'), clock, random, ...options });
  const peer = await client.connect({ via: 'udp', host: '10.0.0.1', port: 5683 });
  const close = async (): Promise<void> => {
    await client[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    expect(clock.pending).toBe(0);
  };
  return { clock, network, server, client, peer, close };
}

const weathers: readonly (readonly [string, Partial<LinkProfile>])[] = [
  ['a perfect network', {}],
  ['duplicates and reordering', { duplicate: 0.3, reorder: 0.3, reorderBy: 4000, latency: 50, jitter: 40 }],
  ['a tenth lost', { loss: 0.1, duplicate: 0.05, reorder: 0.1, reorderBy: 1000, latency: 500, jitter: 400 }],
];

describe.each(weathers)('over %s', (_, profile) => {
  test('a large response arrives whole', async () => {
    const { client, peer, clock, close } = await pair(
      () => Promise.resolve(makeResponse(Code.Content, OptionSet.empty, bodyOf(20_000))),
      profile,
    );
    const response = client.request(peer, request(Code.Get));
    await clock.advance(minutes(29));
    expect(same((await response).payload, bodyOf(20_000))).toBe(true);
    await close();
  });

  test('a large request arrives whole and once', async () => {
    const bodies: Uint8Array[] = [];
    const { client, peer, clock, close } = await pair((asked) => {
      bodies.push(asked.payload.slice());
      return Promise.resolve(makeResponse(Code.Changed));
    }, profile);
    const response = client.request(peer, request(Code.Put, bodyOf(20_000)));
    await clock.advance(minutes(29));
    expect((await response).code).toBe(Code.Changed);
    expect(bodies.map((body) => same(body, bodyOf(20_000)))).toEqual([true]);
    await close();
  });

  test('a stream goes both ways', async () => {
    let received = 0;
    const { client, peer, clock, close } = await pair(
      async (_request, context) => {
        for await (const chunk of context.body ?? []) received += chunk.length;
        return makeResponse(Code.Changed, OptionSet.empty, bodyOf(15_000));
      },
      profile,
      { blocks: { streams: (asked) => asked.code === Code.Put } },
    );
    let taken = 0;
    const source = { read: (offset: number, length: number) => bodyOf(15_000).subarray(offset, offset + length) };
    const response = client.request(
      peer,
      { ...request(Code.Put), body: source },
      {
        onBlock: (chunk, offset) => {
          expect(offset).toBe(taken);
          taken += chunk.length;
        },
      },
    );
    await clock.advance(minutes(29));
    expect((await response).code).toBe(Code.Changed);
    expect([received, taken]).toEqual([15_000, 15_000]);
    await close();
  });

  test('C-19: of large notifications only whole ones are heard, in order, and the last one is', async () => {
    let version = 0;
    let notify: Notify | undefined;
    const state = (): Uint8Array => bodyOf(3000, version);
    const { client, server, peer, clock, close } = await pair((asked, context) => {
      if (context.notify !== undefined) notify = context.notify;
      const options = asked.options.has(Option.Observe) ? OptionSet.of([Option.Observe, 0]) : OptionSet.empty;
      return Promise.resolve(makeResponse(Code.Content, options, state()));
    }, profile);
    const heard: number[] = [];
    const observe = { ...request(Code.Get), options: request(Code.Get).options.with(Option.Observe, 0) };
    const versionOf = (payload: Uint8Array): number =>
      Array.from({ length: 11 }, (__, v) => v).findIndex((v) => same(payload, bodyOf(3000, v)));
    const first = client.request(peer, observe, { notify: (response) => void heard.push(versionOf(response.payload)) });
    await clock.advance(seconds(300));
    expect(versionOf((await first).payload)).toBe(0);
    for (version = 1; version < 11; version += 1) {
      void notify?.(makeResponse(Code.Content, OptionSet.empty, state()), { type: 'con' }).catch(() => undefined);
      await clock.advance(seconds(2));
    }
    version = 10;
    await clock.advance(seconds(300));
    expect(heard).not.toContain(-1);
    expect(heard).toEqual([...heard].sort((a, b) => a - b));
    expect(heard.at(-1)).toBe(10);
    await clock.advance(minutes(40));
    expect(server.stats().blocksIn.transfers).toBe(0);
    expect(client.stats().blocksOut.fetching).toBe(0);
    await close();
  });
});

describe('at twenty percent loss each way', () => {
  test('each block starts its back-off anew: 64 KiB take far less than one long back-off each', async () => {
    const { client, peer, clock, close, network } = await pair(
      () => Promise.resolve(makeResponse(Code.Content, OptionSet.empty, bodyOf(65_536))),
      { loss: 0.2, latency: 50 },
      {},
      11,
    );
    const response = client.request(peer, request(Code.Get)).catch((error: unknown) => error);
    await clock.advance(minutes(29));
    expect(await response).toMatchObject({ code: Code.Content });
    expect(network.counters().sent).toBeLessThan(64 * 2 * 2);
    await close();
  });
});

test('No-Response: an unwanted answer is acknowledged and not sent', async () => {
  const { client, server, peer, clock, close } = await pair(() => Promise.resolve(makeResponse(Code.Changed)));
  const put = { ...request(Code.Put), options: request(Code.Put).options.with(Option.NoResponse, 26) };
  const outcome = client.request(peer, put).catch((error: unknown) => error);
  await clock.advance(seconds(1));
  expect(server.stats()).toMatchObject({ sent: 1, sentBytes: 4 });
  await clock.advance(minutes(10));
  expect(await outcome).toMatchObject({ code: 'TIMEOUT' });
  await close();
});
