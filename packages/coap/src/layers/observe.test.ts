import { describe, expect, test } from 'vitest';
import { isNewer, sequenceOf } from '../exchange/observe-order.ts';
import type { Context, Notify, Service } from '../exchange/service.ts';
import { Code } from '../message/code.ts';
import { makeRequest, makeResponse, type Request, type Response } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { listening, strangerAt } from '../testing/plug.ts';
import { asksToObserve, observeIn } from './observe-in.ts';

const observing = (value: number, code: Code = Code.Get): Request =>
  makeRequest(code, OptionSet.of([Option.Observe, value]));
const numbered = (sequence: number): Response => makeResponse(Code.Content, OptionSet.of([Option.Observe, sequence]));
const context = (notify?: Notify): Context => ({
  peer: strangerAt('192.0.2.1'),
  signal: new AbortController().signal,
  ...(notify === undefined ? {} : { notify }),
});

describe('D-07: the order of notifications', () => {
  const top = 2 ** 24 - 1;
  const half = 2 ** 23;

  test.each([
    ['the next number', 5, 6, 0, true],
    ['the number before', 6, 5, 0, false],
    ['the same number', 5, 5, 0, false],
    ['the largest step forward', 0, half - 1, 0, true],
    ['a step of half the circle', 0, half, 0, false],
    ['zero after the last number', top, 0, 0, true],
    ['the last number after zero', 0, top, 0, false],
    ['half the circle back', half + 1, 0, 0, true],
    ['an older number within 128 s', 6, 5, 128_000, false],
    ['an older number after 128 s', 6, 5, 128_001, true],
    ['the same number after 128 s', 5, 5, 128_001, true],
  ])('D-07: %s: %i, then %i, %i ms later, is newer: %s', (_, first, second, later, newer) => {
    expect(isNewer(second, 1000 + later, first, 1000)).toBe(newer);
  });

  test('a number of more bytes than there may be counts with its lower three', () => {
    expect(sequenceOf(makeResponse(Code.Content, OptionSet.of([Option.Observe, 0x0102_0304_05])))).toBe(0x03_0405);
  });
});

describe('what is sent to an observer', () => {
  const accepting = (
    during: (notify: Notify) => void = () => undefined,
  ): { readonly service: Service; notify: () => Notify } => {
    let kept: Notify | undefined;
    return {
      service: async (_, { notify }) => {
        kept = notify;
        if (notify !== undefined) during(notify);
        return numbered(0);
      },
      notify: () => kept!,
    };
  };

  test('is numbered in order, the first response before everything', async () => {
    const heard: Response[] = [];
    const { service, notify } = accepting((early) => void early(makeResponse(Code.Content)));
    const response = await observeIn(service)(observing(0), context(listening(heard)));
    await notify()(makeResponse(Code.Content));
    await notify()(makeResponse(Code.Valid));
    expect(sequenceOf(response)).toBe(1);
    expect(heard.map(sequenceOf)).toEqual([2, 3, 4]);
  });

  test('keeps its content and options', async () => {
    const heard: Response[] = [];
    const { service, notify } = accepting();
    await observeIn(service)(observing(0), context(listening(heard)));
    await notify()(makeResponse(Code.Content, OptionSet.of([Option.ContentFormat, 60]), Uint8Array.of(7)));
    expect(heard[0]?.options.contentFormat).toBe(60);
    expect(heard[0]?.payload).toEqual(Uint8Array.of(7));
  });

  test('D-12: has no number when it is an error', async () => {
    const heard: Response[] = [];
    const { service, notify } = accepting();
    await observeIn(service)(observing(0), context(listening(heard)));
    await notify()({ ...numbered(0), code: Code.NotFound });
    expect(heard.map(sequenceOf)).toEqual([undefined]);
  });

  test.each([
    ['an error', observing(0), { ...numbered(0), code: Code.NotFound }, true],
    ['a service that does not observe', observing(0), makeResponse(Code.Content), true],
    ['a request that does not ask for it', makeRequest(Code.Get), numbered(0), false],
    ['D-05: a request that ends an observation', observing(1), numbered(0), false],
    ['a method that cannot be observed', observing(0, Code.Post), numbered(0), true],
  ])('has no Observe in the answer of %s', async (_, request, response, offered) => {
    const serve = observeIn(() => Promise.resolve(response));
    expect(sequenceOf(await serve(request, context(offered ? listening([]) : undefined)))).toBeUndefined();
  });

  test.each([
    [observing(0), true],
    [observing(0, Code.Fetch), true],
    [observing(1), false],
    [observing(0, Code.Put), false],
    [makeRequest(Code.Get), false],
    [makeRequest(Code.Get, OptionSet.of([Option.Observe, Uint8Array.of(0, 0)])), true],
  ])('RFC 7641 §2: only Observe 0 on GET and FETCH asks for it', (request, asks) => {
    expect(asksToObserve(request)).toBe(asks);
  });
});
