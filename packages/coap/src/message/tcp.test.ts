import { readFileSync } from 'node:fs';
import { FormatError, fromHex, noBytes, toHex } from '@lapwing/kernel';
import { describe, expect, test } from 'vitest';
import { Code } from './code.ts';
import { OptionSet } from './option-set.ts';
import { Option } from './options.ts';
import {
  decodeStreamMessage,
  decodeWebSocketMessage,
  encodeStreamMessage,
  encodeWebSocketMessage,
  layoutLength,
  readStreamMessage,
  streamLength,
} from './tcp.ts';
import { Malformed } from './udp.ts';

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly webSocket: string;
  readonly code: number;
  readonly token: string;
  readonly options: readonly (readonly [number, string])[];
  readonly payload: string;
}

const file = new URL('../../../../vectors/coap-rfc8323.json', import.meta.url);
const { messages } = JSON.parse(readFileSync(file, 'utf8')) as { readonly messages: readonly Vector[] };

describe.each(messages)('$name', ({ hex, webSocket, code, token, options, payload }) => {
  const message = {
    code,
    token: fromHex(token),
    options: OptionSet.of(...options.map(([number, value]) => [number, fromHex(value)] as const)),
    payload: fromHex(payload),
  };

  test('is written as in the specification', () => {
    expect(toHex(encodeStreamMessage(message))).toBe(hex);
    expect(toHex(encodeWebSocketMessage(message))).toBe(webSocket);
  });

  test('is read as in the specification', () => {
    for (const read of [decodeStreamMessage(fromHex(hex)), decodeWebSocketMessage(fromHex(webSocket))]) {
      expect([read.code, toHex(read.token), toHex(read.payload)]).toEqual([code, token, payload]);
    }
  });
});

const sized = (payload: number) => ({
  code: Code.Content,
  token: Uint8Array.of(1, 2),
  options: OptionSet.empty,
  payload: new Uint8Array(payload),
});

// With its marker a payload of n bytes has the length n + 1 (RFC 8323 §3.2).
test.each([
  [0, '02'],
  [11, 'c2'],
  [12, 'd200'],
  [267, 'd2ff'],
  [268, 'e20000'],
  [65_803, 'e2ffff'],
  [65_804, 'f200000000'],
  [100_000, 'f200008594'],
])('a payload of %i bytes begins with %s', (length, head) => {
  const bytes = encodeStreamMessage(sized(length), 200_000);
  expect(toHex(bytes).startsWith(head)).toBe(true);
  expect(streamLength(bytes, 0, bytes.length)).toBe(bytes.length);
  for (let end = 0; end < head.length / 2; end += 1) expect(streamLength(bytes, 0, end)).toBeUndefined();
  expect(decodeStreamMessage(bytes).payload.length).toBe(length);
  const inside = readStreamMessage(bytes);
  expect(inside instanceof Malformed ? 0 : inside.bytes.length).toBe(layoutLength(bytes));
});

test.each(['09 45', '0d 45', '0e 45', '0f 45'])('F-10: a token length above 8 is refused: %s', (hex) => {
  const bytes = fromHex(hex.replaceAll(' ', ''));
  expect(streamLength(bytes, 0, bytes.length)).toBeInstanceOf(Malformed);
  expect(() => decodeStreamMessage(bytes)).toThrow(FormatError);
  expect(() => decodeWebSocketMessage(bytes)).toThrow(FormatError);
});

test('F-03: a length of 4 GiB is known from the header alone', () => {
  expect(streamLength(fromHex('f0ffffffff'), 0, 5)).toBe(6 + 65_805 + 0xffff_ffff);
});

test('more or fewer bytes than the header says are no message', () => {
  const bytes = encodeStreamMessage({ ...sized(5), options: OptionSet.of([Option.ContentFormat, 0]) });
  expect(() => decodeStreamMessage(bytes.subarray(0, -1))).toThrow(FormatError);
  expect(() => decodeStreamMessage(new Uint8Array([...bytes, 0]))).toThrow(FormatError);
  expect(() => decodeStreamMessage(noBytes)).toThrow(FormatError);
});

test('in a WebSocket a message has no length of its own', () => {
  expect(() => decodeWebSocketMessage(fromHex('1045ff'))).toThrow('a length where none belongs');
  expect(() => decodeWebSocketMessage(fromHex('0445aabb'))).toThrow('token cut short');
});

test('what is longer than the limit is not written', () => {
  expect(encodeStreamMessage(sized(1145)).length).toBe(1152);
  expect(() => encodeStreamMessage(sized(1146))).toThrow(FormatError);
});
