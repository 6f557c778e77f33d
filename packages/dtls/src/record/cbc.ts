// Records protected by AES-CBC and HMAC: MAC, then encrypt (RFC 5246 §6.2.3.2), or encrypt, then MAC (RFC 7366).
// The first cannot be closed fully against timing here (Lucky 13); it takes one path for every fault and hashes as
// many blocks for every padding.
import { decryptCbc, encryptCbc, equalInConstantTime, hmac } from '@lapwing/kernel';
import type { DirectionKeys } from '../suites/key-block.ts';
import type { Suite } from '../suites/suite.ts';
import { additionalView, fillAdditional } from './additional.ts';

const BLOCK = 16;
const HASH_BLOCK = 64;
/** Longest padding with its length byte. */
const LONGEST_PADDING = 256;
const ballast = new Uint8Array(LONGEST_PADDING + HASH_BLOCK);

/** Encrypted bytes of `length` bytes of inner plaintext, with the MAC inside where it is, without the IV. */
export function paddedLength(suite: Suite, length: number): number {
  const inside = suite.encryptThenMac ? length : length + suite.tagLength;
  return inside - (inside % BLOCK) + BLOCK;
}

/**
 * Protects `length` bytes of inner plaintext that stand in `out` from `plainAt`, 16 bytes (the IV) after the end of
 * the header of the record at `at`; returns the end of the record.
 */
export function sealCbc(
  suite: Suite,
  keys: DirectionKeys,
  out: Uint8Array,
  at: number,
  cidLength: number,
  plainAt: number,
  length: number,
): number {
  const ivAt = plainAt - BLOCK;
  // Unpredictable without chance: a function of the record number that only holders of the MAC key know. No MAC is
  // made of 8 bytes, so the two uses of the key do not meet.
  out.set(hmac(suite.hash, keys.mac, out.subarray(at + 3, at + 11)).subarray(0, BLOCK), ivAt);
  const padded = paddedLength(suite, length);
  const end = plainAt + padded;
  let used = plainAt + length;
  if (!suite.encryptThenMac) {
    const covered = additionalView(fillAdditional(out, at, cidLength, length));
    out.set(hmac(suite.hash, keys.mac, covered, out.subarray(plainAt, used)), used);
    used += suite.tagLength;
  }
  out.fill(end - used - 1, used, end);
  out.set(encryptCbc(keys.key, out.subarray(ivAt, plainAt), out.subarray(plainAt, end)), plainAt);
  if (!suite.encryptThenMac) return end;
  const covered = additionalView(fillAdditional(out, at, cidLength, BLOCK + padded));
  out.set(hmac(suite.hash, keys.mac, covered, out.subarray(ivAt, end)), end);
  return end + suite.tagLength;
}

/** The inner plaintext of the body from `bodyAt` to `end`; undefined when it is forged. */
export function openCbc(
  suite: Suite,
  keys: DirectionKeys,
  bytes: Uint8Array,
  at: number,
  cidLength: number,
  bodyAt: number,
  end: number,
): Uint8Array | undefined {
  const cipherEnd = suite.encryptThenMac ? end - suite.tagLength : end;
  const cipherLength = cipherEnd - bodyAt - BLOCK;
  const least = suite.encryptThenMac ? BLOCK : paddedLength(suite, 0);
  if (cipherLength < least || cipherLength % BLOCK !== 0) return undefined;
  if (suite.encryptThenMac) {
    const covered = additionalView(fillAdditional(bytes, at, cidLength, BLOCK + cipherLength));
    const mac = hmac(suite.hash, keys.mac, covered, bytes.subarray(bodyAt, cipherEnd));
    if (!equalInConstantTime(mac, bytes.subarray(cipherEnd, end))) return undefined;
  }
  const iv = bytes.subarray(bodyAt, bodyAt + BLOCK);
  const plain = decryptCbc(keys.key, iv, bytes.subarray(bodyAt + BLOCK, cipherEnd));
  const macLength = suite.encryptThenMac ? 0 : suite.tagLength;
  const padding = paddingOf(plain, macLength);
  const length = cipherLength - macLength - (padding < 0 ? 0 : padding);
  if (suite.encryptThenMac) {
    return padding < 0 ? undefined : new Uint8Array(plain.buffer, plain.byteOffset, length);
  }
  const covered = additionalView(fillAdditional(bytes, at, cidLength, length));
  const mac = hmac(suite.hash, keys.mac, covered, plain.subarray(0, length));
  evenOut(suite, keys, covered.length, length, cipherLength - macLength);
  const fits = equalInConstantTime(mac, plain.subarray(length, length + macLength));
  if (!fits || padding < 0) return undefined;
  return new Uint8Array(plain.buffer, plain.byteOffset, length);
}

/** Bytes of padding with its length byte, -1 when wrong; looks at as many bytes either way. */
function paddingOf(plain: Uint8Array, macLength: number): number {
  const end = plain.length;
  const value = plain[end - 1] as number;
  const most = Math.min(LONGEST_PADDING, end - macLength);
  let wrong = value + 1 > most ? 1 : 0;
  for (let i = 1; i <= most; i += 1) {
    // All ones where the byte belongs to the padding.
    const mask = (i - value - 2) >> 31;
    wrong |= ((plain[end - i] as number) ^ value) & mask;
  }
  return wrong === 0 ? value + 1 : -1;
}

/** Hashes what the longest content would have taken more, so that the padding does not show in the time. */
function evenOut(suite: Suite, keys: DirectionKeys, covered: number, length: number, longest: number): void {
  const more = hashBlocks(covered + longest) - hashBlocks(covered + length);
  hmac(suite.hash, keys.mac, ballast.subarray(0, more * HASH_BLOCK));
}

/** Blocks of SHA-256 that a message takes with its own padding. */
function hashBlocks(length: number): number {
  return (length + 9 + HASH_BLOCK - 1) >>> 6;
}
