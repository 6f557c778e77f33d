// Public keys as certificates and RFC 7250 write them (SubjectPublicKeyInfo): read from their one DER spelling into the
// handle that node:crypto computes with. By way of JWK, which OpenSSL reads in a third of the time that SPKI costs it,
// and without its leniency: node:crypto reads an SPKI with garbage behind it.
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { concatBytes, FormatError, fromHex } from '@lapwing/kernel';
import { AlertDescription } from '../alert.ts';
import { checkInteger, type DerReader, objectIdentifier, readWhole, Tag, wholeBits } from './der.ts';
import { type Refusal, refuse } from './verdict.ts';

/** What a key can be used with; one name per combination of algorithm and curve. */
export type KeyAlgorithm = 'ec-p256' | 'ec-p384' | 'ec-p521' | 'ed25519' | 'rsa';

export interface PublicKey {
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER: the only spelling of this key that is accepted. */
  readonly spki: Uint8Array;
  readonly handle: KeyObject;
}

export interface PrivateKey {
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER, of its public half. */
  readonly spki: Uint8Array;
  readonly handle: KeyObject;
}

export type KeyVerdict = { readonly ok: true; readonly publicKey: PublicKey } | Refusal;

/** Shorter ones are factored, longer ones let a peer choose how long a check takes. */
export const RSA_BITS = { least: 2048, most: 8192 } as const;

export interface Curve {
  readonly algorithm: KeyAlgorithm;
  readonly oid: string;
  /** As JWK names it. */
  readonly jwk: string;
  /** Bytes of a coordinate. */
  readonly size: number;
  /** Everything of an SPKI before the point. */
  readonly prefix: Uint8Array;
}

export const curves: readonly Curve[] = [
  {
    algorithm: 'ec-p256',
    oid: '1.2.840.10045.3.1.7',
    jwk: 'P-256',
    size: 32,
    prefix: fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200'),
  },
  {
    algorithm: 'ec-p384',
    oid: '1.3.132.0.34',
    jwk: 'P-384',
    size: 48,
    prefix: fromHex('3076301006072a8648ce3d020106052b81040022036200'),
  },
  {
    algorithm: 'ec-p521',
    oid: '1.3.132.0.35',
    jwk: 'P-521',
    size: 66,
    prefix: fromHex('30819b301006072a8648ce3d020106052b8104002303818600'),
  },
];

/** Keys of CAs and of devices that come back; what costs 75 µs and more to import. */
const remembered = new Map<string, PublicKey>();
const REMEMBERED = 256;

/** Reads a SubjectPublicKeyInfo. Refused: other spellings, trailing bytes, weak RSA, points that are not on their curve. */
export function importPublicKey(spki: Uint8Array): KeyVerdict {
  const memory = Buffer.from(spki.buffer, spki.byteOffset, spki.byteLength).toString('latin1');
  const known = remembered.get(memory);
  if (known !== undefined) return { ok: true, publicKey: known };
  let verdict: KeyVerdict;
  try {
    verdict = readSpki(spki);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return refuse(AlertDescription.BadCertificate, `the public key is malformed: ${error.message}`);
  }
  if (verdict.ok) {
    if (remembered.size >= REMEMBERED)
      for (const oldest of [...remembered.keys()].slice(0, 32)) remembered.delete(oldest);
    remembered.set(memory, verdict.publicKey);
  }
  return verdict;
}

/** SPKI of an uncompressed point. */
export function encodeEcSpki(curve: Curve, x: Uint8Array, y: Uint8Array): Uint8Array {
  return concatBytes(curve.prefix, Uint8Array.of(4), x, y);
}

export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

function readSpki(spki: Uint8Array): KeyVerdict {
  const outer = readWhole(spki, Tag.Sequence, 'the public key');
  const identifier = outer.enter(Tag.Sequence);
  const oid = objectIdentifier(identifier.read(Tag.ObjectIdentifier));
  const bits = wholeBits(outer.read(Tag.BitString));
  outer.end('the public key');
  switch (oid) {
    case '1.2.840.10045.2.1':
      return readEc(spki, identifier, bits);
    case '1.3.101.112':
      identifier.end('the algorithm of the key');
      if (bits.length !== 32) throw new FormatError(`Ed25519 key of ${bits.length} bytes`);
      return importJwk('ed25519', spki, { kty: 'OKP', crv: 'Ed25519', x: base64url(bits) });
    case '1.2.840.113549.1.1.1':
      return readRsa(spki, identifier, bits);
    default:
      return unsupported(`its algorithm ${oid} is none of EC, RSA and Ed25519`);
  }
}

function readEc(spki: Uint8Array, identifier: DerReader, point: Uint8Array): KeyVerdict {
  const named = identifier.readIf(Tag.ObjectIdentifier);
  if (named === undefined)
    return unsupported('its curve is written out in numbers: only named curves are read (RFC 5480)');
  identifier.end('the curve');
  const oid = objectIdentifier(named);
  const curve = curves.find((each) => each.oid === oid);
  if (curve === undefined) return unsupported(`its curve ${oid} is none of P-256, P-384 and P-521`);
  const form = point[0];
  if (form === 2 || form === 3) return unsupported('its point is compressed: write it uncompressed (RFC 8422 §5.1.2)');
  if (form !== 4 || point.length !== 1 + 2 * curve.size)
    throw new FormatError(`point of ${point.length} bytes on ${curve.jwk}`);
  const x = base64url(point.subarray(1, 1 + curve.size));
  const y = base64url(point.subarray(1 + curve.size));
  return importJwk(curve.algorithm, spki, { kty: 'EC', crv: curve.jwk, x, y });
}

function readRsa(spki: Uint8Array, identifier: DerReader, bits: Uint8Array): KeyVerdict {
  if (identifier.read(Tag.Null).length !== 0) throw new FormatError('parameters of an RSA key');
  identifier.end('the algorithm of the key');
  const numbers = readWhole(bits, Tag.Sequence, 'the RSA key');
  const modulus = positive(numbers.read(Tag.Integer));
  const exponent = positive(numbers.read(Tag.Integer));
  numbers.end('the RSA key');
  const size = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (size < RSA_BITS.least || size > RSA_BITS.most) {
    return unsupported(`its RSA key has ${size} bits: ${RSA_BITS.least} to ${RSA_BITS.most} are accepted`);
  }
  const last = exponent.at(-1) ?? 0;
  if (exponent.length > 4 || last % 2 === 0 || (exponent.length === 1 && last < 3))
    return unsupported('of its RSA exponent');
  return importJwk('rsa', spki, { kty: 'RSA', n: base64url(modulus), e: base64url(exponent) });
}

/** Without the zero that marks a positive number whose first bit is set. */
function positive(content: Uint8Array): Uint8Array {
  checkInteger(content);
  const first = content[0] ?? 0;
  if (first >= 0x80) throw new FormatError('negative number in an RSA key');
  return first === 0 ? content.subarray(1) : content;
}

function importJwk(algorithm: KeyAlgorithm, spki: Uint8Array, key: JsonWebKey): KeyVerdict {
  try {
    return {
      ok: true,
      publicKey: { algorithm, spki: new Uint8Array(spki), handle: createPublicKey({ key, format: 'jwk' }) },
    };
  } catch {
    // OpenSSL's word for it differs between versions.
    return refuse(AlertDescription.BadCertificate, 'the public key is no point of its curve');
  }
}

function unsupported(reason: string): Refusal {
  return refuse(AlertDescription.UnsupportedCertificate, `the public key is not usable: ${reason}`);
}
