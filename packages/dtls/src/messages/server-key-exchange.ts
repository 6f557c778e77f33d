// ServerKeyExchange, whose form the cipher suite decides: a hint which PSK identity is meant (RFC 4279 §2), a signed
// ephemeral share (RFC 8422 §5.4), or a hint and an unsigned share (RFC 5489 §2).
import { FormatError, Reader, Writer } from '@lapwing/kernel';
import { type DigitallySigned, readDigitallySigned, writeDigitallySigned } from './digitally-signed.ts';
import { expectEnd, readOpaque8, readOpaque16, writeOpaque8, writeOpaque16 } from './vector.ts';

/** One side's share in an ephemeral exchange. */
export interface EcdheParameters {
  /** Number of a named group, e.g. 23 for P-256 and 29 for X25519. */
  readonly group: number;
  /** A point as the group writes it: not checked here. */
  readonly publicKey: Uint8Array;
}

export interface PskServerKeyExchange {
  readonly identityHint: Uint8Array;
}

export interface EcdheServerKeyExchange {
  readonly parameters: EcdheParameters;
  /** Over both randoms and `encodeEcdheParameters(parameters)`. RFC 8422 §5.4. */
  readonly signed: DigitallySigned;
}

export interface EcdhePskServerKeyExchange {
  readonly identityHint: Uint8Array;
  readonly parameters: EcdheParameters;
}

const namedCurve = 3;

/** As they stand in the message, and are signed. */
export function encodeEcdheParameters(parameters: EcdheParameters): Uint8Array {
  const writer = new Writer(80);
  writeParameters(writer, parameters);
  return writer.finish();
}

export function encodePskServerKeyExchange({ identityHint }: PskServerKeyExchange): Uint8Array {
  const writer = new Writer(identityHint.length + 2);
  writeOpaque16(writer, identityHint);
  return writer.finish();
}

export function decodePskServerKeyExchange(body: Uint8Array): PskServerKeyExchange {
  const reader = new Reader(body);
  const identityHint = readOpaque16(reader, 'identity hint');
  expectEnd(reader, 'ServerKeyExchange');
  return { identityHint };
}

export function encodeEcdheServerKeyExchange({ parameters, signed }: EcdheServerKeyExchange): Uint8Array {
  const writer = new Writer(160);
  writeParameters(writer, parameters);
  writeDigitallySigned(writer, signed);
  return writer.finish();
}

export function decodeEcdheServerKeyExchange(body: Uint8Array): EcdheServerKeyExchange {
  const reader = new Reader(body);
  const message = { parameters: readParameters(reader), signed: readDigitallySigned(reader) };
  expectEnd(reader, 'ServerKeyExchange');
  return message;
}

export function encodeEcdhePskServerKeyExchange(message: EcdhePskServerKeyExchange): Uint8Array {
  const writer = new Writer(80);
  writeOpaque16(writer, message.identityHint);
  writeParameters(writer, message.parameters);
  return writer.finish();
}

export function decodeEcdhePskServerKeyExchange(body: Uint8Array): EcdhePskServerKeyExchange {
  const reader = new Reader(body);
  const message = { identityHint: readOpaque16(reader, 'identity hint'), parameters: readParameters(reader) };
  expectEnd(reader, 'ServerKeyExchange');
  return message;
}

function writeParameters(writer: Writer, { group, publicKey }: EcdheParameters): void {
  writer.u8(namedCurve).u16(group);
  writeOpaque8(writer, publicKey);
}

/** Curves that are spelled out are refused: RFC 8422 §5.4 takes named ones only. */
function readParameters(reader: Reader): EcdheParameters {
  const type = reader.u8();
  if (type !== namedCurve) throw new FormatError(`curve type ${type}`, reader.offset - 1);
  return { group: reader.u16(), publicKey: readOpaque8(reader, 'public key', { min: 1 }) };
}
