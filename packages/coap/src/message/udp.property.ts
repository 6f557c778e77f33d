import { FormatError, toHex } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Message, Type } from './message.ts';
import { OptionSet } from './option-set.ts';
import { decodeMessage, encodeMessage, Malformed, readMessage } from './udp.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });

const message: fc.Arbitrary<Message> = fc.record({
  type: fc.integer({ min: 0, max: 3 }) as fc.Arbitrary<Type>,
  code: fc.integer({ min: 1, max: 255 }),
  id: fc.integer({ min: 0, max: 65_535 }),
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
  payload: bytes(300),
});

const parts = (m: Message) => ({
  ...{ type: m.type, code: m.code, id: m.id },
  token: toHex(m.token),
  options: [...m.options].map(([number, value]) => [number, toHex(value)]),
  payload: toHex(m.payload),
});

test('A-28: what is written is read as it was (5 000 messages)', () => {
  fc.assert(
    fc.property(message, (m) => {
      expect(parts(decodeMessage(encodeMessage(m)))).toEqual(parts(m));
    }),
    { numRuns: 5000 },
  );
});

test('A-28: what is read is written as it was, and mutated messages give a message or FormatError (20 000 datagrams)', () => {
  const random = new SeededRandom(28);
  const seeds = fc.sample(message, { numRuns: 200, seed: 28 }).map((m) => encodeMessage(m));
  let read = 0;
  for (let i = 0; i < 20_000; i += 1) {
    const datagram = Uint8Array.from(random.pick(seeds));
    for (let flips = random.between(0, 3); flips > 0; flips -= 1) {
      datagram[random.between(0, datagram.length - 1)] = random.between(0, 255);
    }
    const found = readMessage(datagram);
    if (found instanceof Malformed) {
      expect(() => decodeMessage(datagram)).toThrow(FormatError);
      continue;
    }
    const again = encodeMessage(found, 2048);
    // Elective options that the table forbids are left out.
    if (again.length !== datagram.length) continue;
    expect(toHex(again)).toBe(toHex(datagram));
    read += 1;
  }
  expect(read).toBeGreaterThan(5000);
});

test('A-24: any bytes give a message or FormatError, and every part of a message can be read (100 000 datagrams)', () => {
  const random = new SeededRandom(24);
  // The datagram of Wakaama #425 among them.
  const known = Uint8Array.of(0x44, 0x02, 0xe6, 0xe2, 0xe2, 0xe6, 0x81, 0x67, 0xb2, 0x72, 0x64, 0x11);
  let messages = 0;
  for (let i = 0; i < 100_000; i += 1) {
    const datagram = i % 10 === 0 ? Uint8Array.from(known) : random.bytes(random.between(0, 24));
    if (i % 20 === 0) datagram[random.between(0, 11)] = random.between(0, 255);
    else if (datagram.length > 0) datagram[0] = 0x40 | ((datagram[0] as number) & 0x3f);
    const found = readMessage(datagram);
    if (found instanceof Malformed) {
      expect(found.offset).toBeLessThanOrEqual(datagram.length);
      continue;
    }
    messages += 1;
    let length = 4 + found.token.length + found.payload.length;
    for (const [, value] of found.options) length += value.length;
    expect(length).toBeLessThanOrEqual(datagram.length);
  }
  expect(messages).toBeGreaterThan(1000);
});
