import { FormatError } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { formatArguments, parseArguments } from './execute-arguments.ts';

describe('arguments of Execute', () => {
  it.each([
    ['', []],
    ['5', [[5, undefined]]],
    ["2='10.3'", [[2, '10.3']]],
    [
      "7,0='https://www.oma.org'",
      [
        [7, undefined],
        [0, 'https://www.oma.org'],
      ],
    ],
    [
      "0='',1='!#&([]~'",
      [
        [0, ''],
        [1, '!#&([]~'],
      ],
    ],
  ] as const)('K-09: %s is read and written', (text, expected) => {
    expect([...parseArguments(text)]).toEqual(expected);
    expect(formatArguments(parseArguments(text))).toBe(text);
  });

  it('K-09: may be ten, and long', () => {
    const text = Array.from({ length: 10 }, (_, i) => `${i}='${'x'.repeat(1024)}'`).join();
    expect(parseArguments(text).size).toBe(10);
  });

  it.each([
    "10='x'",
    '10=',
    'x',
    '0=',
    '0=x',
    "0='x",
    "0='x''",
    "0='a'b'",
    "0='a\"b'",
    "0='a\\b'",
    "0='a b'",
    "0='ü'",
    "0='a\nb'",
    '0,',
    ',0',
    '0,,1',
    '0;1',
    ' 0',
    '0,0',
    '٣',
    '-1',
    "0='x',0='y'",
  ])('K-09: refuses %j', (text) => {
    expect(() => parseArguments(text)).toThrow(FormatError);
  });

  it('refuses to write what could not be read', () => {
    expect(() => formatArguments(new Map([[10, undefined]]))).toThrow(FormatError);
    expect(() => formatArguments(new Map([[0, "it's"]]))).toThrow(FormatError);
  });
});
