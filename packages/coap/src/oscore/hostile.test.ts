// The hostile cases of OSCORE: replays, restarts, forged and malformed messages.
import { concatBytes, fromHex, minutes, noBytes, Secret } from '@lapwing/kernel';
import { describe, expect, test } from 'vitest';
import { Endpoint } from '../endpoint.ts';
import type { Notify, Service } from '../exchange/service.ts';
import { Code } from '../message/code.ts';
import { type Message, makeRequest, makeResponse, type Request, Type } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { decodeMessage, encodeMessage } from '../message/udp.ts';
import { type PairOptions, ProtectedPair, provision } from '../testing/protected-pair.ts';
import { ScriptedPeer } from '../testing/scripted-peer.ts';
import { deriveContext } from './context.ts';
import { protectedOnly } from './layer.ts';
import { decodeOscoreOption, encodeOscoreOption, encodePiv } from './option.ts';
import { protectRequest, protectResponse, unprotectResponse } from './protect.ts';
import { sequenceLimit } from './sequence.ts';
import { MemoryContextStore } from './store.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const get = (...more: readonly (readonly [number, number | Uint8Array])[]): Request =>
  makeRequest(Code.Get, OptionSet.of([Option.UriPath, 'secret'], ...more));
const hello: Service = () => Promise.resolve(makeResponse(Code.Content, OptionSet.empty, Buffer.from('hello')));
const parts = ({ type, id, token, code, options, payload }: Message): Message => ({
  type,
  id,
  token,
  code,
  options,
  payload,
});

async function settled<T>(pair: ProtectedPair, promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  await pair.clock.advance(minutes(5));
  return promise;
}

/** A pair, the paths that its server served, and a stranger who can send what it likes. */
async function stage(options: PairOptions = {}, serve: Service = hello) {
  const served: string[] = [];
  const pair = await ProtectedPair.open((request, context) => {
    served.push(request.options.path.join('/'));
    return serve(request, context);
  }, options);
  const { network, clock } = pair;
  const stranger = await ScriptedPeer.open({ network, clock });
  await stranger.talkTo({ via: 'udp', host: '10.0.0.1', port: 5683 });
  let id = 100;
  /** Sends a request with a fresh id; what it is answered. */
  const send = async (request: Request): Promise<Message> => {
    id += 1;
    stranger.takeAll();
    const { code, options: set, payload } = request;
    stranger.sendBytes(encodeMessage({ type: Type.Con, id, token: Uint8Array.of(id), code, options: set, payload }));
    await clock.advance(50);
    const [answer] = stranger.takeAll();
    if (answer === undefined) throw new Error('no answer');
    return answer;
  };
  const client = deriveContext(provision('client', options.changes));
  const protect = (sequence: number, request = get()): Request => protectRequest(client, request, sequence).message;
  return { pair, served, send, protect, client, stranger };
}

/** Refused in the open, not to be cached, without a word. */
function expectRefusal(answer: Message, code: Code): void {
  expect(answer.code).toBe(code);
  expect(answer.options.has(Option.Oscore)).toBe(false);
  expect(answer.options.uint(Option.MaxAge)).toBe(0);
  expect(answer.payload).toHaveLength(0);
}

describe('replays', () => {
  for (const [name, options] of [
    ['with a window of 32', {}],
    ['with a window of 256', { oscore: { window: 256 } }],
    ['with an ID Context', { changes: { idContext: fromHex('aabb') } }],
    ['of AES-GCM', { changes: { aead: 1 } }],
    ['after Appendix B.2', { changes: { recovery: 'rederived' } }],
  ] as const satisfies readonly (readonly [string, PairOptions])[]) {
    test(`H-01: of every accepted request are refused with 4.01 and not served: ${name}`, async () => {
      const observable: Service = () => Promise.resolve(makeResponse(Code.Content, OptionSet.of([Option.Observe, 0])));
      const { pair, served, send } = await stage(options, observable);
      for (const more of [[], [[Option.Observe, 0]]] as const) {
        await settled(pair, pair.client.endpoint.request(pair.peer, get(...more), { notify: () => undefined }));
      }
      const before = served.length;
      expect(before).toBe(2);
      const sent = pair.heard.filter(({ from }) => from === '10.0.0.2').map(({ bytes }) => decodeMessage(bytes));
      for (const message of sent.filter(({ code }) => code !== Code.Empty)) {
        const answer = await send(message);
        expect(answer.options.has(Option.Observe)).toBe(false);
        if (name === 'after Appendix B.2' && answer.options.has(Option.Oscore)) continue;
        expectRefusal(answer, Code.Unauthorized);
      }
      expect(served).toHaveLength(before);
      // The observation that was replayed is still there.
      expect(pair.server.endpoint.stats().relations).toBe(1);
    });
  }

  test('H-02: the numbers 10, 7, 10 are accepted, accepted, refused', async () => {
    const { served, send, protect } = await stage();
    expect((await send(protect(10))).options.has(Option.Oscore)).toBe(true);
    expect((await send(protect(7))).options.has(Option.Oscore)).toBe(true);
    expectRefusal(await send(protect(10)), Code.Unauthorized);
    expect(served).toHaveLength(2);
  });

  test('H-03: the numbers 3, 5, 4 are all accepted, and what is further back than the window is not', async () => {
    const { served, send, protect } = await stage();
    for (const sequence of [3, 5, 4, 40]) await send(protect(sequence));
    expect(served).toHaveLength(4);
    expectRefusal(await send(protect(8)), Code.Unauthorized);
    expect((await send(protect(9))).options.has(Option.Oscore)).toBe(true);
  });
});

describe('restarts', () => {
  test('H-04: no sequence number is used twice by a client that is killed a thousand times', async () => {
    const pair = await ProtectedPair.open(hello, { seed: 9 });
    const used = new Set<string>();
    for (let kill = 0; kill < 1000; kill += 1) {
      for (let n = pair.random.between(0, 3); n > 0; n -= 1) {
        const asked = pair.client.endpoint.request(pair.peer, get(), { type: 'non' });
        asked.catch(() => undefined);
        await pair.clock.advance(pair.random.between(0, 2));
      }
      for (const { from, bytes } of pair.heard.splice(0)) {
        const { code } = decodeMessage(bytes);
        if (from !== '10.0.0.2' || code === Code.Empty) continue;
        const value = Buffer.from(decodeMessage(bytes).options.bytes(Option.Oscore)!).toString('hex');
        expect(used.has(value)).toBe(false);
        used.add(value);
      }
      await pair.stop('client', 'killed');
      await pair.startClient();
    }
    expect(used.size).toBeGreaterThan(1000);
  }, 60_000);

  test('H-05: a server that lost its window asks for a proof first, and refuses what is old before and after', async () => {
    const { pair, served } = await stage();
    await settled(pair, pair.client.endpoint.request(pair.peer, get()));
    const old = decodeMessage(pair.heard.find(({ from }) => from === '10.0.0.2')!.bytes);
    await pair.stop('server', 'killed');
    await pair.startServer();
    const { network, clock } = pair;
    const stranger = await ScriptedPeer.open({ network, clock, host: '10.0.0.77' });
    await stranger.talkTo({ via: 'udp', host: '10.0.0.1', port: 5683 });
    const replay = async (id: number): Promise<Message> => {
      stranger.sendBytes(encodeMessage({ ...parts(old), id }));
      await clock.advance(50);
      return stranger.takeAll()[0]!;
    };
    const client = deriveContext(provision('client'));
    const binding = { kid: client.senderId, piv: encodePiv(0) };
    const refusal = await replay(1);
    const option = decodeOscoreOption(refusal.options.bytes(Option.Oscore)!);
    // Never with the nonce of the request, which was used before.
    expect(option.piv).toBeDefined();
    const opened = unprotectResponse(client, binding, refusal, option);
    expect(opened).toMatchObject({ content: { code: Code.Unauthorized } });
    expect(served).toHaveLength(1);
    // The client proves itself without anybody noticing, and the old one stays refused.
    const from = pair.heard.length;
    expect(text((await settled(pair, pair.client.endpoint.request(pair.peer, get()))).payload)).toBe('hello');
    expect(pair.heard.length - from).toBe(4);
    expect(served).toHaveLength(2);
    const again = await replay(2);
    expect([again.code, served.length]).toEqual([Code.Changed, 2]);
    await settled(pair, pair.client.endpoint.request(pair.peer, get()));
    expect(pair.server.oscore.stats()).toMatchObject({ challenged: 3, accepted: 2 });
  });

  test('H-05: after an orderly end the window is there again, and no proof is asked for', async () => {
    const { pair, served, send, protect } = await stage();
    await send(protect(5));
    await pair.stop('server', 'orderly');
    await pair.startServer();
    expectRefusal(await send(protect(5)), Code.Unauthorized);
    expect((await send(protect(4))).options.has(Option.Oscore)).toBe(true);
    expect(served).toHaveLength(2);
    expect(pair.server.oscore.stats().challenged).toBe(0);
    // What was kept has been used up: a power cut now leaves nothing.
    await pair.stop('server', 'killed');
    await pair.startServer();
    await send(protect(6));
    expect(pair.server.oscore.stats()).toMatchObject({ challenged: 1, accepted: 0 });
  });
});

describe('sequence numbers', () => {
  test('H-07: at 2^40-1 nothing is sent any more, unless other keys can be had', async () => {
    const { pair } = await stage();
    const store = new MemoryContextStore().add(provision('client'));
    await store.reserve(deriveContext(provision('client')).sending, sequenceLimit - 2);
    const used = await ProtectedPair.open(hello, { stores: { client: store } });
    await settled(used, used.client.endpoint.request(used.peer, get())).catch(() => undefined);
    const sent = decodeMessage(used.heard[0]!.bytes).options.bytes(Option.Oscore)!;
    expect(Buffer.from(sent).toString('hex')).toBe('0dfffffffffd63');
    used.heard.length = 0;
    await settled(used, used.client.endpoint.request(used.peer, get())).catch(() => undefined);
    expect(Buffer.from(decodeMessage(used.heard[0]!.bytes).options.bytes(Option.Oscore)!).toString('hex')).toBe(
      '0dfffffffffe63',
    );
    used.heard.length = 0;
    await expect(used.client.endpoint.request(used.peer, get())).rejects.toMatchObject({ problem: 'exhausted' });
    expect(used.heard).toHaveLength(0);
    await pair[Symbol.asyncDispose]();
  });
});

describe('malformed and unknown', () => {
  test('H-08: an unknown kid is refused with 4.01 and no payload', async () => {
    const { served, send } = await stage();
    const option = encodeOscoreOption({ kid: fromHex('ffff'), piv: encodePiv(1) });
    expectRefusal(
      await send(makeRequest(Code.Post, OptionSet.of([Option.Oscore, option]), new Uint8Array(30))),
      Code.Unauthorized,
    );
    expect(served).toEqual([]);
  });

  test('H-08: of a hundred contexts with one kid at most 4 are tried, the last used first', async () => {
    const store = new MemoryContextStore();
    for (let i = 0; i < 100; i += 1) store.add(provision('server', { idContext: Uint8Array.of(i) }), 'unused');
    const pair = await ProtectedPair.open(hello, { stores: { server: store } });
    const stranger = await ScriptedPeer.open({ network: pair.network, clock: pair.clock });
    await stranger.talkTo({ via: 'udp', host: '10.0.0.1', port: 5683 });
    const ask = async (i: number, sequence: number, kidContext?: Uint8Array): Promise<Code> => {
      const client = deriveContext(provision('client', { idContext: Uint8Array.of(i) }));
      const { message } = protectRequest(client, get(), sequence, kidContext);
      stranger.sendBytes(encodeMessage({ ...message, type: Type.Con, id: i * 100 + sequence, token: noBytes }));
      await pair.clock.advance(50);
      return stranger.takeAll()[0]!.code;
    };
    expect(await ask(3, 1)).toBe(Code.Changed);
    expect(await ask(77, 1)).toBe(Code.BadRequest);
    expect(await ask(77, 2, Uint8Array.of(77))).toBe(Code.Changed);
    // Now it is the first to be tried.
    expect(await ask(77, 3)).toBe(Code.Changed);
    expect(await ask(50, 4, Uint8Array.of(200))).toBe(Code.Unauthorized);
  });

  test.each([
    ['a reserved flag', '8914c3'],
    ['the other reserved flags', '6914c3'],
    ['a Partial IV of 6 bytes', '0e010203040506'],
    ['a Partial IV of 7 bytes', '0f01020304050607'],
    ['a kid context past the end', '191405aabb'],
    ['a kid context of 255 bytes that are not there', '1914ff'],
    ['no length of the kid context', '1914'],
    ['flags of zero', '00'],
    ['nothing', ''],
    ['no kid', '0114'],
    ['no Partial IV', '0863'],
    ['bytes behind its end', '011463'],
    ['a Partial IV cut short', '0914'.slice(0, 2)],
    ['a Partial IV with a zero in front', '0a001463'],
    ['255 bytes', `09${'ff'.repeat(254)}`],
  ])('H-09: an option with %s is refused', async (name, hex) => {
    const { served, send } = await stage();
    const answer = await send(makeRequest(Code.Post, OptionSet.of([Option.Oscore, fromHex(hex)]), new Uint8Array(30)));
    expectRefusal(answer, name === '255 bytes' ? Code.Unauthorized : Code.BadOption);
    expect(served).toEqual([]);
  });

  test('H-09: a ciphertext that is missing, short or forged is refused', async () => {
    const { served, send, protect } = await stage();
    const { code, options, payload } = protect(1);
    expectRefusal(await send(makeRequest(code, options)), Code.BadOption);
    for (const length of [1, 8, 9, payload.length - 1])
      expectRefusal(await send(makeRequest(code, options, payload.subarray(0, length))), Code.BadRequest);
    for (let at = 0; at < payload.length; at += 1) {
      const forged = payload.slice();
      forged[at]! ^= 1;
      expectRefusal(await send(makeRequest(code, options, forged)), Code.BadRequest);
    }
    expect(served).toEqual([]);
    // Nothing of that has used up the number.
    expect((await send(protect(1))).options.has(Option.Oscore)).toBe(true);
  });

  test('H-09: what is inside is read with the same care, and refused under protection', async () => {
    const { served, send, protect, client } = await stage();
    const opened = async (request: Request, sequence: number): Promise<Code | string> => {
      const answer = await send(request);
      const piv = encodePiv(sequence);
      const found = unprotectResponse(client, { kid: client.senderId, piv }, answer, {});
      return typeof found === 'string' ? `${found} ${answer.code}` : found.content.code;
    };
    expect(await opened(protect(1, makeRequest(Code.Get, OptionSet.of([65_001, 1]))), 1)).toBe(Code.BadOption);
    expect(await opened(protect(2, makeRequest(0x1f)), 2)).toBe(Code.MethodNotAllowed);
    expect(await opened(protect(3, makeRequest(Code.Content)), 3)).toBe(`malformed ${Code.BadRequest}`);
    expect(await opened(protect(4, makeRequest(Code.Empty)), 4)).toBe(`malformed ${Code.BadRequest}`);
    expect(served).toEqual([]);
  });

  test('H-10: options of class E in the open are not looked at, and the path inside counts', async () => {
    const seen: Request[] = [];
    const { send, protect } = await stage({}, (request, context) => {
      seen.push(request);
      return hello(request, context);
    });
    const { code, options, payload } = protect(1);
    const more = OptionSet.of(
      ...options,
      [Option.UriPath, 'public'],
      [Option.UriQuery, 'x'],
      [Option.Accept, 60],
      [Option.ContentFormat, 60],
      [Option.MaxAge, 9],
      [Option.Echo, fromHex('aa')],
      [Option.UriHost, 'example.com'],
    );
    await send(makeRequest(code, more, payload));
    expect(seen).toHaveLength(1);
    expect([...seen[0]!.options].map(([number]) => number)).toEqual([Option.UriHost, Option.UriPath]);
    expect(seen[0]!.options.path).toEqual(['secret']);
  });

  test('H-10: an Observe that stands only outside, or only inside, makes no observation', async () => {
    const { pair, send, protect } = await stage({}, () =>
      Promise.resolve(makeResponse(Code.Content, OptionSet.of([Option.Observe, 0]))),
    );
    const plain = protect(1);
    await send(makeRequest(Code.Fetch, OptionSet.of(...plain.options, [Option.Observe, 0]), plain.payload));
    const observing = protect(2, get([Option.Observe, 0]));
    await send(makeRequest(observing.code, observing.options.without(Option.Observe), observing.payload));
    expect(pair.server.endpoint.stats().relations).toBe(0);
    await send(protect(3, get([Option.Observe, 0])));
    expect(pair.server.endpoint.stats().relations).toBe(1);
  });

  test('H-10: a path that is for protected requests only answers all others with 4.01', async () => {
    const only = protectedOnly(({ options }) => options.path[0] === 'secret');
    const { pair, served, send, protect } = await stage({ endpoint: { layers: [only] } });
    expect((await send(get())).code).toBe(Code.Unauthorized);
    expect((await send(makeRequest(Code.Get, OptionSet.of([Option.UriPath, 'open'])))).code).toBe(Code.Content);
    expect((await send(protect(1))).code).toBe(Code.Changed);
    expect(served).toEqual(['open', 'secret']);
    await pair[Symbol.asyncDispose]();
  });

  test('H-11: outer blocks are put together up to 64 KiB, and above that refused with 4.13', async () => {
    const bodies: number[] = [];
    const { send, client } = await stage({}, (request) => {
      bodies.push(request.payload.length);
      return Promise.resolve(makeResponse(Code.Changed));
    });
    const cut = async (length: number, sequence: number): Promise<Message> => {
      const put = makeRequest(Code.Put, OptionSet.of([Option.UriPath, 'r']), new Uint8Array(length));
      const { message } = protectRequest(client, put, sequence);
      for (let num = 0; ; num += 1) {
        const more = (num + 1) * 1024 < message.payload.length;
        const options = message.options.with(Option.Block1, num * 16 + (more ? 8 : 0) + 6);
        const answer = await send(
          makeRequest(message.code, options, message.payload.subarray(num * 1024, num * 1024 + 1024)),
        );
        if (answer.code !== Code.Continue) return answer;
      }
    };
    expect((await cut(5000, 1)).code).toBe(Code.Changed);
    expect((await cut(65_000, 2)).code).toBe(Code.Changed);
    expect((await cut(65_530, 3)).code).toBe(Code.RequestEntityTooLarge);
    expect(bodies).toEqual([5000, 65_000]);
  });

  test('an endpoint without contexts refuses protected requests: confirmable ones with 4.02, others in silence', async () => {
    const pair = await ProtectedPair.open(hello);
    const endpoint = await Endpoint.open({
      transport: pair.network.transport('10.0.0.3', 5683),
      serve: hello,
      clock: pair.clock,
    });
    const peer = await ScriptedPeer.open({ network: pair.network, clock: pair.clock });
    await peer.talkTo({ via: 'udp', host: '10.0.0.3', port: 5683 });
    const { message } = protectRequest(deriveContext(provision('client')), get(), 1);
    peer.sendBytes(encodeMessage({ ...message, type: Type.Con, id: 1, token: noBytes }));
    await peer.expect(Type.Ack, Code.BadOption);
    peer.sendBytes(encodeMessage({ ...message, type: Type.Non, id: 2, token: noBytes }));
    await peer.silence(minutes(1));
    await expect(endpoint.request(pair.peer, get())).rejects.toMatchObject({ code: 'CONFIG' });
    await endpoint[Symbol.asyncDispose]();
  });
});

describe('answers', () => {
  /** The client asks; what the server says is what `forge` makes of it. */
  async function forged(forge: (answer: Message) => Message | undefined, serve: Service = hello) {
    const staged = await stage({}, serve);
    const { pair } = staged;
    pair.network.tap = (from, _to, bytes) => {
      const message = decodeMessage(bytes);
      if (from.host !== '10.0.0.1' || message.code === Code.Empty) return bytes;
      const made = forge(message);
      return made === undefined ? undefined : encodeMessage(parts(made));
    };
    return { ...staged, ask: () => settled(pair, pair.client.endpoint.request(pair.peer, get())) };
  }

  test('H-12: an answer that was made for another request is not taken', async () => {
    let first: Message | undefined;
    const { pair, ask } = await forged((answer) => {
      first ??= parts(answer);
      return { ...parts(answer), payload: first.payload };
    });
    expect(text((await ask()).payload)).toBe('hello');
    await expect(ask()).rejects.toMatchObject({ code: 'COAP_OSCORE', problem: 'unverified' });
    expect(pair.client.oscore.stats().unverifiedAnswers).toBe(1);
  });

  test('an answer in the open is none: its code is told, its content is not', async () => {
    const { pair, ask } = await forged((answer) => ({
      ...parts(answer),
      code: Code.Content,
      options: OptionSet.empty,
    }));
    await expect(ask()).rejects.toMatchObject({ problem: 'unprotected', status: Code.Content });
    expect(pair.client.oscore.stats().unprotectedAnswers).toBe(1);
  });

  test('an option that makes no sense, or a code inside that is no answer, is refused', async () => {
    const malformed = await forged((answer) => ({
      ...parts(answer),
      options: OptionSet.of([Option.Oscore, fromHex('00')]),
    }));
    await expect(malformed.ask()).rejects.toMatchObject({ problem: 'unverified' });
    const server = deriveContext(provision('server'));
    const wrong = await forged((answer) => ({
      ...parts(answer),
      ...protectResponse(server, { kid: fromHex('63'), piv: encodePiv(0) }, makeResponse(Code.Get), {
        asked: Code.Post,
      }),
    }));
    await expect(wrong.ask()).rejects.toMatchObject({ problem: 'unverified' });
  });

  test('H-12: a notification that is older than the newest, repeated, forged or in the open is dropped, and the observation lives', async () => {
    let notify: Notify | undefined;
    const { pair } = await stage({}, (_request, context) => {
      notify = context.notify;
      return Promise.resolve(makeResponse(Code.Content, OptionSet.of([Option.Observe, 0]), Buffer.from('0')));
    });
    const heard: string[] = [];
    await settled(
      pair,
      pair.client.endpoint.request(pair.peer, get([Option.Observe, 0]), {
        notify: ({ payload }) => heard.push(text(payload)),
      }),
    );
    const tell = async (value: string): Promise<Message> => {
      pair.heard.length = 0;
      void notify?.(makeResponse(Code.Content, OptionSet.of([Option.Observe, 0]), Buffer.from(value)), { type: 'non' });
      await pair.clock.advance(50);
      return parts(decodeMessage(pair.heard[0]!.bytes));
    };
    const send = async (message: Message): Promise<void> => {
      pair.network.carry(
        { via: 'udp', host: '10.0.0.1', port: 5683 },
        { via: 'udp', host: '10.0.0.2', port: 5683 },
        encodeMessage(message),
      );
      await pair.clock.advance(50);
    };
    const one = await tell('1');
    const two = await tell('2');
    // As if it were the newest: the number in the open is anybody's.
    await send({ ...one, id: 60_001, options: one.options.with(Option.Observe, 1000) });
    await send({ ...two, id: 60_002, options: two.options.with(Option.Observe, 1001) });
    await send({
      ...two,
      id: 60_003,
      options: two.options.with(Option.Observe, 1002),
      payload: concatBytes(two.payload, noBytes).map((b) => b ^ 1),
    });
    await send({ ...two, id: 60_004, code: Code.NotFound, options: OptionSet.empty, payload: noBytes });
    await send({
      ...two,
      id: 60_005,
      code: Code.Content,
      options: OptionSet.of([Option.Observe, 1003]),
      payload: Buffer.from('lie'),
    });
    expect(heard).toEqual(['1', '2']);
    expect(pair.client.oscore.stats()).toMatchObject({ staleNotifications: 2, unverifiedAnswers: 3 });
    for (let i = 3; i < 1010; i += 1) await tell(String(i));
    expect(heard.at(-1)).toBe('1009');
  });

  test('an Observe that somebody puts on the answer makes no observation', async () => {
    const { pair } = await forged((answer) => ({ ...parts(answer), options: answer.options.with(Option.Observe, 5) }));
    const response = await settled(
      pair,
      pair.client.endpoint.request(pair.peer, get([Option.Observe, 0]), { notify: () => undefined }),
    );
    expect(response.options.has(Option.Observe)).toBe(false);
    expect(pair.client.endpoint.stats().observations).toBe(0);
  });
});

test('H-13: parameters that make no context are refused by name, and no secret is printed', () => {
  const secret = 'feedfacecafebeef';
  const masterSecret = new Secret(fromHex(secret));
  const good = provision('client', { masterSecret });
  for (const [changes, problem] of [
    [{ masterSecret: new Secret(noBytes) }, /masterSecret: empty/],
    [{ senderId: new Uint8Array(8) }, /senderId: 8 bytes where 7 fit/],
    [{ aead: 12, recipientId: new Uint8Array(2) }, /recipientId: 2 bytes where 1 fit/],
    [{ recipientId: good.senderId }, /recipientId: the same as senderId/],
    [{ aead: 99 }, /aead: no algorithm 99/],
    [{ hkdf: -12 }, /hkdf: no algorithm -12/],
    [{ idContext: new Uint8Array(250) }, /idContext: 250 bytes/],
  ] as const) {
    const make = (): unknown => deriveContext({ ...good, ...changes });
    expect(make).toThrow(problem);
    expect(make).toThrow(expect.not.objectContaining({ message: expect.stringContaining(secret) }));
  }
  const context = deriveContext(good);
  expect(JSON.stringify(context)).not.toContain(secret);
  expect(JSON.stringify(context)).not.toContain(Buffer.from(context.senderKey.reveal()).toString('hex'));
  expect(() => new MemoryContextStore().add(good).add(good)).toThrow(/another context has it/);
});
