// Any text as a line, any value as an answer.

import { formatPath, resourcePath, type Value } from '@lapwing/lwm2m';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from './command.ts';
import { parseLine } from './line.ts';
import { printable } from './printable.ts';
import { showPlain, valueOf } from './values.ts';

const word = fc.string({ maxLength: 20 });

describe('a line', () => {
  it('is commands and words, or a usage error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z;"'\\# \n]{0,40}$/)), (text) => {
        try {
          for (const words of parseLine(text)) expect(words.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });

  it('has the quotes within a word, as arguments of an Execute have them, and none around one', () => {
    expect(parseLine("exec 9/0/6 0='1',2='a; b'; write 3/0/15 'two words' it\\'s")).toEqual([
      ['exec', '9/0/6', "0='1',2='a; b'"],
      ['write', '3/0/15', 'two words', "it's"],
    ]);
  });

  it('gives back words as they were quoted', () => {
    const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
    fc.assert(
      fc.property(fc.array(fc.array(word, { minLength: 1, maxLength: 4 }), { maxLength: 3 }), (commands) => {
        const line = commands.map((words) => words.map(quoted).join(' ')).join('; ');
        expect(parseLine(line)).toEqual(commands);
      }),
    );
  });
});

const values: fc.Arbitrary<Value> = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((value): Value => ({ type: 'string', value })),
  fc.maxSafeInteger().map((value): Value => ({ type: 'integer', value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): Value => ({ type: 'integer64', value })),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value): Value => ({ type: 'float', value })),
  fc.boolean().map((value): Value => ({ type: 'boolean', value })),
  fc
    .integer({ min: 0, max: 65_535 })
    .map((value): Value => ({ type: 'objlnk', value: { object: value, instance: 1 } })),
);

describe('a value', () => {
  const path = resourcePath(3, 0, 0);

  it('is written as it is shown', () => {
    fc.assert(
      fc.property(values, (value) => {
        const { text } = showPlain(value);
        if (value.type === 'string' && printable(text) !== text) return;
        expect(valueOf(undefined, text, value.type, path), formatPath(path)).toEqual(
          Object.is(value.value, -0) ? { type: 'float', value: 0 } : value,
        );
      }),
    );
  });

  it('S-01: moves no cursor and begins no line when it is printed', () => {
    const hostile = fc.string({
      unit: fc.constantFrom('a', '\n', '\r', '\u001b', '\0', '\u2028', '\u202e', '\u009b', '\ud800'),
    });
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (value) => {
        const { text } = showPlain({ type: 'string', value });
        expect(text).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });
});
