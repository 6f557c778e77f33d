import { FormatError, toHex } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Splitter } from '../transports/splitter.ts';
import { OptionSet } from './option-set.ts';
import { isSignal, readSignal } from './signal.ts';
import {
  decodeStreamMessage,
  decodeWebSocketMessage,
  encodeStreamMessage,
  encodeWebSocketMessage,
  readStreamMessage,
  type StreamMessage,
  streamToWebSocket,
  webSocketToStream,
} from './tcp.ts';
import { Malformed } from './udp.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });

const message: fc.Arbitrary<StreamMessage> = fc.record({
  code: fc.integer({ min: 1, max: 255 }),
  token: bytes(8),
  options: fc
    // Elective numbers outside the table: nothing is left out of what is read.
    .array(
      fc.tuple(
        fc.integer({ min: 150, max: 32_267 }).map((n) => n * 2 + 1000),
        bytes(30),
      ),
      { maxLength: 12 },
    )
    .map((options) => OptionSet.of(...options)),
  payload: fc.oneof(bytes(20), bytes(400)),
});

const parts = ({ code, token, options, payload }: StreamMessage) => ({
  code,
  token: toHex(token),
  options: [...options].map(([number, value]) => [number, toHex(value)]),
  payload: toHex(payload),
});

test('what is written is read as it was, on streams and in WebSockets (1 000 messages)', () => {
  fc.assert(
    fc.property(message, (m) => {
      const stream = encodeStreamMessage(m, 4096);
      expect(parts(decodeStreamMessage(stream))).toEqual(parts(m));
      const webSocket = encodeWebSocketMessage(m, 4096);
      expect(parts(decodeWebSocketMessage(webSocket))).toEqual(parts(m));
      expect(streamToWebSocket(stream)).toEqual(webSocket);
      expect(webSocketToStream(webSocket)).toEqual(stream);
    }),
    { numRuns: 1000 },
  );
});

test('F-06: however a stream of 1 000 messages is cut, at every single place and at random ones, the messages are the same', () => {
  const messages = fc.sample(message, { numRuns: 1000, seed: 6 }).map((m) => encodeStreamMessage(m, 4096));
  const stream = Buffer.concat(messages);
  const split = (cuts: readonly number[]): readonly string[] => {
    const splitter = new Splitter(8192);
    const found: string[] = [];
    let from = 0;
    for (const to of [...cuts, stream.length]) {
      splitter.push(stream.subarray(from, to));
      from = to;
      for (let next = splitter.next(); next !== undefined; next = splitter.next()) {
        if (next instanceof Malformed) throw new Error(next.reason);
        found.push(toHex(next));
      }
    }
    expect(splitter.held).toBe(0);
    return found;
  };
  const whole = messages.map(toHex);
  expect(split([])).toEqual(whole);
  // One byte at a time.
  expect(split(Array.from(stream, (_, i) => i).slice(1))).toEqual(whole);
  // Every place, in a stream of three of them.
  for (const first of messages.slice(0, 40)) {
    const three = Buffer.concat([first, messages[7] as Uint8Array, first]);
    for (let cut = 1; cut < three.length; cut += 1) {
      const splitter = new Splitter(8192);
      const found: number[] = [];
      for (const chunk of [three.subarray(0, cut), three.subarray(cut)]) {
        splitter.push(chunk);
        for (let next = splitter.next(); next instanceof Uint8Array; next = splitter.next()) found.push(next.length);
      }
      if (found.join() !== `${first.length},${messages[7]?.length},${first.length}`) throw new Error(`cut at ${cut}`);
    }
  }
  const random = new SeededRandom(6);
  for (let i = 0; i < 20; i += 1) {
    const cuts = Array.from({ length: random.between(1, 2000) }, () => random.between(0, stream.length));
    expect(split(cuts.sort((a, b) => a - b))).toEqual(whole);
  }
});

test('any bytes give a message or FormatError, and signals can be read (5 000 inputs)', () => {
  fc.assert(
    fc.property(bytes(60), (input) => {
      for (const decode of [decodeStreamMessage, decodeWebSocketMessage]) {
        try {
          const { options } = decode(input);
          for (const [number] of options) if (!(number >= 0)) throw new Error('no number');
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }
      const found = input.length === 0 ? undefined : readStreamMessage(input);
      if (found !== undefined && !(found instanceof Malformed) && isSignal(found.code)) readSignal(found);
    }),
    { numRuns: 5000 },
  );
});
