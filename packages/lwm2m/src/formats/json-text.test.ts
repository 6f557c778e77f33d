import { encodeUtf8, FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { fromBase64url, parseJson, parseWithNumbersAsText, toBase64url } from './json-text.ts';

const parse = (text: string) => parseJson(encodeUtf8(text)).value;

describe('strict JSON', () => {
  it('L-19: refuses 100 000 opening brackets before any parser sees them', () => {
    expect(() => parse('['.repeat(100_000))).toThrow(/deeper than 16/);
    expect(() => parse('{"a":'.repeat(100_000))).toThrow(/deeper than 16/);
  });

  it('L18: reads 16 levels and refuses 17', () => {
    expect(parse('['.repeat(16) + ']'.repeat(16))).toBeDefined();
    expect(() => parse('['.repeat(17) + ']'.repeat(17))).toThrow(FormatError);
    expect(parse('["[[[[[[[[[[[[[[[[[[[["]')).toEqual(['[[[[[[[[[[[[[[[[[[[[']);
  });

  const refused = [
    '',
    ' ',
    '\ufeff[]',
    '[1,]',
    '[1 2]',
    '["a',
    "['a']",
    '[\0]',
    '["\0"]',
    '["\t"]',
    '[01]',
    '[]]',
    '[',
    'nul',
    '{"a"}',
    '{a:1}',
    '[1]x',
    '// x\n[]',
    '[Infinity]',
    '["\\x"]',
    '["\\u12"]',
  ];
  it.each(refused)('L-19: refuses %j', (text) => {
    expect(() => parse(text)).toThrow(FormatError);
  });

  it.each([
    '[]',
    ' [ ] ',
    '-0',
    '1E+2',
    '"\\u0000"',
    '"\\ud83d\\ude00"',
    '{"":0}',
    '[null,true]',
    '"\\":{"',
    '{"a\\"":{"b":1}}',
  ])('L-19: accepts %j', (text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  it('L-13, L-19: refuses an object with a name twice, on any level and however written', () => {
    for (const text of [
      '{"a":1,"a":1}',
      '[{"x":{"a":1,"\\u0061":2}}]',
      '{"__proto__":1,"__proto__":2}',
      '{"a":{"b":1},"a":2}',
    ]) {
      expect(() => parse(text), text).toThrow(/twice/);
    }
    expect(parse('{"a":":","b":{"a":1}}')).toEqual({ a: ':', b: { a: 1 } });
  });

  it('L-19: refuses half a surrogate pair, in names too', () => {
    for (const text of ['"\\ud83d"', '["\\ude00"]', '{"\\ud83d":1}', '"\\ude00\\ud83d"']) {
      expect(() => parse(text), text).toThrow(FormatError);
    }
    expect(() => parseJson(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toThrow(FormatError);
  });

  it('L-20: keeps __proto__ as a member and Object.prototype as it is', () => {
    const value = parse('{"__proto__":{"polluted":1}}');
    expect(Object.keys(value as object)).toEqual(['__proto__']);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('gives the digits of every number and leaves strings alone', () => {
    expect(parseWithNumbersAsText('{"a":[-1.5e3,"2","\\"3"],"b":18446744073709551615}')).toEqual({
      a: ['-1.5e3', '2', '"3'],
      b: '18446744073709551615',
    });
  });
});

describe('base64url', () => {
  it('has no padding and the URL alphabet', () => {
    expect(toBase64url(Uint8Array.of(0xfb, 0xff, 0xfe, 1))).toBe('-__-AQ');
    expect(fromBase64url('-__-AQ')).toEqual(Uint8Array.of(0xfb, 0xff, 0xfe, 1));
    expect(fromBase64url('')).toHaveLength(0);
  });
});
