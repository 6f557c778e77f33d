// ClientKeyExchange, whose form the cipher suite decides: a PSK identity (RFC 4279 §2), a share in an ephemeral
// exchange (RFC 8422 §5.7), or both (RFC 5489 §2).
import { Reader, Writer } from '@lapwing/kernel';
import { expectEnd, readOpaque8, readOpaque16, writeOpaque8, writeOpaque16 } from './vector.ts';

export interface PskClientKeyExchange {
  /** Any bytes, up to 65,535 of them: looked up byte for byte. */
  readonly identity: Uint8Array;
}

export interface EcdheClientKeyExchange {
  /** A point of the group that the server chose: not checked here. */
  readonly publicKey: Uint8Array;
}

export interface EcdhePskClientKeyExchange {
  readonly identity: Uint8Array;
  readonly publicKey: Uint8Array;
}

export function encodePskClientKeyExchange({ identity }: PskClientKeyExchange): Uint8Array {
  const writer = new Writer(identity.length + 2);
  writeOpaque16(writer, identity);
  return writer.finish();
}

export function decodePskClientKeyExchange(body: Uint8Array): PskClientKeyExchange {
  const reader = new Reader(body);
  const identity = readOpaque16(reader, 'PSK identity');
  expectEnd(reader, 'ClientKeyExchange');
  return { identity };
}

export function encodeEcdheClientKeyExchange({ publicKey }: EcdheClientKeyExchange): Uint8Array {
  const writer = new Writer(publicKey.length + 1);
  writeOpaque8(writer, publicKey);
  return writer.finish();
}

export function decodeEcdheClientKeyExchange(body: Uint8Array): EcdheClientKeyExchange {
  const reader = new Reader(body);
  const publicKey = readOpaque8(reader, 'public key', { min: 1 });
  expectEnd(reader, 'ClientKeyExchange');
  return { publicKey };
}

export function encodeEcdhePskClientKeyExchange({ identity, publicKey }: EcdhePskClientKeyExchange): Uint8Array {
  const writer = new Writer(identity.length + publicKey.length + 3);
  writeOpaque16(writer, identity);
  writeOpaque8(writer, publicKey);
  return writer.finish();
}

export function decodeEcdhePskClientKeyExchange(body: Uint8Array): EcdhePskClientKeyExchange {
  const reader = new Reader(body);
  const message = {
    identity: readOpaque16(reader, 'PSK identity'),
    publicKey: readOpaque8(reader, 'public key', { min: 1 }),
  };
  expectEnd(reader, 'ClientKeyExchange');
  return message;
}
