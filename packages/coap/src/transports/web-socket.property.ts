import { type ByteStream, concatBytes, encodeUtf8, nobody, type StreamSink, toHex } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OptionSet } from '../message/option-set.ts';
import { encodeStreamMessage } from '../message/tcp.ts';
import { Malformed } from '../message/udp.ts';
import { Splitter } from './splitter.ts';
import { WebSocketStream } from './web-socket.ts';
import { frameLength, Opcode, readFrame, writeClose, writeFrame } from './web-socket-frames.ts';
import { replyTo, upgradeRequest, wrongInResponse } from './web-socket-handshake.ts';

const filler = new SeededRandom(6455).bytes(65_540);
const payload = fc
  .oneof(fc.integer({ min: 0, max: 130 }), fc.integer({ min: 65_530, max: 65_540 }))
  .map((length) => filler.subarray(0, length));
const key = fc.option(fc.uint8Array({ minLength: 4, maxLength: 4 }), { nil: undefined });

test('a frame that is written is read as it was, masked or not (300 frames)', () => {
  fc.assert(
    fc.property(payload, key, (bytes, mask) => {
      const frame = writeFrame(Opcode.Binary, bytes, mask);
      expect(frameLength(frame, 0, frame.length)).toBe(frame.length);
      const read = readFrame(frame);
      expect([read.opcode, read.isLast, read.isMasked]).toEqual([Opcode.Binary, true, mask !== undefined]);
      expect(Buffer.from(read.payload).equals(Buffer.from(bytes))).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('any bytes are frames, part of one, or refused on the header (5 000 inputs)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
      const splitter = new Splitter(100, frameLength);
      splitter.push(bytes);
      for (let next = splitter.next(); next instanceof Uint8Array; next = splitter.next()) {
        expect(readFrame(next).payload.length).toBeLessThanOrEqual(next.length - 2);
      }
    }),
    { numRuns: 5000 },
  );
});

test('any text is answered as a request and judged as a response (2 000 heads)', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom('Host: x', 'Upgrade: websocket', 'Connection: Upgrade', 'HTTP/1.1 101 x'),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const head = lines.join('\r\n');
      expect(replyTo(head, []).kind).toBe('refuse');
      expect(wrongInResponse(head, 'dGhlIHNhbXBsZSBub25jZQ==')).toBeDefined();
    }),
    { numRuns: 2000 },
  );
});

test('RFC 6455 §1.3: the key of its example is answered as there', () => {
  const sample = 'dGhlIHNhbXBsZSBub25jZQ==';
  const reply = replyTo(upgradeRequest('server.example', sample).slice(0, -4), []);
  expect(reply.text).toContain('\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n');
  expect(wrongInResponse(reply.text.slice(0, -4), sample)).toBeUndefined();
});

/** A stream whose other end is the test. */
class Wire implements ByteStream {
  readonly remote = { via: 'tcp', host: '192.0.2.1', port: 80 } as const;
  readonly identity = nobody;
  readonly backlog = 0;
  readonly written: Uint8Array[] = [];
  sink: StreamSink | undefined;
  ends = 0;
  open(sink: StreamSink): void {
    this.sink = sink;
  }
  write(bytes: Uint8Array): boolean {
    this.written.push(bytes);
    return true;
  }
  pause(): void {}
  resume(): void {}
  end(): void {
    this.ends += 1;
  }
  destroy(): void {
    this.ends += 1;
  }
}

function server() {
  const wire = new Wire();
  const stream = new WebSocketStream(wire, { role: 'server', longest: 8192, origins: [], random: new SeededRandom(1) });
  const heard: string[] = [];
  const causes: (string | undefined)[] = [];
  stream.open({
    data: (bytes) => heard.push(toHex(bytes)),
    drained: () => undefined,
    ended: () => heard.push('end'),
    closed: (cause) => causes.push(cause?.message),
  });
  return { wire, stream, heard, causes };
}

const request = encodeUtf8(upgradeRequest('x', 'dGhlIHNhbXBsZSBub25jZQ=='));
const mask = Uint8Array.of(1, 2, 3, 4);
const messages = fc.sample(
  fc.record({
    code: fc.integer({ min: 1, max: 255 }),
    payload: fc.uint8Array({ maxLength: 300 }),
    token: fc.uint8Array({ maxLength: 8 }),
  }),
  { numRuns: 60, seed: 6455 },
);
const streamed = messages.map((each) => encodeStreamMessage({ ...each, options: OptionSet.empty }));

test('F-06: handshake, frames, parts of messages and pings between them give the same messages however they are cut (50 cuts)', () => {
  const random = new SeededRandom(6455);
  const frames = messages.flatMap(({ code, payload: body, token }) => {
    const whole = concatBytes(
      Uint8Array.of(token.length, code),
      token,
      body.length > 0 ? concatBytes(Uint8Array.of(0xff), body) : body,
    );
    const cut = random.between(0, whole.length);
    const first = writeFrame(Opcode.Binary, whole.subarray(0, cut), mask);
    first[0] = Opcode.Binary;
    return [
      first,
      writeFrame(Opcode.Ping, Uint8Array.of(7), mask),
      writeFrame(Opcode.Continuation, whole.subarray(cut), mask),
    ];
  });
  const bytes = concatBytes(request, ...frames);
  for (let i = 0; i < 50; i += 1) {
    const { wire, heard, causes } = server();
    const cuts = Array.from({ length: random.between(0, 300) }, () => random.between(0, bytes.length));
    let from = 0;
    for (const to of [...cuts.sort((a, b) => a - b), bytes.length]) {
      wire.sink?.data(bytes.slice(from, to));
      from = to;
    }
    expect(causes).toEqual([]);
    expect(heard).toEqual(streamed.map(toHex));
    expect(wire.written).toHaveLength(1 + messages.length);
  }
});

test.each<[string, Uint8Array]>([
  ['an unmasked frame', writeFrame(Opcode.Binary, Uint8Array.of(0, 1), undefined)],
  ['a text', writeFrame(Opcode.Text, Uint8Array.of(0, 1), mask)],
  ['a part of no message', writeFrame(Opcode.Continuation, Uint8Array.of(0, 1), mask)],
  ['a length in the message', writeFrame(Opcode.Binary, Uint8Array.of(0x10, 1, 0), mask)],
  ['a token cut short', writeFrame(Opcode.Binary, Uint8Array.of(4, 1, 0), mask)],
  ['a message above the limit', writeFrame(Opcode.Binary, new Uint8Array(9000), mask).subarray(0, 14)],
  ['reserved bits', Uint8Array.of(0xc2, 0x80)],
  ['a long ping', Uint8Array.of(0x89, 0xfe)],
])('%s ends the connection', (_what, frame) => {
  const { wire, heard, causes } = server();
  wire.sink?.data(concatBytes(request, frame));
  expect(heard).toEqual([]);
  expect(causes).toHaveLength(1);
  expect(wire.ends).toBe(1);
  const last = wire.written.at(-1) as Uint8Array;
  expect(readFrame(last).opcode).toBe(Opcode.Close);
});

test('a goodbye ends the connection in peace, and a head without an end does not grow', () => {
  const { wire, heard } = server();
  wire.sink?.data(concatBytes(request, writeClose(1000, mask)));
  expect(heard).toEqual(['end']);
  const other = server();
  for (let i = 0; i < 10_000 && other.causes.length === 0; i += 1) other.wire.sink?.data(encodeUtf8('x'));
  expect(other.causes).toEqual(['head of the handshake is too long']);
  expect(frameLength(Uint8Array.of(0x8f, 0), 0, 2)).toBeInstanceOf(Malformed);
});
