import { encodeUtf8, FormatError } from '@lapwing/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonReader, labelCode, Mark, unknownLabel } from './json-reader.ts';
import { fromBase64url, toBase64url } from './json-write.ts';

const accept = (text: string) => {
  const reader = new JsonReader(encodeUtf8(text));
  reader.skip();
  reader.end();
};
const scalar = (text: string) => new JsonReader(encodeUtf8(text)).scalar();

describe('strict JSON', () => {
  it('L-19: refuses 100 000 opening brackets at the limit of depth', () => {
    expect(() => accept('['.repeat(100_000))).toThrow(/deeper than 16/);
    expect(() => accept('{"a":'.repeat(100_000))).toThrow(/deeper than 16/);
  });

  it('L18: reads 16 levels and refuses 17', () => {
    accept('['.repeat(16) + ']'.repeat(16));
    expect(() => accept('['.repeat(17) + ']'.repeat(17))).toThrow(FormatError);
    expect(scalar('"[[[[[[[[[[[[[[[[[[[["')).toBe('[[[[[[[[[[[[[[[[[[[[');
  });

  it.each(
    [
      [
        '',
        ' ',
        '\ufeff[]',
        '[1,]',
        '[,1]',
        '[1,,2]',
        '[1 2]',
        '["a',
        "['a']",
        '[\0]',
        '["\0"]',
        '["\t"]',
        '[01]',
        '[-]',
      ],
      ['[]]', '[', '[1', '[1,', '{"a":1,}', 'nul', 'nulll', 'True', '{"a"}', '{"a":}', '{a:1}', '{1:1}', '{,}', '[1]x'],
      ['// x\n[]', '[Infinity]', '[NaN]', '["\\x"]', '["\\u12"]', '["\\', '["\\"]', '[1.]', '[.1]', '[1e]', '[1e+]'],
      ['[+1]', '[0x1]', '[1_0]', '[-01]', '[--1]', '[1-2]', '[\u00a01]', '[1\u2028]', '{"a":1 "b":2}', '}', ']', ':'],
    ].flat(),
  )('L-19: refuses %j, as JSON.parse does', (text) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(() => accept(text)).toThrow(FormatError);
  });

  it('L-19: accepts whatever JSON.parse does, but for depth and half surrogate pairs', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), fc.nat(3), (text, indent) => {
        fc.pre(!/\\ud[89a-f]/i.test(text));
        accept(JSON.stringify(JSON.parse(text), undefined, indent));
      }),
      { numRuns: 300 },
    );
  });

  it('L-19: refuses whatever JSON.parse does', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '"a"',
      '1',
      '-',
      '0',
      '.',
      'e',
      'E5',
      'true',
      'null',
      ' ',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join('');
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        if (valid) accept(text);
        else expect(() => accept(text)).toThrow(FormatError);
      }),
      { numRuns: 3000 },
    );
  });

  it('L-19: gives each number as the double that JSON.parse gives, and its digits', () => {
    const numbers = [
      '0',
      '-0',
      '1E+2',
      '-1.5e-3',
      '123456789012345',
      '1234567890123456',
      '9007199254740993',
      '5e-324',
      '-0.0',
      '1e400',
    ];
    for (const text of numbers) {
      const reader = new JsonReader(encodeUtf8(` ${text} `));
      expect(reader.number(), text).toBe(JSON.parse(text));
      expect(reader.written()).toBe(text);
    }
  });

  it('L-19: refuses half a surrogate pair, escaped or not, and keeps a whole one', () => {
    for (const text of ['"\\ud83d"', '"\\ude00"', '"\\ude00\\ud83d"'])
      expect(() => scalar(text), text).toThrow(FormatError);
    expect(() => new JsonReader(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)).scalar()).toThrow(FormatError);
    expect(() => new JsonReader(Uint8Array.of(0x7b, 0x22, 0xc0, 0x80, 0x22, 0x3a, 0x31, 0x7d)).skip()).toThrow(
      FormatError,
    );
    expect(scalar('"\\ud83d\\ude00\\u0000"')).toBe('😀\0');
  });

  it('knows a label however it is written', () => {
    const labels = (text: string) => {
      const reader = new JsonReader(encodeUtf8(text));
      reader.open(Mark.OpenObject);
      return reader.label();
    };
    expect(labels('{"vlo":1}')).toBe(labelCode('vlo'));
    expect(labels('{ "\\u0076lo" : 1}')).toBe(labelCode('vlo'));
    expect(labels('{"longer":1}')).toBe(unknownLabel);
    expect(labels('{"ü":1}')).toBe(unknownLabel);
    expect(labelCode('ü')).toBe(unknownLabel);
    expect(labels('{"":1}')).toBe(0);
  });
});

describe('base64url', () => {
  it('has no padding and the URL alphabet', () => {
    expect(toBase64url(Uint8Array.of(0xfb, 0xff, 0xfe, 1))).toBe('-__-AQ');
    expect(fromBase64url('-__-AQ')).toEqual(Uint8Array.of(0xfb, 0xff, 0xfe, 1));
    expect(fromBase64url('')).toHaveLength(0);
  });
});
