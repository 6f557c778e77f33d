// The synchronous primitives that more than one package computes with. Nothing here chooses: names, lengths and
// nonces are the caller's. What a peer forged is `undefined`, never an exception.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hash as hashOnce,
  hkdfSync,
  timingSafeEqual,
} from 'node:crypto';

export type HashName = 'sha256' | 'sha384' | 'sha512';

/** Bytes of a block and of a digest (FIPS 180-4 §1). */
const hashSizes = {
  sha256: { block: 64, digest: 32 },
  sha384: { block: 128, digest: 48 },
  sha512: { block: 128, digest: 64 },
} as const;

/** Messages up to this are hashed in place; longer ones are worth an object of their own. */
const SHORT_MESSAGE = 1024;
const inner: Buffer = Buffer.alloc(SHORT_MESSAGE);
const outer: Buffer = Buffer.alloc(hashSizes.sha512.block + hashSizes.sha512.digest);

/**
 * HMAC (RFC 2104) over the parts as one message. Short ones are made of two plain hashes: half the time of an HMAC
 * object, which is a native handle that the collector has to see to.
 */
export function hmac(hash: HashName, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const { block, digest } = hashSizes[hash];
  let length: number = block;
  for (const part of parts) length += part.length;
  if (length > SHORT_MESSAGE || key.length > block) return longHmac(hash, key, parts);
  for (let i = 0; i < block; i += 1) {
    const byte = i < key.length ? (key[i] as number) : 0;
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  let at: number = block;
  for (const part of parts) {
    inner.set(part, at);
    at += part.length;
  }
  // As text of one byte per letter, which is cheaper to hand over than a Buffer.
  outer.write(hashOnce(hash, inner.subarray(0, length), 'binary'), block, digest, 'latin1');
  const mac = hashOnce(hash, outer.subarray(0, block + digest), 'buffer');
  inner.fill(0, 0, length);
  outer.fill(0, 0, block + digest);
  return new Uint8Array(mac.buffer, mac.byteOffset, mac.byteLength);
}

function longHmac(hash: HashName, key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac(hash, key);
  for (const part of parts) mac.update(part);
  return new Uint8Array(mac.digest());
}

export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return hmac('sha256', key, ...parts);
}

/** HKDF, extract and expand (RFC 5869 §2): `length` bytes, at most 255 times those of the hash; `info` has at most 1,024. */
export function hkdf(
  hash: HashName,
  secret: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  return new Uint8Array(hkdfSync(hash, secret, salt, info, length));
}

/** For protocols that name it as a checksum (RFC 6455 §1.3), never for security. */
export function sha1(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha1').update(bytes).digest());
}

/** Takes the same time for every content; unequal lengths are unequal at once. */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Ciphers that encrypt and authenticate; keys of 16 or 32 bytes as the name says. */
export type AeadName = 'aes-128-ccm' | 'aes-256-ccm' | 'aes-128-gcm' | 'aes-256-gcm';

/**
 * Encrypts `plaintext` and writes it with its tag to `out` from `at`; returns the end. `plaintext` may be a view of
 * the place it is written to. `tagLength` in bytes.
 */
export function sealAead(
  name: AeadName,
  key: Uint8Array,
  nonce: Uint8Array,
  additional: Uint8Array,
  plaintext: Uint8Array,
  tagLength: number,
  out: Uint8Array,
  at: number,
): number {
  // The overloads know CCM and GCM apart; both take both options.
  const cipher = createCipheriv(name as 'aes-128-ccm', key, nonce, { authTagLength: tagLength });
  cipher.setAAD(additional, { plaintextLength: plaintext.length });
  out.set(cipher.update(plaintext), at);
  cipher.final();
  const tagAt = at + plaintext.length;
  out.set(cipher.getAuthTag(), tagAt);
  return tagAt + tagLength;
}

/** Decrypts ciphertext followed by its tag; undefined when the tag does not fit. */
export function openAead(
  name: AeadName,
  key: Uint8Array,
  nonce: Uint8Array,
  additional: Uint8Array,
  sealed: Uint8Array,
  tagLength: number,
): Uint8Array | undefined {
  const length = sealed.length - tagLength;
  if (length < 0) return undefined;
  const decipher = createDecipheriv(name as 'aes-128-ccm', key, nonce, { authTagLength: tagLength });
  decipher.setAuthTag(sealed.subarray(length));
  decipher.setAAD(additional, { plaintextLength: length });
  // Also for no bytes at all: CCM checks the tag in update(), and final() alone takes any.
  const plaintext = decipher.update(sealed.subarray(0, length));
  // CCM gives nothing for a wrong tag, which saves the exception.
  if (plaintext.length !== length) return undefined;
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return new Uint8Array(plaintext.buffer, plaintext.byteOffset, length);
}

/** AES-CBC without padding: `data` is a multiple of 16 bytes. The key's length chooses AES-128 or AES-256. */
export function encryptCbc(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  const cipher = createCipheriv(key.length === 16 ? 'aes-128-cbc' : 'aes-256-cbc', key, iv);
  cipher.setAutoPadding(false);
  return cipher.update(data);
}

/** As `encryptCbc`. */
export function decryptCbc(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  const decipher = createDecipheriv(key.length === 16 ? 'aes-128-cbc' : 'aes-256-cbc', key, iv);
  decipher.setAutoPadding(false);
  return decipher.update(data);
}

/** A cipher that lives as long as its key: one costs 3 µs to make, a call 0.5 µs. It holds native memory. */
export interface KeptCipher {
  /** Encrypts a multiple of 16 bytes into memory of its own. */
  update(blocks: Uint8Array): Uint8Array;
}

/** AES-128, each block by itself. */
export function keepEcb(key: Uint8Array): KeptCipher {
  return createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
}

/** AES-128, chained from an all-zero block on and through all calls. */
export function keepCbc(key: Uint8Array): KeptCipher {
  return createCipheriv('aes-128-cbc', key, new Uint8Array(16)).setAutoPadding(false);
}
