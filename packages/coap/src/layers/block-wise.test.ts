import { minutes, noBytes, untilAborted } from '@lapwing/kernel';
import { settle, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, test } from 'vitest';
import { BlockError } from '../errors.ts';
import type { Service } from '../exchange/service.ts';
import { blockOf, encodeBlock } from '../message/block.ts';
import { Code } from '../message/code.ts';
import { type BodySource, makeRequest, makeResponse, type Request, type Response } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { listening, plug } from '../testing/plug.ts';

const bodyOf = (length: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + seed * 13 + (i >> 8)) & 0xff);
const path = (...segments: string[]): OptionSet => OptionSet.of(...segments.map((s) => [Option.UriPath, s] as const));
const get = (...segments: string[]): Request => makeRequest(Code.Get, path(...segments));
const put = (payload: Uint8Array): Request => makeRequest(Code.Put, path('5', '0', '0'), payload);

/** Answers every request with one body. */
const serving =
  (payload: Uint8Array): Service =>
  () =>
    Promise.resolve(makeResponse(Code.Content, OptionSet.empty, payload));

/** Keeps what was written. */
function store(): { readonly service: Service; readonly bodies: Uint8Array[] } {
  const bodies: Uint8Array[] = [];
  return {
    bodies,
    service: (request) => {
      bodies.push(request.payload.slice());
      return Promise.resolve(makeResponse(Code.Changed));
    },
  };
}

describe('a response larger than a message', () => {
  test('comes whole, whatever its length', async () => {
    for (const length of [0, 1, 1023, 1024, 1025, 2048, 2049, 65_535, 65_536]) {
      const { ask } = plug(serving(bodyOf(length)));
      const response = await ask(get('a'));
      expect(response.payload).toEqual(bodyOf(length));
      expect(response.options.has(Option.Block2)).toBe(false);
    }
  });

  test('is asked of the service once, and has an ETag on every block', async () => {
    let calls = 0;
    const { ask, responses } = plug(() => {
      calls += 1;
      return Promise.resolve(makeResponse(Code.Content, OptionSet.empty, bodyOf(10_000)));
    });
    await ask(get('a'));
    expect(calls).toBe(1);
    expect(responses).toHaveLength(10);
    expect(new Set(responses.map((r) => r.options.bytes(Option.Etag)?.join())).size).toBe(1);
    expect(responses[0]?.options.uint(Option.Size2)).toBe(10_000);
  });

  test('comes in small blocks where datagrams are small', async () => {
    const { ask, requests } = plug(serving(bodyOf(300)), { out: { mtu: 140 } });
    expect((await ask(get('a'))).payload).toEqual(bodyOf(300));
    expect(requests.map((r) => blockOf(r.options, Option.Block2))).toEqual(
      [0, 1, 2, 3, 4].map((num) => ({ num, more: false, szx: 2 })),
    );
  });

  test('is read from a source block by block, with or without a known size', async () => {
    const body = bodyOf(5000);
    for (const size of [5000, undefined]) {
      let longest = 0;
      const source: BodySource = {
        ...(size === undefined ? {} : { size }),
        read: (offset, length) => {
          longest = Math.max(longest, length);
          return Promise.resolve(body.subarray(offset, offset + length));
        },
      };
      const { ask } = plug(() => Promise.resolve({ ...makeResponse(Code.Content), body: source }));
      expect((await ask(get('a'))).payload).toEqual(body);
      expect(longest).toBeLessThanOrEqual(1025);
    }
  });

  test('is handed on block by block, each after the one before was taken', async () => {
    const taken: number[] = [];
    let busy = false;
    const large = bodyOf(200_000);
    const { ask } = plug(serving(large));
    const response = await ask(get('a'), {
      onBlock: async (chunk, offset, size) => {
        expect(busy).toBe(false);
        expect(size).toBe(200_000);
        busy = true;
        await Promise.resolve();
        busy = false;
        expect(Buffer.compare(chunk, large.subarray(offset, offset + chunk.length))).toBe(0);
        taken.push(offset);
      },
    });
    expect(taken).toHaveLength(196);
    expect(response.payload).toHaveLength(0);
  });

  test('is taken up at a later block by whoever has the earlier ones', async () => {
    const { ask } = plug(serving(bodyOf(5000)));
    const offsets: number[] = [];
    const resume = makeRequest(Code.Get, path('a').with(Option.Block2, encodeBlock({ num: 3, more: false, szx: 6 })));
    await ask(resume, { onBlock: (_, offset) => void offsets.push(offset) });
    expect(offsets).toEqual([3072, 4096]);
  });

  test('above the limit is not put together', async () => {
    const { ask, requests } = plug(serving(bodyOf(65_537)));
    await expect(ask(get('a'))).rejects.toMatchObject({ code: 'LIMIT' });
    expect(requests).toHaveLength(1);
  });

  test('may answer an upload', async () => {
    const { ask } = plug((request) => Promise.resolve(makeResponse(Code.Changed, OptionSet.empty, request.payload)));
    expect((await ask(makeRequest(Code.Post, path('soap'), bodyOf(5000)))).payload).toEqual(bodyOf(5000));
  });
});

describe('a request larger than a message', () => {
  test('arrives whole, whatever its length', async () => {
    for (const length of [1023, 1024, 1025, 2048, 65_536]) {
      const { service, bodies } = store();
      const { ask } = plug(service);
      expect((await ask(put(bodyOf(length)))).code).toBe(Code.Changed);
      expect(bodies).toEqual([bodyOf(length)]);
    }
  });

  test('is read from a source that never has more than one block to give', async () => {
    const { service, bodies } = store();
    const { ask } = plug(service);
    const body = bodyOf(3000);
    const source: BodySource = { read: (offset, length) => body.subarray(offset, offset + length) };
    await ask({ ...put(noBytes), body: source });
    expect(bodies).toEqual([body]);
  });

  test('goes on in the smaller blocks that the peer asks for', async () => {
    const { service, bodies } = store();
    const { ask, requests } = plug(service, { in: { blockSize: 64 } });
    await ask(put(bodyOf(3000)));
    expect(bodies).toEqual([bodyOf(3000)]);
    expect(blockOf((requests[1] as Request).options, Option.Block1)).toEqual({ num: 16, more: true, szx: 2 });
  });

  test('is handed to a service that takes streams as it comes', async () => {
    const chunks: Uint8Array[] = [];
    const service: Service = async (_, context) => {
      for await (const chunk of context.body as AsyncIterable<Uint8Array>) chunks.push(chunk);
      return makeResponse(Code.Changed);
    };
    const { ask, blockIn } = plug(service, { in: { streams: () => true } });
    expect((await ask(put(bodyOf(200_000)))).code).toBe(Code.Changed);
    expect(Buffer.concat(chunks).equals(bodyOf(200_000))).toBe(true);
    expect(blockIn.stats().transfers).toBe(0);
  });

  test('waits for a slow reader before the next block is asked for', async () => {
    let release: () => void = () => undefined;
    const service: Service = async (_, context) => {
      for await (const _chunk of context.body as AsyncIterable<Uint8Array>) {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
      return makeResponse(Code.Changed);
    };
    const clock = new VirtualClock();
    const { ask, requests } = plug(service, { clock, in: { streams: () => true } });
    const answer = ask(put(bodyOf(2500)));
    await clock.advance(1000);
    expect(requests).toHaveLength(1);
    release();
    await clock.advance(1000);
    expect(requests).toHaveLength(2);
    release();
    await clock.advance(1000);
    release();
    expect((await answer).code).toBe(Code.Changed);
  });

  test('ends early when the service that takes its stream refuses it', async () => {
    const service: Service = async (_, context) => {
      for await (const _chunk of context.body as AsyncIterable<Uint8Array>) break;
      return makeResponse(Code.UnsupportedContentFormat);
    };
    const { ask, requests } = plug(service, { in: { streams: () => true } });
    expect((await ask(put(bodyOf(10_000)))).code).toBe(Code.UnsupportedContentFormat);
    expect(requests.length).toBeLessThanOrEqual(2);
  });

  test('fails its reader when the rest does not come', async () => {
    const clock = new VirtualClock();
    let failure: unknown;
    const service: Service = async (_, context) => {
      try {
        for await (const _chunk of context.body as AsyncIterable<Uint8Array>);
      } catch (error) {
        failure = error;
      }
      return makeResponse(Code.Changed);
    };
    const { ask } = plug(service, { clock, in: { streams: () => true } });
    await ask({
      ...put(bodyOf(1024)),
      options: path('5').with(Option.Block1, encodeBlock({ num: 0, more: true, szx: 6 })),
    });
    await clock.advance(minutes(2));
    expect(failure).toMatchObject({ code: 'CLOSED' });
  });
});

describe('an answer that does not fit', () => {
  const scripted = (answers: readonly ((request: Request) => Response)[]) => {
    let i = 0;
    return plug(serving(noBytes), {
      between: (request) =>
        Promise.resolve((answers[Math.min(i++, answers.length - 1)] as (r: Request) => Response)(request)),
    });
  };
  const block =
    (
      number: number,
      num: number,
      more: boolean,
      szx: 0 | 2 | 6,
      payload: Uint8Array = noBytes,
      code: number = Code.Content,
    ) =>
    () =>
      makeResponse(code, OptionSet.of([number, encodeBlock({ num, more, szx })]), payload);

  test('C-15: a body that changes is fetched again once, then given up', async () => {
    let version = 0;
    const changing: Service = () => {
      version += 1;
      return Promise.resolve(makeResponse(Code.Content, OptionSet.empty, bodyOf(3000, version)));
    };
    // The serving side forgets what it serves, so that each block is of another state.
    const forgetful = plug(changing, { in: { limits: { total: 0 } } });
    await expect(forgetful.ask(get('a'))).rejects.toThrow(BlockError);
    let fetched = 0;
    const once = plug(
      (request, context) =>
        fetched++ === 0 ? changing(request, context) : serving(bodyOf(3000, 99))(request, context),
      {
        in: { limits: { total: 0 } },
      },
    );
    expect((await once.ask(get('a'))).payload).toEqual(bodyOf(3000, 99));
  });

  test.each([
    ['another number', block(Option.Block2, 2, false, 2)],
    ['a larger size', block(Option.Block2, 0, true, 6, bodyOf(1024))],
    ['no block at all', () => makeResponse(Code.Content, OptionSet.empty, bodyOf(3))],
    ['a malformed option', () => makeResponse(Code.Content, OptionSet.of([Option.Block2, 7]))],
    ['a half-filled block', block(Option.Block2, 1, true, 2, bodyOf(63))],
  ])('C-16: a later block with %s breaks the transfer off', async (_, answer) => {
    const { ask } = scripted([block(Option.Block2, 0, true, 2, bodyOf(64)), answer]);
    await expect(ask(get('a'))).rejects.toThrow(BlockError);
  });

  test('C-17: a peer that sends blocks for ever is left at the limit', async () => {
    let num = 0;
    const endless = plug(serving(noBytes), {
      between: () =>
        Promise.resolve(
          makeResponse(
            Code.Content,
            OptionSet.of([Option.Block2, encodeBlock({ num: num++, more: true, szx: 0 })]),
            bodyOf(16),
          ),
        ),
    });
    await expect(endless.ask(get('a'))).rejects.toMatchObject({ code: 'LIMIT' });
    expect(endless.requests.length).toBeLessThanOrEqual(65_536 / 16 + 1);
  });

  test('C-17: a peer that sends blocks slowly is left at the time limit', async () => {
    const clock = new VirtualClock();
    let num = 0;
    const slow = plug(serving(noBytes), {
      clock,
      between: (_, context) =>
        untilAborted(
          new Promise((resolve) => {
            clock.at(clock.now() + minutes(1), () =>
              resolve(
                makeResponse(
                  Code.Content,
                  OptionSet.of([Option.Block2, encodeBlock({ num: num++, more: true, szx: 0 })]),
                  bodyOf(16),
                ),
              ),
            );
          }),
          context.signal,
        ),
    });
    const failed = expect(slow.ask(get('a'))).rejects.toMatchObject({ code: 'TIMEOUT', phase: 'response' });
    await clock.advance(minutes(40));
    await failed;
    expect(slow.requests.length).toBeLessThanOrEqual(32);
  });

  test('C-20: 4.13 with a smaller block is tried once with that, and with the same is the answer', async () => {
    const tooLarge = block(Option.Block1, 0, true, 2, noBytes, Code.RequestEntityTooLarge);
    const { ask, requests } = scripted([tooLarge, tooLarge]);
    expect((await ask(put(bodyOf(3000)))).code).toBe(Code.RequestEntityTooLarge);
    expect(requests.map((r) => blockOf(r.options, Option.Block1)?.szx)).toEqual([6, 2]);
  });

  test('C-20: however often the hint shrinks, there are six tries at most', async () => {
    const { ask, requests } = scripted([
      (request) => {
        const { szx } = blockOf(request.options, Option.Block1) ?? { szx: 6 };
        return makeResponse(Code.RequestEntityTooLarge, OptionSet.of([Option.Block1, Math.max(szx - 1, 0)]));
      },
    ]);
    expect((await ask(put(bodyOf(3000)))).code).toBe(Code.RequestEntityTooLarge);
    expect(requests).toHaveLength(6);
  });

  test('C-20: a request that went whole is sent in blocks when the peer asks for them', async () => {
    const { service, bodies } = store();
    const small = plug(service, {
      between: (request, context, next) =>
        request.payload.length > 64
          ? Promise.resolve(makeResponse(Code.RequestEntityTooLarge, OptionSet.of([Option.Block1, 2])))
          : next(request, context),
    });
    expect((await small.ask(put(bodyOf(500)))).code).toBe(Code.Changed);
    expect(bodies).toEqual([bodyOf(500)]);
  });

  test('C-21: 2.31 for another block breaks the upload off', async () => {
    const { ask } = scripted([block(Option.Block1, 1, true, 6, noBytes, Code.Continue)]);
    await expect(ask(put(bodyOf(3000)))).rejects.toThrow(BlockError);
  });

  test('C-21: 2.04 before the last block breaks the upload off', async () => {
    const { ask } = scripted([block(Option.Block1, 0, false, 6, noBytes, Code.Changed)]);
    await expect(ask(put(bodyOf(3000)))).rejects.toThrow(BlockError);
  });

  test('an upload that the peer has lost is sent again once, with a Request-Tag', async () => {
    const { service, bodies } = store();
    let lost = false;
    const forgetful = plug(service, {
      between: (request, context, next) => {
        if (!lost && blockOf(request.options, Option.Block1)?.num === 1) {
          lost = true;
          return Promise.resolve(makeResponse(Code.RequestEntityIncomplete));
        }
        return next(request, context);
      },
    });
    expect((await forgetful.ask(put(bodyOf(3000)))).code).toBe(Code.Changed);
    expect(bodies).toEqual([bodyOf(3000)]);
    expect(forgetful.requests.at(-1)?.options.has(Option.RequestTag)).toBe(true);
  });
});

describe('two transfers at once', () => {
  test('to one resource carry different Request-Tags and both arrive', async () => {
    const { service, bodies } = store();
    const { ask, requests } = plug(service);
    await Promise.all([ask(put(bodyOf(3000, 1))), ask(put(bodyOf(3000, 2)))]);
    expect(bodies).toHaveLength(2);
    expect(bodies).toEqual(expect.arrayContaining([bodyOf(3000, 1), bodyOf(3000, 2)]));
    expect(requests.filter((r) => r.options.has(Option.RequestTag))).toHaveLength(3);
  });
});

describe('a large notification', () => {
  const observe = (): Request => makeRequest(Code.Get, path('3', '0').with(Option.Observe, 0));

  test('C-19: is fetched with requests of their own, that observe nothing', async () => {
    const heard: Response[] = [];
    let notify: ((body: Uint8Array) => Promise<unknown>) | undefined;
    const { ask, requests } = plug(async (_, context) => {
      notify = (body) =>
        context.notify?.(makeResponse(Code.Content, OptionSet.empty, body)) ?? Promise.reject(new Error('no'));
      return makeResponse(Code.Content, OptionSet.of([Option.Observe, 0]), bodyOf(10));
    });
    await ask(observe(), { notify: listening(heard) });
    await notify?.(bodyOf(3000));
    await settle();
    expect(heard.map((r) => r.payload)).toEqual([bodyOf(3000)]);
    expect(requests.slice(1).map((r) => r.options.has(Option.Observe))).toEqual([false, false]);
  });

  test('C-19: a newer one ends the fetch of the older, and only the newest is delivered, whole', async () => {
    const heard: Response[] = [];
    const clock = new VirtualClock();
    let current = bodyOf(10);
    let notify: (() => Promise<unknown>) | undefined;
    const plugged = plug(
      async (_, context) => {
        if (context.notify !== undefined) {
          const { notify: tell } = context;
          notify = () => tell(makeResponse(Code.Content, OptionSet.empty, current));
        }
        return makeResponse(Code.Content, OptionSet.of([Option.Observe, 0]), current);
      },
      {
        clock,
        between: async (request, context, next) => {
          await new Promise<void>((resolve) => void clock.at(clock.now() + 100, resolve));
          return next(request, context);
        },
      },
    );
    const first = plugged.ask(observe(), { notify: listening(heard) });
    await clock.advance(1000);
    await first;
    for (const version of [1, 2, 3]) {
      current = bodyOf(4000, version);
      void notify?.();
      await clock.advance(150);
    }
    await clock.advance(5000);
    expect(heard.map((r) => r.payload)).toEqual([bodyOf(4000, 3)]);
    expect(plugged.blockOut.stats()).toEqual({ fetching: 0, superseded: 2, abandoned: 0 });
    await clock.advance(minutes(40));
    expect(plugged.blockIn.stats().transfers).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test('that is overtaken by a small one while its first block is read is not sent after it', async () => {
    const heard: Response[] = [];
    let outcomes: readonly string[] = [];
    const { ask } = plug(async (_, { notify }) => {
      const slow: BodySource = {
        size: 3000,
        read: async (offset, length) => bodyOf(3000).subarray(offset, offset + length),
      };
      if (notify !== undefined) {
        void Promise.all([
          notify({ ...makeResponse(Code.Content), body: slow }),
          notify(makeResponse(Code.Content, OptionSet.empty, bodyOf(5))),
        ]).then((both) => {
          outcomes = both;
        });
      }
      return makeResponse(Code.Content, OptionSet.of([Option.Observe, 0]));
    });
    await ask(observe(), { notify: listening(heard) });
    await settle();
    expect(outcomes).toEqual(['superseded', 'delivered']);
    expect(heard.map((response) => response.payload)).toEqual([bodyOf(5)]);
  });
});
