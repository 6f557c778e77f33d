import { readFileSync } from 'node:fs';
import { FormatError } from '@lapwing/kernel';
import { describe, expect, test } from 'vitest';
import { filterLinks, formatLinks, makeLink, parseLinks } from './link-format.ts';

interface Vector {
  readonly name: string;
  readonly text: string;
  readonly links: readonly (readonly [string, Readonly<Record<string, string | true>>])[];
}

const vectors = new URL('../../../../vectors/link-format-rfc6690.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(vectors, 'utf8')) as { readonly cases: readonly Vector[] };

describe('link format', () => {
  test.each(cases)('reads $name', ({ text, links }) => {
    expect(parseLinks(text)).toEqual(links.map(([target, attributes]) => makeLink(target, Object.entries(attributes))));
  });

  test.each(cases)('reads again what it writes of $name', ({ text }) => {
    expect(parseLinks(formatLinks(parseLinks(text)))).toEqual(parseLinks(text));
  });

  test('writes numbers and words bare and all else quoted', () => {
    const link = makeLink('/a', [
      ['ct', '0 50'],
      ['sz', '12'],
      ['rt', 'x'],
      ['ver', '1.1'],
      ['ssid', ''],
    ]);
    expect(formatLinks([link, makeLink('/b')])).toBe('</a>;ct="0 50";sz=12;rt="x";ver=1.1;ssid="",</b>');
  });

  test('takes white space around separators', () => {
    expect(parseLinks(' </a> ; rt = "x" ,\r\n</b>')).toEqual([makeLink('/a', [['rt', 'x']]), makeLink('/b')]);
  });

  test('keeps the first of two attributes of one name', () => {
    expect(parseLinks('</a>;rt=x;rt=y')).toEqual([makeLink('/a', [['rt', 'x']])]);
  });

  test('shares one empty map among links without attributes', () => {
    const [a, b] = parseLinks('</a>,</b>');
    expect(a?.attributes).toBe(b?.attributes);
    expect(makeLink('/c', []).attributes).toBe(a?.attributes);
  });

  test('takes attribute names that are names of object properties as data', () => {
    const [link] = parseLinks('</a>;__proto__=1;constructor=2;toString');
    expect([...(link?.attributes ?? [])]).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
      ['toString', true],
    ]);
    expect(({} as Record<string, unknown>)['1']).toBeUndefined();
  });

  test.each([
    '/a',
    '<a',
    '<a>b',
    '<a>,',
    ',<a>',
    '<a>;',
    '<a>;=1',
    '<a>;b=',
    '<a>;b="',
    '<a>;b="\\',
    '<a>;b="c\\"',
    '<a>;;b',
    '<a> <b>',
    '<',
  ])('refuses %j', (text) => {
    expect(() => parseLinks(text)).toThrow(FormatError);
  });
});

describe('L-24: hostile link format', () => {
  const length = 65_536;
  const hostile: readonly (readonly [string, (n: number) => string])[] = [
    ['of <', (n) => '<'.repeat(n)],
    ['of quotes', (n) => `<a>;b=${'"'.repeat(n)}`],
    ['of semicolons', (n) => `<a>${';'.repeat(n)}`],
    ['of commas', (n) => ','.repeat(n)],
    ['of empty targets', (n) => '<>,'.repeat(n / 3)],
    ['of an unterminated quote', (n) => `<a>;b="${'x'.repeat(n)}`],
    ['of unterminated quotes', (n) => '<a>;b="c",'.repeat(n / 10)],
    ['of backslashes', (n) => `<a>;b="${'\\'.repeat(n)}`],
    ['of escapes', (n) => `<a>;b="${'\\"'.repeat(n / 2)}"`],
    ['of white space', (n) => `<a>${' '.repeat(n)}`],
    ['of ten thousand attributes', (n) => `<a>${';b'.repeat(n / 2)}`],
    ['of different attributes', (n) => `<a>${Array.from({ length: n / 6 }, (_, i) => `;${i.toString(36)}`).join('')}`],
  ];

  const timeOf = (text: string): number => {
    const start = process.cpuUsage();
    for (let i = 0; i < 4; i += 1) {
      try {
        parseLinks(text);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 4000;
  };

  test.each(hostile)('L-24: 64 KiB %s end in links or FormatError, in linear time', (_, make) => {
    timeOf(make(length));
    const small = Math.min(timeOf(make(length)), timeOf(make(length)));
    const large = Math.min(timeOf(make(length * 10)), timeOf(make(length * 10)));
    // No timing decides a test: the bound is far above linear growth and far below quadratic.
    expect(small).toBeLessThan(200);
    expect(large).toBeLessThan(Math.max(small, 2) * 50);
  });
});

describe('a query on links', () => {
  const links = parseLinks(
    '</sensors/temp>;rt="temperature-c x";if=sensor,</sensors/light>;rt="light-lux core.sen-light",</fw>;rt=firmware;obs',
  );
  const found = (...query: string[]): readonly string[] => filterLinks(links, query).map((link) => link.target);

  test.each([
    [[], ['/sensors/temp', '/sensors/light', '/fw']],
    [['rt=light-lux'], ['/sensors/light']],
    [['rt=core.sen-light'], ['/sensors/light']],
    [['rt=light*'], ['/sensors/light']],
    [['rt=light'], []],
    [['href=/sensors*'], ['/sensors/temp', '/sensors/light']],
    [['href=/fw'], ['/fw']],
    [['if=sensor', 'rt=x'], ['/sensors/temp']],
    [['foo=*'], []],
    [['obs=*'], ['/fw']],
    [['__proto__=*'], []],
    [['novalue'], ['/sensors/temp', '/sensors/light', '/fw']],
  ])('%j finds %j', (query, targets) => {
    expect(found(...query)).toEqual(targets);
  });
});
