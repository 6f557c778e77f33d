import { decodeUtf8, encodeUtf8, FormatError } from '@lapwing/kernel';
import { describe, expect, test } from 'vitest';
import { ResponseError } from '../errors.ts';
import { Code } from '../message/code.ts';
import { ContentFormat } from '../message/content-format.ts';
import { makeRequest, makeResponse, type Request, type Response } from '../message/message.ts';
import { OptionSet, type OptionValue } from '../message/option-set.ts';
import { Option } from '../message/options.ts';
import { strangerAt } from '../testing/plug.ts';
import { chooseFormat } from './negotiation.ts';
import { Router } from './router.ts';
import type { Service } from './service.ts';

const context = { peer: strangerAt('192.0.2.1'), signal: new AbortController().signal };

function request(segments: readonly OptionValue[], code: Code = Code.Get, query: readonly string[] = []): Request {
  const options = [
    ...segments.map((segment) => [Option.UriPath, segment] as const),
    ...query.map((part) => [Option.UriQuery, part] as const),
  ];
  return makeRequest(code, OptionSet.of(...options));
}

/** Answers with its name. */
const named =
  (name: string): Service =>
  () =>
    Promise.resolve(makeResponse(Code.Content, OptionSet.empty, encodeUtf8(name)));
const textOf = async (response: Promise<Response>): Promise<string> => {
  const { code, payload } = await response;
  return code === Code.Content ? decodeUtf8(payload) : `${code}`;
};

describe('a path', () => {
  const router = new Router()
    .add('/rd', { post: named('register') })
    .add('/rd/*', { post: named('update'), delete: named('deregister') })
    .add('/', named('root'))
    .add('/a/b', named('exact'))
    .add('/a/*', named('below a'));
  const ask = (segments: readonly OptionValue[], code: Code = Code.Get): Promise<string> =>
    textOf(router.serve(request(segments, code), context));

  test.each([
    [[], Code.Get, 'root'],
    [['rd'], Code.Post, 'register'],
    [['rd', 'x'], Code.Post, 'update'],
    [['rd', 'x'], Code.Delete, 'deregister'],
    [['a', 'b'], Code.Get, 'exact'],
    [['a', 'c'], Code.Get, 'below a'],
    [['a', 'b', 'c'], Code.Get, 'below a'],
    [['rd'], Code.Get, `${Code.MethodNotAllowed}`],
    [['rd', 'x'], Code.Get, `${Code.MethodNotAllowed}`],
    [['a'], Code.Get, `${Code.NotFound}`],
    [['b'], Code.Get, `${Code.NotFound}`],
    [[], 0x1f, `${Code.MethodNotAllowed}`],
  ])('%j with method %i finds %s', async (segments, code, found) => {
    expect(await ask(segments, code)).toBe(found);
  });

  test.each([
    '.',
    '..',
    '',
    '\0',
    '/',
    '\\',
    'a/b',
    '..\\x',
    '%2e%2e',
    'a\nb',
    'x'.repeat(255),
    '__proto__',
    'constructor',
    'toString',
  ])('A-22: the segment %j is no way to anything else', async (segment) => {
    expect(await ask([segment])).toBe(`${Code.NotFound}`);
    expect(await ask(['a', segment])).toBe(isHostile(segment) ? `${Code.NotFound}` : 'below a');
  });

  const isHostile = (segment: string): boolean =>
    segment === '' || segment === '.' || segment === '..' || /[/\\\n\0]/.test(segment);

  test('A-22: a path that is no text is a malformed request', async () => {
    await expect(router.serve(request([Uint8Array.of(0xc3, 0x28)]), context)).rejects.toThrow(FormatError);
    expect(router.streams(request([Uint8Array.of(0xc3, 0x28)]))).toBe(false);
  });

  test('says whose bodies are taken as streams', () => {
    const streaming = new Router().add('/fw', named('fw'), { body: 'streamed' }).add('/x', named('x'));
    expect([['fw'], ['x'], ['y']].map((segments) => streaming.streams(request(segments)))).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('/.well-known/core', () => {
  const router = new Router()
    .add('/rd', named('rd'), { link: [['rt', 'core.rd']] })
    .add('/sensors/temp c', named('t'), {
      link: [
        ['rt', 'temperature'],
        ['obs', true],
      ],
    })
    .add('/hidden', named('hidden'));
  const list = (...query: string[]): Promise<string> =>
    textOf(router.serve(request(['.well-known', 'core'], Code.Get, query), context));

  test('lists what is to be found, and nothing else', async () => {
    expect(await list()).toBe('</rd>;rt="core.rd",</sensors/temp%20c>;rt="temperature";obs');
  });

  test('lists what a query asks for', async () => {
    expect(await list('rt=core*')).toBe('</rd>;rt="core.rd"');
    expect(await list('rt=nothing')).toBe('');
  });

  test('has its own format and no other', async () => {
    const accepting = (format: number) => {
      const { code, options } = request(['.well-known', 'core']);
      return router.serve(makeRequest(code, options.with(Option.Accept, format)), context);
    };
    expect((await accepting(40)).options.contentFormat).toBe(ContentFormat.LinkFormat);
    await expect(accepting(50)).rejects.toThrow(ResponseError);
  });

  test('does not tell a group that it found nothing', async () => {
    const empty = await router.serve(request(['.well-known', 'core'], Code.Get, ['rt=x']), {
      ...context,
      multicast: true,
    });
    expect(empty.code).toBe(Code.Empty);
  });
});

describe('A-25: formats', () => {
  const asking = (number: number, value: number): Request => makeRequest(Code.Put, OptionSet.of([number, value]));

  test('an unknown Accept is 4.06, none the first offered', () => {
    expect(chooseFormat(makeRequest(Code.Get), [112, 110])).toBe(112);
    expect(chooseFormat(asking(Option.Accept, 110), [112, 110])).toBe(110);
    expect(() => chooseFormat(asking(Option.Accept, 65_000), [112])).toThrow(
      expect.objectContaining({ status: Code.NotAcceptable }),
    );
  });
});
