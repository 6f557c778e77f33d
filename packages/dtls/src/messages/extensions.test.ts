import { concatBytes, encodeUtf8, FormatError, fromHex, noBytes, toHex, Writer } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { type ClientHello, decodeClientHello, encodeClientHello } from './client-hello.ts';
import { type Extensions, ExtensionType, noExtensions } from './extensions.ts';
import {
  emptyRenegotiationInfo,
  forbiddenInClientHello,
  forbiddenInExtensions,
  fragmentLengthOf,
  unofferedExtension,
} from './forbidden-values.ts';
import { decodeServerHello, encodeServerHello } from './server-hello.ts';

const bare: ClientHello = {
  version: 0xfefd,
  random: new Uint8Array(32),
  sessionId: noBytes,
  cookie: noBytes,
  cipherSuites: [0xc0a8],
  compressionMethods: [0],
  extensions: noExtensions,
};
const bareBody = encodeClientHello(bare);
const bareAnswer = encodeServerHello({
  ...{ version: 0xfefd, random: new Uint8Array(32), sessionId: noBytes },
  ...{ cipherSuite: 0xc0a8, compressionMethod: 0, extensions: noExtensions },
});

type Written = readonly [code: number, hex: string];

function withExtensions(body: Uint8Array, ...extensions: readonly Written[]): Uint8Array {
  const block = new Writer();
  for (const [code, hex] of extensions)
    block
      .u16(code)
      .u16(hex.length / 2)
      .bytes(fromHex(hex));
  return new Writer().bytes(body).u16(block.length).bytes(block.finish()).finish();
}

const read = (...extensions: readonly Written[]): Extensions =>
  decodeClientHello(withExtensions(bareBody, ...extensions)).extensions;
const answered = (...extensions: readonly Written[]) =>
  decodeServerHello(withExtensions(bareAnswer, ...extensions)).extensions;

/** A server_name extension with one entry for each name. */
function names(...names: readonly (string | Uint8Array)[]): Written {
  const list = new Writer();
  for (const name of names) {
    const bytes = typeof name === 'string' ? encodeUtf8(name) : name;
    list.u8(0).u16(bytes.length).bytes(bytes);
  }
  return [ExtensionType.serverName, toHex(new Writer().u16(list.length).bytes(list.finish()).finish())];
}

describe('the extensions of a hello', () => {
  it('may be missing, or a list of none', () => {
    expect(decodeClientHello(bareBody).extensions).toEqual(noExtensions);
    expect(read()).toEqual(noExtensions);
  });

  it('are refused when one comes twice, known or unknown (dtls E 83, G-26)', () => {
    expect(() => read([23, ''], [23, ''])).toThrow('extension 23 twice');
    expect(() => read([0x1a1a, ''], [23, ''], [0x1a1a, '00'])).toThrow('extension 6682 twice');
    expect(() => answered([54, '00'], [54, '00'])).toThrow('extension 54 twice');
  });

  it('are refused when a length passes the end of the list, or the list that of the message (dtls E 83, G-26)', () => {
    expect(() => decodeClientHello(concatBytes(bareBody, fromHex('0004001700')))).toThrow(FormatError);
    expect(() => decodeClientHello(concatBytes(bareBody, fromHex('000400170001')))).toThrow(FormatError);
    expect(() => decodeClientHello(concatBytes(bareBody, fromHex('0005001700000017')))).toThrow(FormatError);
    expect(() => decodeClientHello(concatBytes(bareBody, fromHex('00')))).toThrow(FormatError);
    expect(() => decodeClientHello(concatBytes(bareBody, fromHex('0000ff')))).toThrow('1 bytes after');
  });

  it('that nobody knows are passed over and named (dtls E 82, E 83)', () => {
    expect(read([0x0a0a, ''], [16, '000302683200'], [0xfafa, '00'])).toEqual({ unknown: [0x0a0a, 16, 0xfafa] });
  });

  it('hold 16,000 unknown ones without harm (G-26)', () => {
    const many = Array.from({ length: 16_000 }, (_, i): Written => [1000 + i, '']);
    expect(read(...many).unknown).toHaveLength(16_000);
  });

  it.each<Written>([
    [ExtensionType.supportedGroups, '0000'],
    [ExtensionType.supportedGroups, '0003001700'],
    [ExtensionType.supportedGroups, '000200'],
    [ExtensionType.supportedGroups, ''],
    [ExtensionType.pointFormats, '00'],
    [ExtensionType.signatureSchemes, '0000'],
    [ExtensionType.signatureSchemes, '000104'],
    [ExtensionType.clientCertificateTypes, '00'],
    [ExtensionType.serverCertificateTypes, '0202'],
    [ExtensionType.maxFragmentLength, ''],
    [ExtensionType.maxFragmentLength, '0101'],
    [ExtensionType.recordSizeLimit, '40'],
    [ExtensionType.recordSizeLimit, '004000'],
    [ExtensionType.connectionId, ''],
    [ExtensionType.connectionId, '0400'],
    [ExtensionType.connectionId, '0000'],
    [ExtensionType.extendedMasterSecret, '00'],
    [ExtensionType.encryptThenMac, '01'],
    [ExtensionType.returnRoutability, '00'],
    [ExtensionType.renegotiationInfo, ''],
  ])(
    'are refused when extension %i is %s: empty lists, odd lengths, bytes missing or left over (G-26)',
    (code, hex) => {
      expect(() => read([code, hex])).toThrow(FormatError);
    },
  );

  it('give a server one certificate type where a client has a list', () => {
    expect(read([19, '020200'], [20, '0102'])).toMatchObject({
      clientCertificateTypes: [2, 0],
      serverCertificateTypes: [2],
    });
    expect(answered([19, '02'], [20, '00'])).toMatchObject({ clientCertificateType: 2, serverCertificateType: 0 });
    expect(() => answered([19, '0102'])).toThrow(FormatError);
  });

  it('take no content in a server’s answer to server_name and session_ticket', () => {
    expect(answered([0, ''], [35, ''])).toMatchObject({ serverName: true, sessionTicket: true });
    expect(() => answered([0, '00'])).toThrow(FormatError);
    expect(() => answered([35, '00'])).toThrow(FormatError);
  });

  it('have any ticket, and any connection id of up to 255 bytes', () => {
    const { sessionTicket, connectionId } = read([35, ''], [54, `ff${'ab'.repeat(255)}`]);
    expect(sessionTicket).toHaveLength(0);
    expect(connectionId).toHaveLength(255);
  });

  it('do not take the number that drafts gave to connection ids for one (dtls E 110)', () => {
    expect(read([53, '0101'])).toEqual({ unknown: [53] });
  });
});

describe('server_name', () => {
  it('is one host name as it was sent (dtls E 86)', () => {
    expect(read(names('Gate.example')).serverName).toBe('Gate.example');
    expect(read(names('a'.repeat(253))).serverName).toHaveLength(253);
  });

  it.each([
    ['no name at all', names()],
    ['an empty name', names('')],
    ['two names', names('a.example', 'b.example')],
    ['letters outside ASCII', names('gäte.example')],
    ['a NUL', names('gate\0.example')],
    ['a space', names('gate .example')],
    ['255 bytes', names('a'.repeat(255))],
    ['65,000 bytes', names('a'.repeat(65_000))],
    ['no body', [0, ''] as const],
    ['a list cut short', [0, '00050000'] as const],
    ['only a name of an unknown type', [0, '0004010001ff'] as const],
  ])('is refused with FormatError when it has %s (dtls E 86, G-26)', (_, extension) => {
    expect(() => read(extension)).toThrow(FormatError);
  });

  it('passes over names of unknown types', () => {
    expect(read([0, `000c${'01000161'}${'00000561622e6364'}`]).serverName).toBe('ab.cd');
  });

  it('is not written when it has no room', () => {
    expect(() => encodeClientHello({ ...bare, extensions: { serverName: '', unknown: [] } })).toThrow(RangeError);
    expect(() => encodeClientHello({ ...bare, extensions: { serverName: 'a'.repeat(254), unknown: [] } })).toThrow(
      RangeError,
    );
  });
});

describe('values in good form', () => {
  it('are forbidden for max_fragment_length outside 1 to 4 (dtls E 88)', () => {
    expect([0, 1, 2, 3, 4, 5, 255].map(fragmentLengthOf)).toEqual([
      ...[undefined, 512, 1024, 2048, 4096],
      ...[undefined, undefined],
    ]);
    expect(forbiddenInExtensions(read([1, '05']))).toContain('max_fragment_length 5');
    expect(forbiddenInExtensions(read([1, '00']))).toContain('max_fragment_length 0');
    expect(forbiddenInExtensions(answered([1, '04']))).toBeUndefined();
  });

  it('are forbidden for record_size_limit below 64 (dtls E 88)', () => {
    expect(forbiddenInExtensions(read([28, '003f']))).toContain('record_size_limit 63');
    expect(forbiddenInExtensions(read([28, '0040']))).toBeUndefined();
  });

  it('are forbidden for compression or point formats without the one that everybody has (dtls E 85)', () => {
    expect(forbiddenInClientHello({ ...bare, compressionMethods: [1, 64] })).toContain('null compression');
    expect(forbiddenInClientHello({ ...bare, compressionMethods: [1, 0] })).toBeUndefined();
    expect(forbiddenInExtensions(read([11, '020102']))).toContain('uncompressed');
  });

  it('are not an answer to what was not offered (dtls E 71, G-25)', () => {
    const offer = { ...bare, extensions: read([23, ''], [54, '00'], [0x1a1a, '']) };
    expect(unofferedExtension(offer, answered([23, ''], [54, '0101']))).toBeUndefined();
    expect(unofferedExtension(offer, answered([23, ''], [22, '']))).toBe(22);
    expect(unofferedExtension(offer, answered([0x2a2a, '']))).toBe(0x2a2a);
    expect(unofferedExtension(offer, answered([0xff01, '00']))).toBe(0xff01);
    const signalling = { ...offer, cipherSuites: [0xc0a8, emptyRenegotiationInfo] };
    expect(unofferedExtension(signalling, answered([0xff01, '00']))).toBeUndefined();
  });
});

describe('a ClientHello', () => {
  it('keeps suites that nobody knows in their places (dtls E 82, G-24)', () => {
    const cipherSuites = [0x0a0a, 0xc0a8, 0x0000, 0xffff, 0x00ff];
    expect(decodeClientHello(encodeClientHello({ ...bare, cipherSuites })).cipherSuites).toEqual(cipherSuites);
  });

  it('is refused with a session id of 33 bytes, and read with a cookie of 255 (G-26)', () => {
    expect(() => decodeClientHello(encodeClientHello({ ...bare, sessionId: new Uint8Array(33) }))).toThrow(FormatError);
    expect(decodeClientHello(encodeClientHello({ ...bare, cookie: new Uint8Array(255) })).cookie).toHaveLength(255);
  });

  it('is refused without suites, with half a suite and without compression methods (G-26)', () => {
    for (const wrong of [{ cipherSuites: [] }, { compressionMethods: [] }]) {
      expect(() => decodeClientHello(encodeClientHello({ ...bare, ...wrong }))).toThrow(FormatError);
    }
    const half = concatBytes(bareBody.subarray(0, 36), fromHex('0003c0a8000100'));
    expect(() => decodeClientHello(half)).toThrow('cipher suites of 3 bytes');
  });

  it('is refused when it is cut at any byte but the one where extensions may begin (G-26)', () => {
    const whole = withExtensions(bareBody, [23, ''], names('gate.example'), [54, '04deadbeef']);
    for (let end = 0; end < whole.length; end += 1) {
      if (end === bareBody.length) continue;
      expect(() => decodeClientHello(whole.subarray(0, end)), `${end}`).toThrow(FormatError);
    }
  });
});
