// Block sizes where a message has little room, as a text message has, and less under DTLS: each message is measured, and none is too long.
import { minutes } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { Endpoint } from '../endpoint.ts';
import type { Notify, Service } from '../exchange/service.ts';
import { Code } from '../message/code.ts';
import { makeRequest, makeResponse } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';

const bodyOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
const path = (...segments: string[]): OptionSet =>
  OptionSet.of(...segments.map((segment) => [Option.UriPath, segment] as const));
const content = (payload: Uint8Array) => makeResponse(Code.Content, OptionSet.of([Option.ContentFormat, 112]), payload);

/** Two endpoints, and what has passed between them. */
async function pair(mtu: number, serve: Service, longest?: number) {
  const clock = new VirtualClock();
  const random = new SeededRandom(3);
  const network = new MemoryNetwork(clock, random);
  const traits = longest === undefined ? { mtu } : { mtu, longest };
  const sizes: number[] = [];
  network.tap = (_from, _to, bytes) => {
    sizes.push(bytes.length);
    return bytes;
  };
  const server = await Endpoint.open({
    ...{ transport: network.transport('10.0.0.1', 5683, traits), serve, clock, random },
  });
  const client = await Endpoint.open({ transport: network.transport('10.0.0.2', 0, traits), clock, random });
  const peer = await client.connect({ via: 'udp', host: '10.0.0.1', port: 5683 });
  const close = async (): Promise<void> => {
    await client[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  };
  return { clock, client, peer, sizes, close };
}

const upTo = (most: number): number[] => Array.from({ length: Math.ceil(most / 13) }, (_, i) => i * 13);

// A text message, and the same under DTLS with a short tag and a connection id.
describe.each([140, 102])('where %i bytes are all', (mtu) => {
  it('responses of any size arrive whole, beside options of many sizes', async () => {
    let response = content(bodyOf(0));
    const { client, peer, clock, sizes, close } = await pair(mtu, () => Promise.resolve(response));
    for (const location of [0, 20, 40]) {
      for (const length of upTo(300)) {
        const { options, ...rest } = content(bodyOf(length));
        response = {
          ...rest,
          options: location === 0 ? options : options.with(Option.LocationPath, 'x'.repeat(location)),
        };
        const asked = client.request(peer, makeRequest(Code.Post, path('r'), bodyOf(1)));
        await clock.advance(minutes(1));
        expect((await asked).payload).toEqual(bodyOf(length));
      }
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(mtu);
    await close();
  });

  it('requests of any size arrive whole, beside options of many sizes', async () => {
    const bodies: Uint8Array[] = [];
    const { client, peer, clock, sizes, close } = await pair(mtu, (request) => {
      bodies.push(request.payload.slice());
      return Promise.resolve(makeResponse(Code.Changed));
    });
    for (const name of [1, 20, mtu - 13 - 9 - 5 - 16 - 4]) {
      for (const length of upTo(300)) {
        bodies.length = 0;
        const asked = client.request(peer, makeRequest(Code.Put, path('r', 'x'.repeat(name)), bodyOf(length)));
        await clock.advance(minutes(1));
        expect((await asked).code).toBe(Code.Changed);
        expect(bodies).toEqual([bodyOf(length)]);
      }
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(mtu);
    await close();
  });

  it('a notification that fits is one message, and of one that does not the rest is fetched once', async () => {
    let tell: Notify | undefined;
    const { client, peer, clock, sizes, close } = await pair(mtu, (_, context) => {
      tell ??= context.notify;
      const { options, ...first } = content(bodyOf(1));
      return Promise.resolve({ ...first, options: options.with(Option.Observe, 0) });
    });
    const heard: Uint8Array[] = [];
    // Who has not shown to be there is not sent more than a few times what it sent.
    const acquainted = client.request(peer, makeRequest(Code.Put, path('r'), bodyOf(300)));
    await clock.advance(minutes(1));
    await acquainted;
    const asked = client.request(peer, makeRequest(Code.Get, path('r').with(Option.Observe, 0)), {
      notify: ({ payload }) => void heard.push(payload),
    });
    await clock.advance(minutes(1));
    await asked;
    const messages = async (length: number): Promise<number> => {
      sizes.length = 0;
      heard.length = 0;
      void tell?.(content(bodyOf(length)), { type: 'con' });
      await clock.advance(minutes(1));
      expect(heard).toEqual([bodyOf(length)]);
      return sizes.length;
    };
    const fits = mtu - 13 - 9 - 2;
    // And the acknowledgement.
    expect(await messages(fits)).toBe(2);
    expect(await messages(fits + 1)).toBe(4);
    for (const length of upTo(400)) await messages(length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(mtu);
    await close();
  });
});

it('where a message may be as long as many text messages, a body goes in one', async () => {
  const { client, peer, clock, sizes, close } = await pair(34_170, ({ payload }) => Promise.resolve(content(payload)));
  const acquainted = client.request(peer, makeRequest(Code.Put, path('r'), bodyOf(11_000)));
  await clock.advance(minutes(1));
  await acquainted;
  sizes.length = 0;
  const asked = client.request(peer, makeRequest(Code.Put, path('r'), bodyOf(30_000)));
  await clock.advance(minutes(1));
  expect((await asked).payload).toEqual(bodyOf(30_000));
  expect(sizes).toHaveLength(2);
  await close();
});

it('what cannot be divided is refused with its size, or is longer where the road allows it', async () => {
  const request = makeRequest(Code.Put, path('x'.repeat(120)), bodyOf(50));
  const strict = await pair(140, () => Promise.resolve(makeResponse(Code.Changed)));
  await expect(strict.client.request(strict.peer, request)).rejects.toThrow('where 140 fit');
  await strict.close();
  const { client, peer, clock, sizes, close } = await pair(
    140,
    () => Promise.resolve(makeResponse(Code.Changed)),
    1000,
  );
  const asked = client.request(peer, request);
  await clock.advance(minutes(1));
  expect((await asked).code).toBe(Code.Changed);
  expect(sizes[0]).toBeGreaterThan(140);
  await close();
});
