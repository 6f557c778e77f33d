// Protected exchanges between two endpoints: over networks that lose, repeat and reorder.
import { fromHex, minutes, seconds, toHex } from '@lapwing/kernel';
import type { LinkProfile } from '@lapwing/kernel/testing';
import { describe, expect, test } from 'vitest';
import type { Context, Notify, Service } from '../exchange/service.ts';
import { Code } from '../message/code.ts';
import { makeRequest, makeResponse, type Request, type Response } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { decodeMessage, encodeMessage } from '../message/udp.ts';
import { ProtectedPair, provision } from '../testing/protected-pair.ts';
import { identityOf } from './context.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const bodyOf = (length: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + seed * 13 + (i >> 8)) & 0xff);
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const get = (...more: readonly (readonly [number, number])[]): Request =>
  makeRequest(Code.Get, OptionSet.of([Option.UriPath, 'secret'], ...more));
const put = (payload: Uint8Array): Request => makeRequest(Code.Put, OptionSet.of([Option.UriPath, 'secret']), payload);
const state = (value: string | Uint8Array): Response =>
  makeResponse(Code.Content, OptionSet.of([Option.Observe, 0]), Buffer.from(value));
const hello: Service = () => Promise.resolve(makeResponse(Code.Content, OptionSet.empty, Buffer.from('hello')));

async function settled<T>(pair: ProtectedPair, promise: Promise<T>, within = minutes(10)): Promise<T> {
  promise.catch(() => undefined);
  await pair.clock.advance(within);
  return promise;
}

const weathers: readonly (readonly [string, Partial<LinkProfile>])[] = [
  ['a perfect network', {}],
  ['a fifth lost', { loss: 0.2, duplicate: 0.1, reorder: 0.2, reorderBy: 3000, latency: 50, jitter: 40 }],
];

describe.each(weathers)('over %s', (_, profile) => {
  test('a protected request is served once, and neither path nor body is seen on the way', async () => {
    const seen: { request: Request; context: Context }[] = [];
    await using pair = await ProtectedPair.open(
      (request, context) => {
        seen.push({ request, context });
        return hello(request, context);
      },
      { profile },
    );
    const response = await settled(pair, pair.client.endpoint.request(pair.peer, put(Buffer.from('body'))));
    expect([response.code, text(response.payload)]).toEqual([Code.Content, 'hello']);
    expect(seen).toHaveLength(1);
    const [{ request, context }] = seen as [(typeof seen)[number]];
    expect([request.code, request.options.path, text(request.payload)]).toEqual([Code.Put, ['secret'], 'body']);
    expect(context.peer.identity).toEqual({
      kind: 'oscore',
      id: identityOf(provision('server').recipientId, undefined),
    });
    expect(context.peer.key).not.toBe(pair.peer.key);
    for (const { bytes } of pair.heard) {
      expect(text(bytes)).not.toMatch(/secret|body|hello/);
      const { code, options } = decodeMessage(bytes);
      if (code !== Code.Empty) expect(options.has(Option.Oscore)).toBe(true);
      expect([Code.Empty, Code.Post, Code.Changed]).toContain(code);
    }
  });

  test('bodies of many blocks go both ways, each block protected', async () => {
    const bodies: Uint8Array[] = [];
    await using pair = await ProtectedPair.open(
      (request) => {
        bodies.push(request.payload.slice());
        return Promise.resolve(makeResponse(Code.Changed, OptionSet.empty, bodyOf(9000, 2)));
      },
      { profile, oscore: { window: 64 } },
    );
    const response = await settled(pair, pair.client.endpoint.request(pair.peer, put(bodyOf(7000, 1))), minutes(29));
    expect(same(response.payload, bodyOf(9000, 2))).toBe(true);
    expect(bodies.map((body) => same(body, bodyOf(7000, 1)))).toEqual([true]);
    for (const { bytes } of pair.heard) {
      const { options } = decodeMessage(bytes);
      expect(options.has(Option.Block1) || options.has(Option.Block2)).toBe(false);
    }
  });

  test('an observation hears the newest state, in order, small and in blocks, and ends when it is cancelled', async () => {
    let notify: Notify | undefined;
    let ended = 0;
    await using pair = await ProtectedPair.open(
      (request, context) => {
        if (context.notify === undefined)
          return Promise.resolve(makeResponse(Code.Content, OptionSet.empty, bodyOf(3000, 8)));
        notify = context.notify;
        context.signal.addEventListener('abort', () => {
          ended += 1;
        });
        expect(request.options.observe).toBe(0);
        return Promise.resolve(state('0'));
      },
      { profile },
    );
    const heard: string[] = [];
    const sequences: number[] = [];
    const token = pair.client.endpoint.freshToken();
    const first = await settled(
      pair,
      pair.client.endpoint.request(pair.peer, get([Option.Observe, 0]), {
        token,
        notify: (response, observed) => {
          heard.push(response.payload.length > 100 ? `${response.payload.length} bytes` : text(response.payload));
          sequences.push(observed.sequence ?? -1);
          expect(observed.peer.identity.kind).toBe('oscore');
          expect(toHex(observed.token)).toBe(toHex(token));
        },
      }),
    );
    expect(text(first.payload)).toBe('0');
    for (let i = 1; i <= 20; i += 1) {
      notify?.(state(String(i)), { type: 'con' }).catch(() => undefined);
      await pair.clock.advance(seconds(20));
    }
    await pair.clock.advance(minutes(5));
    expect(heard.at(-1)).toBe('20');
    expect(heard.map(Number)).toEqual([...heard.map(Number)].sort((a, b) => a - b));
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
    notify?.(state(bodyOf(3000, 8)), { type: 'con' }).catch(() => undefined);
    await pair.clock.advance(minutes(5));
    expect(heard.at(-1)).toBe('3000 bytes');

    await settled(pair, pair.client.endpoint.request(pair.peer, get([Option.Observe, 1]), { token }));
    expect(ended).toBe(1);
    expect(pair.server.endpoint.stats().relations).toBe(0);
    pair.client.endpoint.forget(pair.peer, token);
    expect(pair.client.endpoint.stats().observations).toBe(0);
  });

  test('many requests at once are all answered, each with its own answer', async () => {
    await using pair = await ProtectedPair.open(
      (request) => Promise.resolve(makeResponse(Code.Content, OptionSet.empty, request.payload)),
      { profile, seed: 8, oscore: { stride: 4 } },
    );
    const answers = Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const { payload } = await pair.client.endpoint.request(pair.peer, put(Uint8Array.of(i)));
        return payload[0];
      }),
    );
    expect(await settled(pair, answers, minutes(60))).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(pair.server.oscore.stats()).toMatchObject({ accepted: 30, unverified: 0 });
  });

  test('H-06: a client that lost everything agrees on new keys within 3 round trips (Appendix B.2)', async () => {
    await using pair = await ProtectedPair.open(hello, { profile, changes: { recovery: 'rederived' } });
    for (let restart = 0; restart < 3; restart += 1) {
      const from = pair.heard.length;
      const { payload } = await settled(pair, pair.client.endpoint.request(pair.peer, get()));
      expect(text(payload)).toBe('hello');
      if (profile.loss === undefined) expect(pair.heard.length - from).toBe(4);
      expect(pair.server.oscore.stats().accepted).toBe(restart + 1);
      await pair.stop('client', 'killed');
      await pair.startClient();
    }
    expect(pair.server.oscore.stats().rederived).toBe(3);
  });

  test('H-06: a server that lost everything is told, and both agree on new keys (Appendix B.2)', async () => {
    await using pair = await ProtectedPair.open(hello, { profile, changes: { recovery: 'rederived' } });
    await settled(pair, pair.client.endpoint.request(pair.peer, get()));
    await pair.stop('server', 'killed');
    await pair.startServer();
    const from = pair.heard.length;
    const { payload } = await settled(pair, pair.client.endpoint.request(pair.peer, get()));
    expect(text(payload)).toBe('hello');
    if (profile.loss === undefined) expect(pair.heard.length - from).toBe(6);
    await settled(pair, pair.client.endpoint.request(pair.peer, get()));
    expect(pair.server.oscore.stats()).toMatchObject({ accepted: 2, rederived: 1 });
  });
});

test('what is observed anew is numbered on; what the number in the open says is of no account', async () => {
  let notify: Notify | undefined;
  await using pair = await ProtectedPair.open((_request, context) => {
    notify = context.notify;
    return Promise.resolve(state('first'));
  });
  const { endpoint } = pair.client;
  const token = endpoint.freshToken();
  const heard: string[] = [];
  const observe = () =>
    settled(
      pair,
      endpoint.request(pair.peer, get([Option.Observe, 0]), {
        token,
        notify: (each) => heard.push(text(each.payload)),
      }),
      seconds(10),
    );
  const tell = async (what: string): Promise<void> => {
    notify?.(state(what)).catch(() => undefined);
    await pair.clock.advance(seconds(10));
  };
  await observe();
  await tell('a');
  await observe();
  await tell('b');
  const numbers = pair.heard.flatMap(({ bytes }) => {
    const { code, options } = decodeMessage(bytes);
    return code === Code.Content ? [options.observe] : [];
  });
  expect(numbers).toEqual([1, 2, 3, 4]);
  pair.network.tap = (_from, _to, bytes) => {
    const { type, id, token: its, code, options, payload } = decodeMessage(bytes);
    if (code !== Code.Content) return bytes;
    return encodeMessage({ type, id, token: its, code, options: options.with(Option.Observe, 1), payload });
  };
  await tell('c');
  await tell('d');
  expect(heard).toEqual(['a', 'b', 'c', 'd']);
});

test('what comes in the open is served as ever, and the peer has proved nothing', async () => {
  const kinds: string[] = [];
  await using pair = await ProtectedPair.open((request, context) => {
    kinds.push(context.peer.identity.kind);
    return hello(request, context);
  });
  await settled(pair, pair.client.endpoint.request(pair.plain, get()));
  await settled(pair, pair.client.endpoint.request(pair.peer, get()));
  expect(kinds).toEqual(['none', 'oscore']);
});

test('both sides ask each other under one context', async () => {
  const peers: Context['peer'][] = [];
  await using pair = await ProtectedPair.open((request, context) => {
    peers.push(context.peer);
    return hello(request, context);
  });
  await settled(pair, pair.client.endpoint.request(pair.peer, get()));
  const [client] = peers as [Context['peer']];
  expect(text((await settled(pair, pair.server.endpoint.request(client, get()))).payload)).toBe('hello');
  expect(peers[1]?.key).toBe(pair.peer.key);
  expect(peers[1]?.identity).toEqual(pair.peer.identity);
});

test('other ciphers and hashes of object 21 are spoken: AES-GCM, AES-CCM-64, SHA-512', async () => {
  for (const changes of [{ aead: 1 }, { aead: 12, hkdf: -11 }, { aead: 30, hkdf: 7 }, { aead: 3, hkdf: 5 }]) {
    await using pair = await ProtectedPair.open(hello, { changes });
    expect(text((await settled(pair, pair.client.endpoint.request(pair.peer, get()))).payload)).toBe('hello');
  }
});

test('blocks and what protects them fit into the datagrams of a text message', async () => {
  const bodies: number[] = [];
  const serve: Service = (request) => {
    bodies.push(request.payload.length);
    return Promise.resolve(makeResponse(Code.Content, OptionSet.of([Option.ContentFormat, 11_542]), bodyOf(700)));
  };
  for (const changes of [{}, { recovery: 'rederived' }] as const) {
    await using pair = await ProtectedPair.open(serve, { mtu: 140, changes });
    const path = ['rd', '5a3f', '0', '1'].map((segment) => [Option.UriPath, segment] as const);
    const request = makeRequest(Code.Put, OptionSet.of(...path, [Option.ContentFormat, 11_542]), bodyOf(500));
    expect((await settled(pair, pair.client.endpoint.request(pair.peer, request))).payload).toHaveLength(700);
    expect(Math.max(...pair.heard.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(140);
  }
  expect(bodies).toEqual([500, 500]);
});

test('an answer that is not wanted is not sent, and No-Response stands inside and outside', async () => {
  const seen: (number | undefined)[] = [];
  await using pair = await ProtectedPair.open((request, context) => {
    seen.push(request.options.uint(Option.NoResponse));
    return hello(request, context);
  });
  const unanswered = pair.client.endpoint.request(pair.peer, get([Option.NoResponse, 2]), { type: 'non' });
  await expect(settled(pair, unanswered, minutes(30))).rejects.toThrow(/no response/);
  expect(seen).toEqual([2]);
  expect(pair.heard).toHaveLength(1);
  expect(decodeMessage(pair.heard[0]!.bytes).options.uint(Option.NoResponse)).toBe(2);
});

test('path and query of a Proxy-Uri are not seen on the way', async () => {
  await using pair = await ProtectedPair.open(hello);
  const request = makeRequest(Code.Get, OptionSet.of([Option.ProxyUri, 'coap://example.com:61616/secret/x?key=1']));
  // Proxy-Scheme stays in the open, so that an endpoint that is no proxy refuses.
  await expect(settled(pair, pair.client.endpoint.request(pair.peer, request))).rejects.toMatchObject({
    status: Code.ProxyingNotSupported,
  });
  const { bytes } = pair.heard[0]!;
  expect(text(bytes)).toContain('example.com');
  expect(text(bytes)).not.toMatch(/secret|key/);
});

test('nothing goes out in the open to a peer of OSCORE', async () => {
  await using pair = await ProtectedPair.open(hello, { clientEndpoint: {} });
  const { endpoint } = pair.server;
  const stranger = { key: 'x', address: pair.plain.address, identity: { kind: 'oscore', id: fromHex('63') } } as const;
  await expect(endpoint.request(stranger, get())).rejects.toMatchObject({ code: 'COAP_OSCORE', problem: 'no-context' });
  expect(pair.heard).toHaveLength(0);
  await expect(pair.client.oscore.peer(pair.plain, fromHex('ff'))).rejects.toMatchObject({ problem: 'no-context' });
});
