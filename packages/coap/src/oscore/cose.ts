// What OSCORE takes from COSE (RFC 8613 §5, RFC 9052 §5.3, RFC 9053 §4): algorithms by number, the nonce, and what is
// authenticated beside the ciphertext. The few shapes of CBOR that go into it are written here by hand.
import { type AeadName, encodeUtf8, Writer } from '@lapwing/kernel';

export interface AeadAlgorithm {
  /** In the COSE registry. */
  readonly number: number;
  readonly cipher: AeadName;
  /** In bytes. */
  readonly keyLength: number;
  readonly nonceLength: number;
  readonly tagLength: number;
  /** Longest plaintext: what AES-CCM counts in 16 bits, or more than anybody sends. */
  readonly longest: number;
}

const LONGEST_ANYWHERE = 2 ** 20;
/** AES-CCM shares 15 bytes between the nonce and the length. */
const longestOf = (cipher: AeadName, nonceLength: number): number =>
  cipher.endsWith('ccm') ? Math.min(256 ** (15 - nonceLength) - 1, LONGEST_ANYWHERE) : LONGEST_ANYWHERE;

type Row = readonly [number: number, cipher: AeadName, keyLength: number, nonceLength: number, tagLength: number];

/** RFC 9053 §4.1, §4.2: A128GCM, A256GCM, and AES-CCM with 16 or 64 bits of length, tags of 64 or 128 bits. */
const rows: readonly Row[] = [
  [1, 'aes-128-gcm', 16, 12, 16],
  [3, 'aes-256-gcm', 32, 12, 16],
  [10, 'aes-128-ccm', 16, 13, 8],
  [11, 'aes-256-ccm', 32, 13, 8],
  [12, 'aes-128-ccm', 16, 7, 8],
  [13, 'aes-256-ccm', 32, 7, 8],
  [30, 'aes-128-ccm', 16, 13, 16],
  [31, 'aes-256-ccm', 32, 13, 16],
  [32, 'aes-128-ccm', 16, 7, 16],
  [33, 'aes-256-ccm', 32, 7, 16],
];

export const aeadAlgorithms: ReadonlyMap<number, AeadAlgorithm> = new Map(
  rows.map(([number, cipher, keyLength, nonceLength, tagLength]) => [
    number,
    { number, cipher, keyLength, nonceLength, tagLength, longest: longestOf(cipher, nonceLength) },
  ]),
);

/** AES-CCM-16-64-128 (RFC 8613 §3.2.2). */
export const standardAead = 10;

/** By the numbers of HKDF (RFC 9053 §5.1) and those of the HMAC in it, which object 21 is written with too. */
export const hkdfHashes: ReadonlyMap<number, 'sha256' | 'sha512'> = new Map([
  [-10, 'sha256'],
  [-11, 'sha512'],
  [5, 'sha256'],
  [7, 'sha512'],
]);

/** HKDF with SHA-256 (RFC 8613 §3.2.2). */
export const standardHkdf = -10;

/** Bytes of a nonce that are not an id: its length, and a Partial IV. */
export const nonceOverhead = 6;
const PIV_ROOM = 5;

/** RFC 8613 §5.2: `id` is that of whoever made the Partial IV. */
export function nonceOf(commonIv: Uint8Array, id: Uint8Array, piv: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(commonIv.length);
  nonce[0] = id.length;
  nonce.set(id, commonIv.length - PIV_ROOM - id.length);
  nonce.set(piv, commonIv.length - piv.length);
  for (let i = 0; i < nonce.length; i += 1) nonce[i] = (nonce[i] as number) ^ (commonIv[i] as number);
  return nonce;
}

const OSCORE_VERSION = 1;
const encrypt0 = encodeUtf8('Encrypt0');
const external = new Writer(64);
const structure = new Writer(96);

/** The external_aad of a request and of everything that answers it (RFC 8613 §5.4). */
export function externalAad(aead: number, kid: Uint8Array, piv: Uint8Array): Uint8Array {
  external.reset();
  head(external, ARRAY, 5);
  head(external, UNSIGNED, OSCORE_VERSION);
  head(external, ARRAY, 1);
  integer(external, aead);
  byteString(external, kid);
  byteString(external, piv);
  // Options of class I, of which there are none.
  head(external, BYTES, 0);
  return external.finish();
}

/** The Enc_structure (RFC 9052 §5.3, RFC 8613 §5.4). */
export function additionalData(aead: number, kid: Uint8Array, piv: Uint8Array): Uint8Array {
  const aad = externalAad(aead, kid, piv);
  structure.reset();
  head(structure, ARRAY, 3);
  head(structure, TEXT, encrypt0.length);
  structure.bytes(encrypt0);
  head(structure, BYTES, 0);
  byteString(structure, aad);
  return structure.finish();
}

/** The info of HKDF (RFC 8613 §3.2.1). */
export function keyInfo(
  id: Uint8Array,
  idContext: Uint8Array | undefined,
  aead: number,
  type: string,
  length: number,
): Uint8Array {
  const writer = new Writer(64);
  head(writer, ARRAY, 5);
  byteString(writer, id);
  if (idContext === undefined) writer.u8(NULL);
  else byteString(writer, idContext);
  integer(writer, aead);
  const text = encodeUtf8(type);
  head(writer, TEXT, text.length);
  writer.bytes(text);
  head(writer, UNSIGNED, length);
  return writer.finish();
}

// CBOR (RFC 8949 §3.1)

const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const NULL = 0xf6;

function head(writer: Writer, major: number, value: number): void {
  if (value < 24) writer.u8((major << 5) | value);
  else if (value < 0x100) writer.u8((major << 5) | 24).u8(value);
  else writer.u8((major << 5) | 25).u16(value);
}

function integer(writer: Writer, value: number): void {
  if (value < 0) head(writer, NEGATIVE, -1 - value);
  else head(writer, UNSIGNED, value);
}

function byteString(writer: Writer, bytes: Uint8Array): void {
  head(writer, BYTES, bytes.length);
  writer.bytes(bytes);
}
