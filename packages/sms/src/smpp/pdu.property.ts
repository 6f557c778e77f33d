// PDUs of every kind: what is written is read as it was, any bytes give a PDU or FormatError, and it does not matter where a stream of them
// is cut.
import { concatBytes, encodeUtf8, FormatError, Secret, Writer } from '@lapwing/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Frames } from './frames.ts';
import { deliverOf } from './message.ts';
import { decodePdu, encodePdu, headerLength, longestPdu, type Pdu } from './pdu.ts';
import type { ShortMessage } from './short-message.ts';

const ascii = (maxLength: number) =>
  fc.array(fc.integer({ min: 0x20, max: 0x7e }), { maxLength }).map((codes) => String.fromCharCode(...codes));
const octet = fc.integer({ min: 0, max: 255 });
const word = fc.integer({ min: 0, max: 65_535 });
const status = fc.integer({ min: 0, max: 0xffff_ffff });
const sequence = fc.integer({ min: 1, max: 0x7fff_ffff });
const address = fc.record({ ton: octet, npi: octet, text: ascii(20) });

const message: fc.Arbitrary<ShortMessage> = fc.record({
  source: address,
  destination: address,
  esmClass: octet,
  protocol: octet,
  coding: octet,
  bytes: fc.oneof(fc.uint8Array({ maxLength: 254 }), fc.uint8Array({ minLength: 255, maxLength: 2000 })),
  segment: fc.option(fc.record({ reference: word, total: octet, sequence: octet }), { nil: undefined }),
  ports: fc.option(fc.record({ source: word, destination: word }), { nil: undefined }),
});

const pdu: fc.Arbitrary<Pdu> = fc.oneof(
  fc.record({
    kind: fc.constant('bind_transceiver' as const),
    sequence,
    systemId: ascii(15),
    password: ascii(64).map((text) => new Secret(encodeUtf8(text))),
    systemType: ascii(12),
  }),
  fc.record({ kind: fc.constantFrom('submit_sm' as const, 'deliver_sm' as const), sequence, message }),
  fc.record({ kind: fc.constantFrom('enquire_link' as const, 'unbind' as const), sequence }),
  fc.record({
    kind: fc.constant('bind_transceiver_resp' as const),
    sequence,
    status: fc.constant(0),
    systemId: ascii(15),
  }),
  fc.record({ kind: fc.constant('submit_sm_resp' as const), sequence, status: fc.constant(0), messageId: ascii(64) }),
  fc.record({ kind: fc.constant('submit_sm_resp' as const), sequence, status, messageId: fc.constant('') }),
  fc.record({ kind: fc.constant('deliver_sm_resp' as const), sequence, status, messageId: ascii(64) }),
  fc.record({
    kind: fc.constantFrom('enquire_link_resp' as const, 'unbind_resp' as const, 'generic_nack' as const),
    sequence,
    status,
  }),
);

/** Secrets are equal when their bytes are. */
const open = (each: Pdu): object =>
  each.kind === 'bind_transceiver' ? { ...each, password: [...each.password.reveal()] } : each;

test('what is written is read as it was', () => {
  fc.assert(
    fc.property(pdu, (each) => {
      expect(open(decodePdu(encodePdu(each)))).toEqual(open(each));
    }),
  );
});

test('N-02: any bytes are a PDU, or FormatError', () => {
  const commands = [4, 5, 6, 9, 0x15, 0x102, 0x8000_0000, 0x8000_0004, 0x8000_0005, 0x8000_0009];
  const bytes = fc
    .tuple(fc.oneof(fc.constantFrom(...commands), status), status, status, fc.uint8Array({ maxLength: 200 }))
    .map(([command, state, number, body]) =>
      new Writer()
        .u32(headerLength + body.length)
        .u32(command)
        .u32(state)
        .u32(number)
        .bytes(body)
        .finish(),
    );
  fc.assert(fc.property(fc.oneof(bytes, fc.uint8Array({ maxLength: 64 })), readable));
});

test('N-02: with one octet changed, or cut, it is a PDU or FormatError, and its message one that is read or FormatError', () => {
  fc.assert(
    fc.property(pdu, fc.nat(), octet, fc.boolean(), (each, at, value, cuts) => {
      const whole = encodePdu(each);
      const bytes = cuts ? whole.slice(0, at % (whole.length + 1)) : whole;
      if (bytes.length > 4) bytes[4 + (at % (bytes.length - 4))] = value;
      if (bytes.length >= headerLength) new DataView(bytes.buffer).setUint32(0, bytes.length);
      readable(bytes);
    }),
  );
});

function readable(bytes: Uint8Array): void {
  try {
    const each = decodePdu(bytes);
    if (each.kind === 'deliver_sm') deliverOf(each.message);
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
  }
}

test('it does not matter where a stream is cut', () => {
  fc.assert(
    fc.property(fc.array(pdu, { maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 90 })), (sent, sizes) => {
      const stream = concatBytes(...sent.map(encodePdu));
      const frames = new Frames();
      const heard: string[] = [];
      let at = 0;
      for (let i = 0; at < stream.length; i += 1) {
        const end = at + (sizes[i % Math.max(1, sizes.length)] ?? stream.length);
        for (const each of frames.push(stream.slice(at, end)))
          heard.push(each.kind === 'pdu' ? Buffer.from(each.bytes).toString('hex') : 'broken');
        at = end;
      }
      expect(heard).toEqual(sent.map((each) => Buffer.from(encodePdu(each)).toString('hex')));
      expect(frames.held).toBe(0);
    }),
  );
});

test('N-19: whatever a centre sends, no more is kept than one PDU', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (pieces) => {
      const frames = new Frames();
      for (const piece of pieces) {
        frames.push(piece);
        expect(frames.held).toBeLessThanOrEqual(longestPdu);
      }
    }),
  );
});
