import { FormatError } from '@lapwing/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockOf, decodeBlock, encodeBlock, type Szx } from './block.ts';
import { formatLinks, makeLink, parseLinks } from './link-format.ts';
import { OptionSet } from './option-set.ts';
import { Option } from './options.ts';
import { formatUri, parseUri, uriOf, uriOptions } from './uri.ts';

/** Only FormatError may come of bad input. */
function valueOrFormatError<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return undefined;
  }
}

const part = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => Buffer.byteLength(text) <= 255);
const segment = part.filter((text) => text !== '.' && text !== '..');
const path = fc.array(segment, { maxLength: 5 }).filter((segments) => segments.length !== 1 || segments[0] !== '');
const host = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.constantFrom('::1', '2001:db8::1', 'fe80::1%eth0', 'a_b', 'bücher.example'),
);
const uri = fc.record({
  scheme: fc.constantFrom('coap', 'coaps', 'coap+tcp', 'coaps+ws'),
  host,
  port: fc.integer({ min: 1, max: 65_535 }),
  path,
  query: fc.array(part, { maxLength: 3 }),
});

test('a URI is read as it was written', () => {
  fc.assert(
    fc.property(uri, (parts) => {
      const expected = { ...parts, host: parts.host.toLowerCase() };
      expect(parseUri(formatUri(expected))).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

test('a URI with a telephone number is read as it was written', () => {
  const number = fc.record({
    scheme: fc.constantFrom('tel', 'sms'),
    host: fc.stringMatching(/^\+?[0-9]{1,15}$/),
    port: fc.constant(undefined),
    path,
    query: fc.array(part, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(number, (parts) => {
      expect(parseUri(formatUri(parts))).toEqual(parts);
    }),
    { numRuns: 500 },
  );
});

test('a URI survives its options', () => {
  fc.assert(
    fc.property(uri, (parts) => {
      const lower = { ...parts, host: parts.host.toLowerCase() };
      const destination = { via: 'udp', host: lower.host, port: lower.port } as const;
      expect(uriOf(lower.scheme, uriOptions(lower), destination)).toEqual(lower);
    }),
    { numRuns: 500 },
  );
});

test('any text is a URI or a FormatError, and a URI is written in a form that reads the same', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc
      .string({
        unit: fc.constantFrom('/', '.', '%', '2', 'e', 'F', '?', '&', 'a', ':', '[', ']', '@', '#'),
        maxLength: 30,
      })
      .map((rest) => `coap://h${rest}`),
    fc
      .string({ unit: fc.constantFrom('/', '?', ';', '=', '1', '-', '+', '%', 'a'), maxLength: 20 })
      .map((rest) => `tel:1${rest}`),
  );
  fc.assert(
    fc.property(text, (input) => {
      const parsed = valueOrFormatError(() => parseUri(input));
      if (parsed !== undefined) expect(parseUri(formatUri(parsed))).toEqual(parsed);
    }),
    { numRuns: 2000 },
  );
});

test('links are read as they were written', () => {
  const name = fc.stringMatching(/^[a-z_][\w.*-]{0,8}$/);
  const value = fc.oneof(fc.constant(true as const), fc.string({ unit: 'grapheme', maxLength: 12 }));
  const target = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('>'));
  const link = fc
    .tuple(target, fc.uniqueArray(fc.tuple(name, value), { maxLength: 4, selector: ([key]) => key }))
    .map(([to, attributes]) => makeLink(to, attributes));
  fc.assert(
    fc.property(fc.array(link, { maxLength: 6 }), (links) => {
      expect(parseLinks(formatLinks(links))).toEqual(links);
    }),
    { numRuns: 1000 },
  );
});

test('any text is links or a FormatError', () => {
  const noise = fc.string({ unit: fc.constantFrom('<', '>', ';', ',', '"', '\\', '=', ' ', 'a', '/'), maxLength: 30 });
  fc.assert(
    fc.property(
      fc.oneof(
        noise,
        noise.map((text) => `<a>;${text}`),
      ),
      (input) => {
        const links = valueOrFormatError(() => parseLinks(input));
        if (links !== undefined) expect(parseLinks(formatLinks(links))).toEqual(links);
      },
    ),
    { numRuns: 3000 },
  );
});

test('a block option is read as it was written', () => {
  const block = fc.record({
    num: fc.integer({ min: 0, max: 0xf_ffff }),
    more: fc.boolean(),
    szx: fc.integer({ min: 0, max: 6 }).map((szx) => szx as Szx),
  });
  fc.assert(
    fc.property(block, (value) => {
      expect(blockOf(OptionSet.of([Option.Block2, encodeBlock(value)]), Option.Block2)).toEqual(value);
    }),
  );
});

test('any bytes are a block option or a FormatError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5 }), (bytes) => {
      const block = valueOrFormatError(() => decodeBlock(bytes));
      if (block !== undefined)
        expect(decodeBlock(OptionSet.of([Option.Block1, encodeBlock(block)]).bytes(Option.Block1)!)).toEqual(block);
    }),
  );
});
