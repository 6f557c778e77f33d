import { encodeUtf8, FormatError, fromHex, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { decodeCertificate } from './certificate.ts';
import { decodePskClientKeyExchange, encodePskClientKeyExchange } from './client-key-exchange.ts';
import { decodeServerHelloDone } from './empty.ts';
import { decodeFinished } from './finished.ts';
import { HandshakeType, nameMessage } from './handshake.ts';
import { encodeHelloVerifyRequest, helloVerifyVersion } from './hello-verify-request.ts';
import { decodeEcdheServerKeyExchange, encodeEcdheParameters } from './server-key-exchange.ts';

describe('a PSK identity', () => {
  it.each([
    ['nothing', new Uint8Array(0)],
    ['one byte', Uint8Array.of(0)],
    ['128 bytes', new Uint8Array(128).fill(0x61)],
    ['129 bytes', new Uint8Array(129).fill(0x61)],
    ['65,535 bytes', new Uint8Array(65_535).fill(0xff)],
    ['bytes that are not UTF-8', fromHex('c0afff00fe')],
    ['the name of a property', encodeUtf8('__proto__')],
  ])('goes through byte for byte when it is %s (dtls E 92, G-23)', (_, identity) => {
    expect(toHex(decodePskClientKeyExchange(encodePskClientKeyExchange({ identity })).identity)).toBe(toHex(identity));
  });

  it('has no room for 65,536 bytes, and none to be cut short (dtls E 92, G-23)', () => {
    expect(() => encodePskClientKeyExchange({ identity: new Uint8Array(65_536) })).toThrow(RangeError);
    expect(() => decodePskClientKeyExchange(fromHex('ffff61'))).toThrow(FormatError);
    expect(() => decodePskClientKeyExchange(fromHex('000161ff'))).toThrow('1 bytes after');
  });
});

describe('messages of the wrong form', () => {
  it('are refused: a spelled-out curve, an empty share, an empty signature', () => {
    expect(() => decodeEcdheServerKeyExchange(fromHex('01001701040403000130'))).toThrow('curve type 1');
    expect(() => decodeEcdheServerKeyExchange(fromHex('030017000403000130'))).toThrow(FormatError);
    expect(() => decodeEcdheServerKeyExchange(fromHex('0300170104 0403 0000'.replaceAll(' ', '')))).toThrow(
      FormatError,
    );
  });

  it('are refused: Finished that is not 12 bytes, ServerHelloDone that has any (dtls E 74)', () => {
    for (const length of [0, 11, 13, 36]) expect(() => decodeFinished(new Uint8Array(length))).toThrow(FormatError);
    expect(() => decodeServerHelloDone(Uint8Array.of(0))).toThrow(FormatError);
  });

  it('are refused: a certificate of no bytes, a list longer than its message, 16 MiB in four bytes (dtls E 95, G-27)', () => {
    for (const hex of ['000003000000', '000005000001', 'ffffff00', '0000040000']) {
      expect(() => decodeCertificate(fromHex(hex))).toThrow(FormatError);
    }
    expect(decodeCertificate(fromHex('000000')).chain).toEqual([]);
  });
});

describe('bytes that others depend on', () => {
  it('are signed as RFC 8422 §5.4 writes them', () => {
    expect(toHex(encodeEcdheParameters({ group: 29, publicKey: Uint8Array.of(1, 2) }))).toBe('03001d020102');
  });

  it('are of DTLS 1.0 in a HelloVerifyRequest (dtls E 35)', () => {
    const body = encodeHelloVerifyRequest({ version: helloVerifyVersion, cookie: Uint8Array.of(7) });
    expect(toHex(body)).toBe('feff0107');
  });

  it('have names for people', () => {
    expect(nameMessage(HandshakeType.clientHello)).toBe('ClientHello');
    expect(nameMessage(99)).toBe('handshake type 99');
  });
});
