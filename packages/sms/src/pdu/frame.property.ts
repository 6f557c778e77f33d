// Text messages of every kind: what is written is read as it was, and any bytes give a message or FormatError.
import { FormatError, toHex } from '@lapwing/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SmsAddress } from './address.ts';
import { decodeIncoming, decodeOutgoing, encodeFrame, type Frame } from './frame.ts';
import { packSeptets, septetsOf, textOfSeptets, unpackSeptets } from './gsm7.ts';
import type { HeaderElement, Payload } from './payload.ts';
import type { Timestamp } from './time.ts';

const alphabet = [...textOfSeptets(Array.from({ length: 128 }, (_, i) => i)), ...'^{}\\[~]|€\f'];
const gsm7 = (maxLength: number) =>
  fc.array(fc.constantFrom(...alphabet), { maxLength }).map((characters) => characters.join(''));

const digits = (maxLength: number) =>
  fc.array(fc.constantFrom(...'0123456789*#abc'), { maxLength }).map((each) => each.join(''));

const number = (maxLength: number): fc.Arbitrary<SmsAddress> =>
  fc.record({
    type: fc.constantFrom('unknown', 'international', 'national', 'subscriber', 'abbreviated', 'reserved'),
    plan: fc.integer({ min: 0, max: 15 }),
    text: digits(maxLength),
  });

const address: fc.Arbitrary<SmsAddress> = fc.oneof(
  number(20),
  fc.record({
    type: fc.constant('alphanumeric' as const),
    plan: fc.integer({ min: 0, max: 15 }),
    text: gsm7(5),
  }),
);

const timestamp: fc.Arbitrary<Timestamp | undefined> = fc.option(
  fc.record({
    year: fc.integer({ min: 2000, max: 2099 }),
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.integer({ min: 1, max: 31 }),
    hour: fc.integer({ min: 0, max: 23 }),
    minute: fc.integer({ min: 0, max: 59 }),
    second: fc.integer({ min: 0, max: 59 }),
    zone: fc.integer({ min: -79, max: 79 }).map((quarters) => quarters * 15 || 0),
  }),
  { nil: undefined },
);

const elements: fc.Arbitrary<readonly HeaderElement[]> = fc.array(
  fc.record({ id: fc.integer({ min: 0, max: 255 }), bytes: fc.uint8Array({ maxLength: 6 }) }),
  { maxLength: 4 },
);

const payload: fc.Arbitrary<Payload> = fc.oneof(
  fc.record({
    coding: fc.constantFrom(0x04, 0x06, 0x44, 0xf5),
    elements,
    content: fc.record({ kind: fc.constant('octets' as const), bytes: fc.uint8Array({ maxLength: 100 }) }),
  }),
  fc.record({
    coding: fc.constantFrom(0x00, 0x11, 0x0c, 0xc0, 0xd8, 0xf0, 0x80),
    elements,
    content: fc.record({ kind: fc.constant('gsm7' as const), text: gsm7(55) }),
  }),
  fc.record({
    coding: fc.constantFrom(0x08, 0x18, 0xe0),
    elements,
    content: fc.record({ kind: fc.constant('ucs2' as const), text: fc.string({ maxLength: 50 }) }),
  }),
);

const octet = fc.integer({ min: 0, max: 255 });
const serviceCentre = fc.option(
  // An odd number of digits is told by its filler, which of an even number ending in it nobody can.
  number(20).filter(({ text }) => text !== ''),
  { nil: undefined },
);

const incoming = fc.record({
  serviceCentre,
  pdu: fc.oneof(
    fc.record({
      kind: fc.constant('deliver' as const),
      originator: address,
      protocol: octet,
      timestamp,
      moreMessages: fc.boolean(),
      statusReport: fc.boolean(),
      replyPath: fc.boolean(),
      payload,
    }),
    fc.record({
      kind: fc.constant('status-report' as const),
      reference: octet,
      recipient: address,
      sent: timestamp,
      discharged: timestamp,
      status: octet,
    }),
  ),
});

const outgoing = fc.record({
  serviceCentre,
  pdu: fc.record({
    kind: fc.constant('submit' as const),
    reference: octet,
    destination: address,
    protocol: octet,
    validity: fc.oneof(
      fc.constant(undefined),
      fc.record({ kind: fc.constant('relative' as const), value: octet }),
      fc.record({ kind: fc.constant('absolute' as const), time: timestamp }),
      fc.record({
        kind: fc.constant('enhanced' as const),
        bytes: fc.uint8Array({ minLength: 7, maxLength: 7 }),
      }),
    ),
    rejectDuplicates: fc.boolean(),
    statusReport: fc.boolean(),
    replyPath: fc.boolean(),
    payload,
  }),
});

test('what is written is read as it was (4 000 messages each way)', () => {
  const same = (decode: (bytes: Uint8Array) => unknown) => (frame: Parameters<typeof encodeFrame>[0]) => {
    const { bytes, length } = encodeFrame(frame);
    expect(decode(bytes)).toEqual(frame);
    expect(length).toBe(bytes.length - 1 - (bytes[0] as number));
  };
  fc.assert(fc.property(incoming, same(decodeIncoming)), { numRuns: 4000 });
  fc.assert(fc.property(outgoing, same(decodeOutgoing)), { numRuns: 4000 });
});

test('any bytes give a message that can be written, or FormatError (10 000 of each)', () => {
  const near = fc
    .tuple(fc.oneof(incoming, outgoing), fc.array(fc.tuple(fc.nat(200), octet), { maxLength: 3 }))
    .map(([frame, changes]) => {
      const { bytes } = encodeFrame(frame);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return bytes;
    });
  for (const decode of [decodeIncoming, decodeOutgoing]) {
    fc.assert(
      fc.property(fc.oneof(near, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        let frame: Frame<Parameters<typeof encodeFrame>[0]['pdu']>;
        try {
          frame = decode(bytes);
        } catch (error) {
          if (error instanceof FormatError) return;
          throw error;
        }
        const again = encodeFrame(frame).bytes;
        expect(toHex(encodeFrame(decode(again)).bytes)).toBe(toHex(again));
      }),
      { numRuns: 10_000 },
    );
  }
});

test('septets are packed behind any number of fill bits and unpacked as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(127), { maxLength: 160 }), fc.nat(6), (septets, fill) => {
      expect(unpackSeptets(packSeptets(septets, fill), septets.length, fill)).toEqual(septets);
    }),
  );
  fc.assert(
    fc.property(gsm7(100), (text) => {
      expect(textOfSeptets(septetsOf(text))).toBe(text);
    }),
  );
});
