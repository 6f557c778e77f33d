// Handshakes of OpenSSL and GnuTLS, read and written again.
import { readFileSync } from 'node:fs';
import { toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { type Recording, readRecordings } from '../testing/recording.ts';
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
import { decodeServerHelloDone, encodeServerHelloDone } from './empty.ts';
import { forbiddenInClientHello, forbiddenInExtensions, unofferedExtension } from './forbidden-values.ts';
import { HandshakeType } from './handshake.ts';
import { decodeHelloVerifyRequest, encodeHelloVerifyRequest, helloVerifyVersion } from './hello-verify-request.ts';
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

const vectors = new URL('../../../../vectors/dtls-handshakes.json', import.meta.url);
const recordings = readRecordings(readFileSync(vectors, 'utf8'));

const bodies = ({ messages }: Recording, type: number) => messages.filter((m) => m.type === type).map((m) => m.body);
const kindOf = ({ name }: Recording) =>
  name.includes('ecdhe-psk') ? 'ecdhe-psk' : name.includes('psk') ? 'psk' : 'ecdhe';

describe.each(recordings.map((recording) => [recording.what, recording] as const))('%s', (_, recording) => {
  const { expected } = recording;

  it('has hellos that are read as they were meant, and read again as they are written', () => {
    const hellos = bodies(recording, HandshakeType.clientHello).map(decodeClientHello);
    expect(hellos).toHaveLength(2);
    const [answered] = bodies(recording, HandshakeType.serverHello).map(decodeServerHello);
    const [request] = bodies(recording, HandshakeType.helloVerifyRequest).map(decodeHelloVerifyRequest);
    const [first, second] = hellos;
    expect(toHex(first!.cookie)).toBe('');
    expect(toHex(second!.cookie)).toBe(toHex(request!.cookie));
    expect(toHex(second!.random)).toBe(toHex(first!.random));
    for (const hello of hellos) {
      expect(hello.version).toBe(0xfefd);
      expect(hello.extensions.serverName).toBe(expected.serverName);
      expect(hello.extensions.extendedMasterSecret).toBe(true);
      expect(hello.cipherSuites).toContain(answered!.cipherSuite);
      expect(forbiddenInClientHello(hello)).toBeUndefined();
      expect(decodeClientHello(encodeClientHello(hello))).toEqual({
        ...hello,
        extensions: { ...hello.extensions, unknown: [] },
      });
    }
    if (expected.suite !== undefined) expect(answered!.cipherSuite).toBe(expected.suite);
    expect(unofferedExtension(second!, answered!.extensions)).toBeUndefined();
    expect(forbiddenInExtensions(answered!.extensions)).toBeUndefined();
    expect(decodeServerHello(encodeServerHello(answered!))).toEqual(answered);
    if (expected.rawPublicKeys !== undefined) {
      expect(answered!.extensions).toMatchObject({ clientCertificateType: 2, serverCertificateType: 2 });
    }
  });

  it('has further messages that are written as they were (dtls E 35, E 92)', () => {
    const again = (type: number, rewrite: (body: Uint8Array) => Uint8Array): number => {
      const found = bodies(recording, type);
      for (const body of found) expect(toHex(rewrite(body))).toBe(toHex(body));
      return found.length;
    };
    const { version } = decodeHelloVerifyRequest(bodies(recording, HandshakeType.helloVerifyRequest)[0]!);
    expect(version).toBe(helloVerifyVersion);
    expect(again(HandshakeType.helloVerifyRequest, (b) => encodeHelloVerifyRequest(decodeHelloVerifyRequest(b)))).toBe(
      1,
    );
    const certificates =
      expected.rawPublicKeys === undefined
        ? again(HandshakeType.certificate, (b) => encodeCertificate(decodeCertificate(b)))
        : again(HandshakeType.certificate, (b) => encodeRawPublicKeyCertificate(decodeRawPublicKeyCertificate(b)));
    expect(certificates).toBe(
      expected.rawPublicKeys ?? (expected.certificates ?? 0) + (expected.clientCertificates ?? 0),
    );
    again(HandshakeType.certificateRequest, (b) => encodeCertificateRequest(decodeCertificateRequest(b)));
    again(HandshakeType.certificateVerify, (b) => encodeCertificateVerify(decodeCertificateVerify(b)));
    again(HandshakeType.serverHelloDone, (b) => {
      decodeServerHelloDone(b);
      return encodeServerHelloDone();
    });
    expect(again(HandshakeType.newSessionTicket, (b) => encodeNewSessionTicket(decodeNewSessionTicket(b)))).toBe(1);
    const server = {
      psk: (b: Uint8Array) => encodePskServerKeyExchange(decodePskServerKeyExchange(b)),
      ecdhe: (b: Uint8Array) => encodeEcdheServerKeyExchange(decodeEcdheServerKeyExchange(b)),
      'ecdhe-psk': (b: Uint8Array) => encodeEcdhePskServerKeyExchange(decodeEcdhePskServerKeyExchange(b)),
    };
    expect(again(HandshakeType.serverKeyExchange, server[kindOf(recording)])).toBe(1);
    const client = {
      psk: (b: Uint8Array) => encodePskClientKeyExchange(decodePskClientKeyExchange(b)),
      ecdhe: (b: Uint8Array) => encodeEcdheClientKeyExchange(decodeEcdheClientKeyExchange(b)),
      'ecdhe-psk': (b: Uint8Array) => encodeEcdhePskClientKeyExchange(decodeEcdhePskClientKeyExchange(b)),
    };
    expect(again(HandshakeType.clientKeyExchange, client[kindOf(recording)])).toBe(1);
  });

  it('has a key exchange with the identity, hint, group and scheme of its two programs', () => {
    const [server] = bodies(recording, HandshakeType.serverKeyExchange);
    const [client] = bodies(recording, HandshakeType.clientKeyExchange);
    switch (kindOf(recording)) {
      case 'psk':
        expect(toHex(decodePskServerKeyExchange(server!).identityHint)).toBe(expected.identityHint);
        expect(toHex(decodePskClientKeyExchange(client!).identity)).toBe(expected.identity);
        break;
      case 'ecdhe-psk': {
        const { identityHint, parameters } = decodeEcdhePskServerKeyExchange(server!);
        expect([toHex(identityHint), parameters.group]).toEqual([expected.identityHint, expected.group]);
        const answer = decodeEcdhePskClientKeyExchange(client!);
        expect(toHex(answer.identity)).toBe(expected.identity);
        expect(answer.publicKey).toHaveLength(parameters.publicKey.length);
        break;
      }
      case 'ecdhe': {
        const { parameters, signed } = decodeEcdheServerKeyExchange(server!);
        if (expected.group !== undefined) expect(parameters.group).toBe(expected.group);
        expect(signed.scheme).toBe(expected.scheme);
        expect(decodeEcdheClientKeyExchange(client!).publicKey).toHaveLength(parameters.publicKey.length);
      }
    }
  });
});
