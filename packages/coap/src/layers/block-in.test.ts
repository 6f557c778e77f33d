import { minutes, noBytes, type Peer, seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, test } from 'vitest';
import type { Service } from '../exchange/service.ts';
import { blockOf, encodeBlock, type Szx } from '../message/block.ts';
import { Code } from '../message/code.ts';
import { makeRequest, makeResponse, type Request, type Response } from '../message/message.ts';
import { OptionSet, type OptionValue } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { type PlugOptions, plug, strangerAt } from '../testing/plug.ts';

const bodyOf = (length: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + seed * 13 + (i >> 8)) & 0xff);

/** Block `num` of a body, in blocks of `16 << szx` bytes. */
function blockRequest(
  body: Uint8Array,
  num: number,
  szx: Szx = 6,
  more: readonly (readonly [number, OptionValue])[] = [],
): Request {
  const size = 16 << szx;
  const block = { num, more: (num + 1) * size < body.length, szx };
  const options = OptionSet.of([Option.UriPath, 'w'], [Option.Block1, encodeBlock(block)], ...more);
  return makeRequest(Code.Put, options, body.subarray(num * size, (num + 1) * size));
}

function writing(options: PlugOptions = {}) {
  const bodies: { readonly peer: string; readonly body: Uint8Array }[] = [];
  const service: Service = (request, context) => {
    bodies.push({ peer: context.peer.key, body: request.payload.slice() });
    return Promise.resolve(makeResponse(Code.Changed));
  };
  const clock = new VirtualClock();
  return { ...plug(service, { clock, ...options }), clock, bodies };
}

const known = (host: string): Peer => ({ ...strangerAt(host), identity: { kind: 'psk', id: Uint8Array.of(1) } });
const codeOf = async (response: Promise<Response>): Promise<Code> => (await response).code;

describe('blocks of a request', () => {
  test('C-01: a first block that is not block 0 is incomplete, and nothing is kept', async () => {
    const { answer, blockIn } = writing();
    expect(await codeOf(answer(blockRequest(bodyOf(3000), 1)))).toBe(Code.RequestEntityIncomplete);
    expect(blockIn.stats()).toMatchObject({ transfers: 0, bytes: 0, incomplete: 1 });
  });

  test('C-02: a missing block ends the transfer', async () => {
    const { answer, blockIn, bodies } = writing();
    expect(await codeOf(answer(blockRequest(bodyOf(4000), 0)))).toBe(Code.Continue);
    expect(await codeOf(answer(blockRequest(bodyOf(4000), 2)))).toBe(Code.RequestEntityIncomplete);
    expect(await codeOf(answer(blockRequest(bodyOf(4000), 1)))).toBe(Code.RequestEntityIncomplete);
    expect(blockIn.stats().transfers).toBe(0);
    expect(bodies).toHaveLength(0);
  });

  test('C-03: the same block again is acknowledged again, another in its place is incomplete', async () => {
    const { answer, bodies } = writing();
    const body = bodyOf(3000);
    for (const num of [0, 0, 1, 1]) expect(await codeOf(answer(blockRequest(body, num)))).toBe(Code.Continue);
    expect(await codeOf(answer(blockRequest(body, 2)))).toBe(Code.Changed);
    expect(bodies.map((b) => b.body)).toEqual([body]);
    for (const num of [0, 1]) await answer(blockRequest(body, num));
    expect(await codeOf(answer(blockRequest(bodyOf(3000, 5), 1)))).toBe(Code.RequestEntityIncomplete);
  });

  test('C-04: SZX 7 is a bad request', async () => {
    const { answer } = writing();
    for (const option of [Option.Block1, Option.Block2]) {
      const options = OptionSet.of([Option.UriPath, 'w'], [option, 7]);
      expect(await codeOf(answer(makeRequest(Code.Put, options, bodyOf(5))))).toBe(Code.BadRequest);
    }
  });

  test('C-05: blocks may shrink where their offset is right, and never grow', async () => {
    const body = bodyOf(300);
    const { answer, bodies } = writing();
    for (const [num, szx] of [
      [0, 3],
      [2, 2],
      [3, 2],
    ] as const) {
      expect(await codeOf(answer(blockRequest(body, num, szx)))).toBe(Code.Continue);
    }
    expect(await codeOf(answer(blockRequest(body, 4, 2)))).toBe(Code.Changed);
    expect(bodies[0]?.body).toEqual(body);
    await answer(blockRequest(body, 0, 3));
    expect(await codeOf(answer(blockRequest(body, 1, 2)))).toBe(Code.RequestEntityIncomplete);
    await answer(blockRequest(body, 0, 2));
    await answer(blockRequest(body, 1, 2));
    expect(await codeOf(answer(blockRequest(body, 1, 3)))).toBe(Code.RequestEntityIncomplete);
  });

  test('C-06: a block whose payload is not its size is a bad request', async () => {
    const { answer, blockIn } = writing();
    const options = (value: number): OptionSet => OptionSet.of([Option.UriPath, 'w'], [Option.Block1, value]);
    const first = encodeBlock({ num: 0, more: true, szx: 2 });
    const only = encodeBlock({ num: 0, more: false, szx: 2 });
    for (const [value, length] of [
      [first, 63],
      [first, 65],
      [first, 0],
      [only, 65],
    ] as const) {
      expect(await codeOf(answer(makeRequest(Code.Put, options(value), bodyOf(length))))).toBe(Code.BadRequest);
    }
    expect(blockIn.stats()).toMatchObject({ transfers: 0, malformed: 4 });
  });

  test('C-07: a body announced as too large is refused before anything is allocated', async () => {
    const { answer, blockIn } = writing();
    const response = await answer(blockRequest(bodyOf(3000), 0, 6, [[Option.Size1, 0xffff_ffff]]));
    expect(response.code).toBe(Code.RequestEntityTooLarge);
    expect(response.options.uint(Option.Size1)).toBe(65_536);
    expect(blockIn.stats()).toMatchObject({ transfers: 0, bytes: 0, tooLarge: 1 });
  });

  test.each([
    [1000, 1000, Code.Changed],
    [1000, 1001, Code.RequestEntityTooLarge],
    [1024, 1024, Code.Changed],
    [1024, 1025, Code.RequestEntityTooLarge],
  ])('C-08: with a limit of %i bytes a body of %i is answered with %i', async (limit, length, code) => {
    const { answer, blockIn } = writing({ in: { bodyLimit: limit } });
    const body = bodyOf(length);
    let last: Code = Code.Empty;
    for (let num = 0; num * 64 < length; num += 1) {
      last = await codeOf(answer(blockRequest(body, num, 2)));
      if (last !== Code.Continue) break;
    }
    expect(last).toBe(code);
    expect(blockIn.stats()).toMatchObject({ transfers: 0, bytes: 0 });
  });

  test('C-08: a body of 65,536 bytes is taken, one byte more is not', async () => {
    for (const [length, code] of [
      [65_536, Code.Changed],
      [65_537, Code.RequestEntityTooLarge],
    ] as const) {
      const { answer } = writing();
      const body = bodyOf(length);
      let last: Code = Code.Empty;
      for (let num = 0; num * 1024 < length; num += 1) last = await codeOf(answer(blockRequest(body, num)));
      expect([Code.RequestEntityIncomplete, code]).toContain(last);
      if (length === 65_536) expect(last).toBe(Code.Changed);
    }
  });

  test('C-09: the highest block number reserves nothing', async () => {
    const { answer, blockIn } = writing();
    const options = OptionSet.of(
      [Option.UriPath, 'w'],
      [Option.Block1, encodeBlock({ num: 0xf_ffff, more: true, szx: 6 })],
    );
    expect(await codeOf(answer(makeRequest(Code.Put, options, bodyOf(1024))))).toBe(Code.RequestEntityIncomplete);
    expect(blockIn.stats().bytes).toBe(0);
  });

  test('C-10: ten thousand peers that send block 0 and vanish leave a bounded mark for a minute', async () => {
    const { answer, blockIn, clock } = writing();
    const trusted = known('198.51.100.1');
    const [first, second] = [blockRequest(bodyOf(3000), 0), blockRequest(bodyOf(3000), 1)];
    await answer(first, { peer: trusted });
    for (let i = 0; i < 10_000; i += 1) {
      await answer(first, { peer: strangerAt(`10.0.${i >> 8}.${i & 255}`) });
    }
    const { transfers, bytes, evicted } = blockIn.stats();
    expect(transfers).toBe(1024);
    expect(bytes).toBeLessThanOrEqual(16 * 1024 * 1024);
    expect(evicted).toBe(10_001 - 1024);
    expect(await codeOf(answer(second, { peer: trusted }))).toBe(Code.Continue);
    await clock.advance(seconds(61));
    expect(blockIn.stats()).toMatchObject({ transfers: 1, bytes: expect.any(Number) });
    await clock.advance(minutes(5));
    expect(blockIn.stats()).toMatchObject({ transfers: 0, bytes: 0 });
    expect(clock.pending).toBe(0);
  });

  test('C-10: bytes are bounded too, at the expense of the stranger longest silent', async () => {
    const { answer, blockIn } = writing({ in: { limits: { bytes: 10 * 1024 } } });
    for (let i = 0; i < 20; i += 1) await answer(blockRequest(bodyOf(3000), 0), { peer: strangerAt(`10.0.0.${i}`) });
    expect(blockIn.stats()).toMatchObject({ transfers: 10, bytes: 10 * 1024, evicted: 10 });
    expect(await codeOf(answer(blockRequest(bodyOf(3000), 1), { peer: strangerAt('10.0.0.19') }))).toBe(Code.Continue);
    expect(await codeOf(answer(blockRequest(bodyOf(3000), 1), { peer: strangerAt('10.0.0.0') }))).toBe(
      Code.RequestEntityIncomplete,
    );
  });

  test('C-11: of a thousand transfers of one peer the four youngest live', async () => {
    const { answer, blockIn } = writing();
    const body = bodyOf(3000);
    const tagged = (num: number, tag: number): Request => blockRequest(body, num, 6, [[Option.RequestTag, tag]]);
    for (let tag = 0; tag < 1000; tag += 1) await answer(tagged(0, tag + 256));
    expect(blockIn.stats().transfers).toBe(4);
    expect(await codeOf(answer(tagged(1, 256)))).toBe(Code.RequestEntityIncomplete);
    expect(await codeOf(answer(tagged(1, 999 + 256)))).toBe(Code.Continue);
  });

  test('C-12: the same request of two peers is two bodies', async () => {
    const { answer, bodies } = writing();
    const [a, b] = [bodyOf(2000, 1), bodyOf(2000, 2)];
    for (const num of [0, 1]) {
      await answer(blockRequest(a, num), { peer: strangerAt('10.0.0.1'), token: Uint8Array.of(1) });
      await answer(blockRequest(b, num), { peer: strangerAt('10.0.0.2'), token: Uint8Array.of(1) });
    }
    expect(bodies).toEqual([
      { peer: '10.0.0.1:5683', body: a },
      { peer: '10.0.0.2:5683', body: b },
    ]);
  });

  test('C-13: a second body without Request-Tag stops both for a while, and takes the place of an abandoned one', async () => {
    const { answer, bodies, clock } = writing();
    const [a, b] = [bodyOf(2000, 1), bodyOf(2000, 2)];
    await answer(blockRequest(a, 0));
    expect(await codeOf(answer(blockRequest(b, 0)))).toBe(Code.RequestEntityIncomplete);
    expect(await codeOf(answer(blockRequest(a, 1)))).toBe(Code.RequestEntityIncomplete);
    await clock.advance(seconds(11));
    await answer(blockRequest(a, 0));
    await clock.advance(seconds(11));
    for (const num of [0, 1]) await answer(blockRequest(b, num));
    expect(bodies.map(({ body }) => body)).toEqual([b]);
  });

  test('C-14: a block of a body that was tagged does not get into another', async () => {
    const { answer, bodies } = writing();
    const [a, b] = [bodyOf(3000, 1), bodyOf(3000, 2)];
    const recorded = blockRequest(a, 1, 6, [[Option.RequestTag, 1]]);
    await answer(blockRequest(a, 0, 6, [[Option.RequestTag, 1]]));
    await answer(blockRequest(b, 0, 6, [[Option.RequestTag, 2]]));
    await answer(recorded);
    for (const num of [1, 2]) await answer(blockRequest(b, num, 6, [[Option.RequestTag, 2]]));
    expect(bodies.map(({ body }) => body)).toEqual([b]);
  });
});

describe('blocks of a response', () => {
  const get = (num: number, szx: Szx = 6, more: readonly (readonly [number, OptionValue])[] = []): Request =>
    makeRequest(
      Code.Get,
      OptionSet.of([Option.UriPath, 'r'], [Option.Block2, encodeBlock({ num, more: false, szx })], ...more),
    );

  test('are slices of one buffer', async () => {
    const image = bodyOf(5000);
    const { answer } = plug(() => Promise.resolve(makeResponse(Code.Content, OptionSet.empty, image)));
    await answer(get(0));
    const third = await answer(get(2));
    expect(third.payload.buffer).toBe(image.buffer);
    expect(third.payload.byteOffset).toBe(2048);
  });

  test('keep the options of the first, Size2 and Observe excepted', async () => {
    const { answer } = plug(() =>
      Promise.resolve(
        makeResponse(Code.Content, OptionSet.of([Option.ContentFormat, 42], [Option.MaxAge, 5]), bodyOf(3000)),
      ),
    );
    const [first, second] = [await answer(get(0)), await answer(get(1))];
    expect(first.options.uint(Option.Size2)).toBe(3000);
    expect(second.options.has(Option.Size2)).toBe(false);
    expect(second.options.contentFormat).toBe(42);
    expect(second.options.bytes(Option.Etag)).toEqual(first.options.bytes(Option.Etag));
  });

  test('have the ETag of the service where it gives one', async () => {
    const { answer } = plug(() =>
      Promise.resolve(makeResponse(Code.Content, OptionSet.of([Option.Etag, Uint8Array.of(1, 2)]), bodyOf(3000))),
    );
    expect((await answer(get(0))).options.bytes(Option.Etag)).toEqual(Uint8Array.of(1, 2));
  });

  test('past the end are a bad request', async () => {
    const { answer } = plug(() => Promise.resolve(makeResponse(Code.Content, OptionSet.empty, bodyOf(2048))));
    expect(await codeOf(answer(get(1)))).toBe(Code.Content);
    expect(await codeOf(answer(get(2)))).toBe(Code.BadRequest);
    expect(await codeOf(answer(get(0xf_ffff)))).toBe(Code.BadRequest);
  });

  test('are recomputed for a GET whose body is not kept any more, and never for a POST', async () => {
    const clock = new VirtualClock();
    let calls = 0;
    const { answer } = plug(
      () => {
        calls += 1;
        return Promise.resolve(makeResponse(Code.Content, OptionSet.empty, bodyOf(3000)));
      },
      { clock },
    );
    const post = (num: number): Request => ({ ...get(num), code: Code.Post });
    await answer(get(0));
    await answer(post(0));
    await clock.advance(minutes(2));
    expect((await answer(get(1))).payload).toEqual(bodyOf(3000).subarray(1024, 2048));
    expect(calls).toBe(3);
    expect(await codeOf(answer(post(1)))).toBe(Code.RequestEntityIncomplete);
    expect(calls).toBe(3);
  });

  test('of a FETCH belong to the body that it asked with', async () => {
    const { answer } = plug((request) =>
      Promise.resolve(makeResponse(Code.Content, OptionSet.empty, bodyOf(3000, request.payload[0]))),
    );
    const fetch = (num: number, ...query: number[]): Request => ({
      ...get(num),
      code: Code.Fetch,
      payload: query.length === 0 ? noBytes : Uint8Array.from(query),
    });
    await answer(fetch(0, 1));
    expect((await answer(fetch(1, 1))).payload).toEqual(bodyOf(3000, 1).subarray(1024, 2048));
    expect((await answer(fetch(1))).payload).toEqual(bodyOf(3000, 1).subarray(1024, 2048));
    expect((await answer(fetch(1, 2))).payload).toEqual(bodyOf(3000, 2).subarray(1024, 2048));
  });

  test('of one image to a thousand peers hold the image once', async () => {
    const image = bodyOf(1_000_000);
    const { answer, blockIn } = plug(() => Promise.resolve(makeResponse(Code.Content, OptionSet.empty, image)));
    for (let i = 0; i < 1000; i += 1) await answer(get(0), { peer: strangerAt(`10.0.${i >> 8}.${i & 255}`) });
    expect(blockIn.stats()).toMatchObject({ transfers: 1000, bytes: 1_000_000, evicted: 0 });
  });

  test('of a source that fails are an internal error', async () => {
    const { answer } = plug(() =>
      Promise.resolve({
        ...makeResponse(Code.Content),
        body: { size: 5000, read: () => Promise.reject(new Error('disk')) },
      }),
    );
    await expect(answer(get(0))).rejects.toThrow('disk');
  });

  test('follow the early negotiation of the last block of a request', async () => {
    const { answer } = plug((request) => Promise.resolve(makeResponse(Code.Changed, OptionSet.empty, request.payload)));
    const response = await answer(
      blockRequest(bodyOf(100), 0, 6, [[Option.Block2, encodeBlock({ num: 0, more: false, szx: 1 })]]),
    );
    expect(blockOf(response.options, Option.Block2)).toEqual({ num: 0, more: true, szx: 1 });
    expect(blockOf(response.options, Option.Block1)).toEqual({ num: 0, more: false, szx: 6 });
  });
});
