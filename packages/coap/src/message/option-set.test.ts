import { FormatError, noBytes, toHex } from '@lapwing/kernel';
import { describe, expect, test } from 'vitest';
import { OptionSet } from './option-set.ts';
import { isCritical, isNoCacheKey, isUnsafe, nameOption, Option, optionRules } from './options.ts';

describe('a set of options', () => {
  const set = OptionSet.of(
    [Option.UriQuery, 'b=1'],
    [Option.UriPath, 'rd'],
    [Option.ContentFormat, 40],
    [Option.UriPath, '5a'],
  );

  test('is sorted by number and keeps the order of equal ones', () => {
    expect([...set].map(([number, value]) => [number, toHex(value)])).toEqual([
      [11, '7264'],
      [11, '3561'],
      [12, '28'],
      [15, '623d31'],
    ]);
    expect(set.size).toBe(4);
    expect(set.length).toBe(3 + 3 + 2 + 4);
  });

  test('gives text, integers and bytes; the first of many, or all', () => {
    expect(set.path).toEqual(['rd', '5a']);
    expect(set.text(Option.UriPath)).toBe('rd');
    expect(set.contentFormat).toBe(40);
    expect(set.all(Option.UriPath)).toHaveLength(2);
    expect(set.has(Option.Accept)).toBe(false);
    expect([set.accept, set.observe, set.bytes(1), set.text(3)]).toEqual([undefined, undefined, undefined, undefined]);
    expect(set.texts(99)).toEqual([]);
  });

  test('changes by giving a new set', () => {
    expect(set.with(Option.UriPath, 'x').path).toEqual(['x']);
    expect(set.adding(Option.UriPath, 'x').path).toEqual(['rd', '5a', 'x']);
    expect(set.without(Option.UriPath).size).toBe(2);
    expect(set.without(Option.Accept)).toBe(set);
    expect(set.path).toEqual(['rd', '5a']);
  });

  test.each([0, 1, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1])(
    'carries the integer %d in as few bytes as it needs',
    (n) => {
      const one = OptionSet.of([Option.Size1, n]);
      expect(one.uint(Option.Size1)).toBe(n);
      expect(one.bytes(Option.Size1)?.length).toBe(n === 0 ? 0 : Math.ceil(Math.log2(n + 1) / 8));
    },
  );

  test('an integer of 7 bytes and text that is not UTF-8 throw FormatError, and only when they are asked for', () => {
    const odd = OptionSet.of([Option.Etag, new Uint8Array(7)], [Option.UriPath, Uint8Array.of(0xff)]);
    expect(() => odd.uint(Option.Etag)).toThrow(FormatError);
    expect(() => odd.path).toThrow(FormatError);
    expect(odd.bytes(Option.UriPath)).toHaveLength(1);
  });

  test('A-22: texts of every length, ASCII or not, come back as they went in', () => {
    for (let length = 0; length <= 255; length += 1) {
      const ascii = 'x/.\\%\u0000'.repeat(43).slice(0, length);
      expect(OptionSet.of([Option.UriPath, ascii]).text(Option.UriPath)).toBe(ascii);
      const other = `${ascii.slice(0, Math.max(0, length - 4))}é€`;
      expect(OptionSet.of([Option.UriPath, other]).text(Option.UriPath)).toBe(other);
    }
  });

  test('what grew beyond any message is still one set', () => {
    const large = OptionSet.of([Option.ProxyUri, 'x'.repeat(5000)], [Option.Size1, 1]);
    expect(large.text(Option.ProxyUri)).toHaveLength(5000);
    expect(large.uint(Option.Size1)).toBe(1);
    expect(OptionSet.of([Option.IfNoneMatch, noBytes]).has(Option.IfNoneMatch)).toBe(true);
  });
});

describe('the option table', () => {
  test('has a rule for every option, and the bits say what RFC 7252 §5.4.6 says', () => {
    expect([...optionRules.keys()].sort((a, b) => a - b)).toEqual(Object.values(Option).sort((a, b) => a - b));
    expect([Option.UriPath, Option.UriHost, Option.Accept, Option.Block1].every(isCritical)).toBe(true);
    expect([Option.Etag, Option.Observe, Option.Size1, Option.ContentFormat].some(isCritical)).toBe(false);
    expect([Option.UriPath, Option.MaxAge, Option.ProxyUri].every(isUnsafe)).toBe(true);
    expect([Option.Size1, Option.Size2].every(isNoCacheKey)).toBe(true);
    expect(isNoCacheKey(Option.Etag)).toBe(false);
    expect([nameOption(11), nameOption(2049)]).toEqual(['UriPath', 'option 2049']);
  });
});
