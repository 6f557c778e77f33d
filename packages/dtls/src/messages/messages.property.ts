import { FormatError } from '@lapwing/kernel';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeCertificate,
  decodeRawPublicKeyCertificate,
  encodeCertificate,
  encodeRawPublicKeyCertificate,
} from './certificate.ts';
import { decodeCertificateRequest, encodeCertificateRequest } from './certificate-request.ts';
import { decodeCertificateVerify, encodeCertificateVerify } from './certificate-verify.ts';
import { decodeClientHello, encodeClientHello } from './client-hello.ts';
import {
  decodeEcdheClientKeyExchange,
  decodeEcdhePskClientKeyExchange,
  decodePskClientKeyExchange,
  encodeEcdheClientKeyExchange,
  encodeEcdhePskClientKeyExchange,
  encodePskClientKeyExchange,
} from './client-key-exchange.ts';
import { decodeHelloRequest, decodeServerHelloDone, encodeHelloRequest, encodeServerHelloDone } from './empty.ts';
import { decodeFinished, encodeFinished } from './finished.ts';
import { handshakeHeaderSize, readFragment, writeFragment } from './handshake.ts';
import { decodeHelloVerifyRequest, encodeHelloVerifyRequest } from './hello-verify-request.ts';
import { decodeNewSessionTicket, encodeNewSessionTicket } from './new-session-ticket.ts';
import { decodeServerHello, encodeServerHello } from './server-hello.ts';
import {
  decodeEcdhePskServerKeyExchange,
  decodeEcdheServerKeyExchange,
  decodePskServerKeyExchange,
  encodeEcdhePskServerKeyExchange,
  encodeEcdheServerKeyExchange,
  encodePskServerKeyExchange,
} from './server-key-exchange.ts';

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const bytes = (maxLength: number, minLength = 0) => fc.uint8Array({ minLength, maxLength });
const exactly = (length: number) => bytes(length, length);
const list8 = fc.array(u8, { minLength: 1, maxLength: 255 });
const list16 = fc.array(u16, { minLength: 1, maxLength: 300 });
const yes = fc.constant(true);

const shared = {
  maxFragmentLength: u8,
  recordSizeLimit: u16,
  supportedGroups: list16,
  pointFormats: list8,
  encryptThenMac: yes,
  extendedMasterSecret: yes,
  connectionId: bytes(255),
  returnRoutability: yes,
  renegotiationInfo: bytes(255),
  unknown: fc.constant([]),
};
const name = fc
  .array(fc.constantFrom(...'aZ09-._~!'), { minLength: 1, maxLength: 253 })
  .map((letters) => letters.join(''));
const extensions = fc.record(
  {
    ...shared,
    serverName: name,
    signatureSchemes: list16,
    clientCertificateTypes: list8,
    serverCertificateTypes: list8,
    sessionTicket: bytes(600),
  },
  { requiredKeys: ['unknown'] },
);
const serverExtensions = fc.record(
  { ...shared, serverName: yes, clientCertificateType: u8, serverCertificateType: u8, sessionTicket: yes },
  { requiredKeys: ['unknown'] },
);
const signed = fc.record({ scheme: u16, signature: bytes(600, 1) });
const parameters = fc.record({ group: u16, publicKey: bytes(255, 1) });
const identity = fc.oneof(bytes(200), bytes(65_535));

interface Row<T> {
  readonly values: fc.Arbitrary<T>;
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (body: Uint8Array) => T;
}

function row<T>(
  values: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (body: Uint8Array) => T,
): Row<unknown> {
  return { values, encode, decode } as unknown as Row<unknown>;
}

const hello = { version: u16, random: exactly(32), sessionId: bytes(32) };
const rows: Readonly<Record<string, Row<unknown>>> = {
  ClientHello: row(
    fc.record({ ...hello, cookie: bytes(255), cipherSuites: list16, compressionMethods: list8, extensions }),
    encodeClientHello,
    decodeClientHello,
  ),
  ServerHello: row(
    fc.record({ ...hello, cipherSuite: u16, compressionMethod: u8, extensions: serverExtensions }),
    encodeServerHello,
    decodeServerHello,
  ),
  HelloVerifyRequest: row(
    fc.record({ version: u16, cookie: bytes(255) }),
    encodeHelloVerifyRequest,
    decodeHelloVerifyRequest,
  ),
  Certificate: row(
    fc.record({ chain: fc.array(bytes(900, 1), { maxLength: 12 }) }),
    encodeCertificate,
    decodeCertificate,
  ),
  'Certificate with a raw public key': row(
    fc.record({ publicKey: bytes(400) }),
    encodeRawPublicKeyCertificate,
    decodeRawPublicKeyCertificate,
  ),
  'ServerKeyExchange for PSK': row(
    fc.record({ identityHint: identity }),
    encodePskServerKeyExchange,
    decodePskServerKeyExchange,
  ),
  'ServerKeyExchange for ECDHE': row(
    fc.record({ parameters, signed }),
    encodeEcdheServerKeyExchange,
    decodeEcdheServerKeyExchange,
  ),
  'ServerKeyExchange for ECDHE_PSK': row(
    fc.record({ identityHint: identity, parameters }),
    encodeEcdhePskServerKeyExchange,
    decodeEcdhePskServerKeyExchange,
  ),
  CertificateRequest: row(
    fc.record({
      certificateTypes: list8,
      signatureSchemes: list16,
      authorities: fc.array(bytes(200, 1), { maxLength: 9 }),
    }),
    encodeCertificateRequest,
    decodeCertificateRequest,
  ),
  ServerHelloDone: row(fc.constant(undefined), encodeServerHelloDone, decodeServerHelloDone),
  HelloRequest: row(fc.constant(undefined), encodeHelloRequest, decodeHelloRequest),
  'ClientKeyExchange for PSK': row(fc.record({ identity }), encodePskClientKeyExchange, decodePskClientKeyExchange),
  'ClientKeyExchange for ECDHE': row(
    fc.record({ publicKey: bytes(255, 1) }),
    encodeEcdheClientKeyExchange,
    decodeEcdheClientKeyExchange,
  ),
  'ClientKeyExchange for ECDHE_PSK': row(
    fc.record({ identity, publicKey: bytes(255, 1) }),
    encodeEcdhePskClientKeyExchange,
    decodeEcdhePskClientKeyExchange,
  ),
  CertificateVerify: row(signed, encodeCertificateVerify, decodeCertificateVerify),
  Finished: row(fc.record({ verifyData: exactly(12) }), encodeFinished, decodeFinished),
  NewSessionTicket: row(
    fc.record({ lifetimeHint: fc.integer({ min: 0, max: 0xffff_ffff }), ticket: bytes(2000) }),
    encodeNewSessionTicket,
    decodeNewSessionTicket,
  ),
};

/** A value, or nothing for FormatError; whatever else is thrown fails the test. */
function attempt(decode: (body: Uint8Array) => unknown, body: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: decode(body) };
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

describe.each(Object.entries(rows))('%s', (_, { values, encode, decode }) => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(decode(encode(value))).toEqual(value);
      }),
    );
  });

  test('is refused with FormatError when it is cut anywhere or goes on after its end (G-26)', () => {
    fc.assert(
      fc.property(values, fc.nat(), bytes(5, 1), (value, at, more) => {
        const body = encode(value);
        if (body.length > 0) {
          const cut = attempt(decode, body.subarray(0, at % body.length));
          // Only extensions may be missing altogether.
          if (cut !== undefined) expect(cut.value).toMatchObject({ extensions: { unknown: [] } });
        }
        const longer = attempt(decode, Uint8Array.of(...body.subarray(0, 4000), ...more));
        if (longer !== undefined) expect(decode(encode(longer.value))).toEqual(longer.value);
      }),
      { numRuns: 200 },
    );
  });

  test('is a value or FormatError for any bytes, and a value is read again as it is written', () => {
    const near = values.chain((value) => {
      const body = encode(value).subarray(0, 2000);
      return fc.array(fc.tuple(fc.nat(), u8), { minLength: 1, maxLength: 3 }).map((changes) => {
        const changed = body.slice();
        for (const [at, byte] of changes) if (changed.length > 0) changed[at % changed.length] = byte;
        return changed;
      });
    });
    fc.assert(
      fc.property(fc.oneof(bytes(300), near), (body) => {
        const found = attempt(decode, body);
        if (found === undefined) return;
        const again = decode(encode(found.value));
        expect(withoutUnknown(again)).toEqual(withoutUnknown(found.value));
      }),
      { numRuns: 500 },
    );
  });
});

/** Unknown extensions are named when read, and not written. */
function withoutUnknown(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('extensions' in value)) return value;
  return { ...value, extensions: { ...(value.extensions as object), unknown: [] } };
}

describe('a fragment', () => {
  const fragment = fc
    .record({ type: u8, messageSeq: u16, body: bytes(300), before: fc.nat(5000), after: fc.nat(5000) })
    .map(({ type, messageSeq, body, before, after }) => {
      return { type, messageSeq, length: before + body.length + after, offset: before, body };
    });

  test('is read as it was written, wherever it stands in its record', () => {
    fc.assert(
      fc.property(fragment, bytes(40), bytes(40), (value, before, after) => {
        const record = Uint8Array.of(...before, ...writeFragment(value), ...after);
        expect(readFragment(record, before.length)).toEqual(value);
      }),
    );
  });

  test('of any bytes lies within them, or is none', () => {
    fc.assert(
      fc.property(bytes(60), fc.nat(70), (record, at) => {
        const found = readFragment(record, at);
        if (found === undefined) return;
        expect(at + handshakeHeaderSize + found.body.length).toBeLessThanOrEqual(record.length);
        expect(found.offset + found.body.length).toBeLessThanOrEqual(found.length);
      }),
      { numRuns: 2000 },
    );
  });
});
