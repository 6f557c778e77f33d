import { readFileSync } from 'node:fs';
import { FormatError, fromHex, noBytes, toHex } from '@lapwing/kernel';
import { describe, expect, test } from 'vitest';
import { Code } from './code.ts';
import { type Message, Type } from './message.ts';
import { OptionSet, type OptionValue } from './option-set.ts';
import { Option } from './options.ts';
import { decodeMessage, encodeMessage, type ReceivedMessage } from './udp.ts';

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly type: Type;
  readonly code: number;
  readonly id: number;
  readonly token: string;
  readonly options: readonly (readonly [number, string])[];
  readonly payload: string;
}

const file = new URL('../../../../vectors/coap-rfc7252.json', import.meta.url);
const { messages } = JSON.parse(readFileSync(file, 'utf8')) as { readonly messages: readonly Vector[] };

const plain: Message = {
  type: Type.Con,
  code: Code.Get,
  id: 1,
  token: noBytes,
  options: OptionSet.empty,
  payload: noBytes,
};

const decode = (hex: string): Message => decodeMessage(fromHex(hex));

function refused(hex: string): FormatError {
  try {
    decode(hex);
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
  throw new Error(`${hex} was accepted`);
}

describe('the messages of RFC 7252', () => {
  for (const vector of messages) {
    const { name, hex, type, code, id, token, options, payload } = vector;
    test(`${name} is read`, () => {
      const message = decode(hex);
      expect({ type: message.type, code: message.code, id: message.id }).toEqual({ type, code, id });
      expect(toHex(message.token)).toBe(token);
      expect([...message.options].map(([number, value]) => [number, toHex(value)])).toEqual(options);
      expect(toHex(message.payload)).toBe(payload);
    });
    test(`${name} is written`, () => {
      const set = OptionSet.of(...options.map(([number, value]) => [number, fromHex(value)] as const));
      const bytes = encodeMessage({ type, code, id, token: fromHex(token), options: set, payload: fromHex(payload) });
      expect(toHex(bytes)).toBe(hex);
    });
  }
});

describe('reading', () => {
  const whole = encodeMessage({
    ...plain,
    token: Uint8Array.of(1, 2, 3, 4),
    options: OptionSet.of([Option.UriPath, 'a-path-of-more-than-13'], [Option.Size1, 70_000], [Option.RequestTag, 'x']),
    payload: Uint8Array.of(9, 9),
  });

  test('A-02: of every prefix of a message only those that end at an option or after the payload began are messages', () => {
    const accepted: number[] = [];
    for (let length = 0; length < whole.length; length += 1) {
      try {
        decodeMessage(whole.subarray(0, length));
        accepted.push(length);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }
    const afterPath = 8 + 2 + 22;
    expect(accepted).toEqual([8, afterPath, afterPath + 5, afterPath + 8, whole.length - 1]);
  });

  test.each([
    ['A-03', 'version 0', '00010001', 0],
    ['A-03', 'version 2', '80010001', 0],
    ['A-03', 'version 3', 'c0010001', 0],
    ['A-04', 'a token of 9 bytes', `49010001${'00'.repeat(9)}`, 0],
    ['A-04', 'a token of 15 bytes', `4f010001${'00'.repeat(15)}`, 0],
    ['A-05', 'a token longer than the datagram', '4401000101', 5],
    ['A-06', 'a delta of 15', '40010001f0', 4],
    ['A-06', 'a length of 15', '400100010f', 4],
    ['A-07', 'a delta that lacks its byte', '40010001d0', 5],
    ['A-07', 'a delta that lacks one of two bytes', '40010001e000', 5],
    ['A-07', 'a length that lacks its byte', '400100010d', 5],
    ['A-07', 'a length that lacks one of two bytes', '400100010e00', 5],
    ['A-08', 'a marker without payload', '40010001ff', 4],
    ['A-09', 'an option number that wraps', '40010001e0fef2c0', 7],
    ['A-10', 'a value of 65 804 bytes in a datagram of ten', '400100011effffff0000'.slice(0, 20), 7],
    ['A-13', 'an empty message with a token', '4100000107', 4],
    ['A-13', 'an empty message with a payload', '40000001ff00', 4],
  ])('%s: %s is refused, with its place', (_number, _what, hex, offset) => {
    expect(refused(hex).offset).toBe(offset);
  });

  test('A-09: of 200 messages whose option numbers go past 65 535 none is read', () => {
    for (let i = 0; i < 200; i += 1) {
      const second = 0xffff - 269 - i;
      const hex = `40010001e0fef2e0${second.toString(16).padStart(4, '0')}`;
      expect(refused(hex).message).toContain('65535');
    }
  });

  test('A-21: 64 options are read, a 65th is refused', () => {
    expect(decode(`40010001${'00'.repeat(64)}`).options.size).toBe(64);
    expect(refused(`40010001${'00'.repeat(65)}`).message).toContain('64 options');
    expect(refused(`40010001${'00'.repeat(1140)}`).offset).toBe(4 + 64);
  });

  test('1 024 bytes of options are read, one more is refused', () => {
    const value = (length: number): string => `e${(length - 269).toString(16).padStart(4, '0')}${'61'.repeat(length)}`;
    // Two options with number 2, which nobody knows and nobody must know, of three bytes and their values.
    const options = (last: number): string => `2${value(500)}0${value(last)}`;
    expect(decode(`40020001${options(1024 - 503 - 3)}`).options.length).toBe(1024);
    expect(refused(`40020001${options(1025 - 503 - 3)}`).message).toContain('1024 bytes');
  });

  test('A-23: 2 048 bytes are read, one more is refused', () => {
    const padded = (length: number): Uint8Array => {
      const bytes = new Uint8Array(length).fill(1);
      bytes.set([0x40, 1, 0, 1, 0xff]);
      return bytes;
    };
    expect(decodeMessage(padded(2048)).payload).toHaveLength(2043);
    expect(() => decodeMessage(padded(2049))).toThrow(FormatError);
    expect(() => decodeMessage(padded(65_507))).toThrow(FormatError);
  });

  test('what is read is a view: no byte is copied', () => {
    const message = decodeMessage(whole);
    expect(message.payload.buffer).toBe(whole.buffer);
    expect(message.options.bytes(Option.UriPath)?.buffer).toBe(whole.buffer);
  });

  test('options that were decoded once stay readable one by one, in any order', () => {
    const { options } = decodeMessage(whole);
    expect(options.text(Option.RequestTag)).toBe('x');
    expect(options.uint(Option.Size1)).toBe(70_000);
    expect(options.path).toEqual(['a-path-of-more-than-13']);
    expect(options.uint(Option.Observe)).toBeUndefined();
  });
});

describe('options that the table does not allow', () => {
  const read = (...options: readonly (readonly [number, OptionValue])[]): ReceivedMessage =>
    decodeMessage(encodeMessage({ ...plain, options: OptionSet.of(...options) })) as ReceivedMessage;

  test('A-18: every critical number outside the table is reported, every elective one is left alone', () => {
    const known = new Set<number>(Object.values(Option));
    for (let number = 1; number <= 65_535; number += 1) {
      if (known.has(number)) continue;
      expect(read([number, 'x']).unacceptable).toBe(number % 2 === 1 ? number : 0);
    }
  });

  test.each([
    ['Uri-Host', Option.UriHost, 'h', true],
    ['Accept', Option.Accept, 1, true],
    ['If-None-Match', Option.IfNoneMatch, noBytes, true],
    ['Block1', Option.Block1, 1, true],
    ['Content-Format', Option.ContentFormat, 1, false],
    ['Observe', Option.Observe, 1, false],
    ['Size1', Option.Size1, 1, false],
  ])('A-19: a second %s counts as unknown', (_name, number, value, critical) => {
    const message = read([number, value], [number, value]);
    expect(message.unacceptable).toBe(critical ? number : 0);
    if (!critical) expect(message.options.all(number)).toHaveLength(1);
  });

  test.each([
    ['If-None-Match of 1 byte', Option.IfNoneMatch, 1, true],
    ['Uri-Port of 3 bytes', Option.UriPort, 3, true],
    ['Accept of 3 bytes', Option.Accept, 3, true],
    ['Block2 of 4 bytes', Option.Block2, 4, true],
    ['Uri-Path of 256 bytes', Option.UriPath, 256, true],
    ['ETag of 0 bytes', Option.Etag, 0, false],
    ['ETag of 9 bytes', Option.Etag, 9, false],
    ['Observe of 4 bytes', Option.Observe, 4, false],
  ])('A-20: %s counts as unknown', (_name, number, length, critical) => {
    const message = read([number, new Uint8Array(length).fill(1)], [Option.Size1, 5]);
    expect(message.unacceptable).toBe(critical ? number : 0);
    expect(message.options.has(number)).toBe(critical);
    expect(message.options.uint(Option.Size1)).toBe(5);
  });
});

describe('writing', () => {
  test.each([
    ['a token of 9 bytes', { token: new Uint8Array(9) }],
    ['a message id of 17 bits', { id: 65_536 }],
    ['a code of 9 bits', { code: 256 }],
    ['a path of 2 000 characters', { options: OptionSet.of([Option.UriPath, 'a'.repeat(2000)]) }],
    ['65 options', { options: OptionSet.of(...Array.from({ length: 65 }, () => [Option.UriQuery, ''] as const)) }],
    ['a payload beyond the limit', { payload: new Uint8Array(1148) }],
    ['an empty message with a payload', { code: Code.Empty, payload: Uint8Array.of(1) }],
  ])('A-27: %s is refused before a byte is made', (_what, parts) => {
    expect(() => encodeMessage({ ...plain, ...parts })).toThrow(FormatError);
  });

  test('A-27: a value of 65 805 bytes, a number of 17 bits and a negative integer make no option set', () => {
    expect(() => OptionSet.of([1, new Uint8Array(65_805)])).toThrow(FormatError);
    expect(() => OptionSet.of([65_536, ''])).toThrow(FormatError);
    expect(() => OptionSet.of([Option.Size1, -1])).toThrow(FormatError);
    expect(() => OptionSet.of([Option.Size1, 1.5])).toThrow(FormatError);
  });

  test('A-27: options given in any order are sorted, equal numbers keep theirs', () => {
    const options = OptionSet.of(
      [Option.UriQuery, 'b'],
      [Option.UriPath, 'x'],
      [Option.UriQuery, 'a'],
      [Option.UriPath, 'y'],
    );
    expect([...options].map(([number]) => number)).toEqual([11, 11, 15, 15]);
    expect(options.path).toEqual(['x', 'y']);
    expect(options.query).toEqual(['b', 'a']);
  });

  test('1 152 bytes are sent, and as many as the transport takes when it says so', () => {
    expect(encodeMessage({ ...plain, payload: new Uint8Array(1147) })).toHaveLength(1152);
    expect(encodeMessage({ ...plain, payload: new Uint8Array(95) }, 100)).toHaveLength(100);
    expect(() => encodeMessage({ ...plain, payload: new Uint8Array(96) }, 100)).toThrow(FormatError);
  });
});
