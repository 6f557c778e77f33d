// The synchronous primitives that more than one package computes with. Nothing here chooses: names, lengths and
// nonces are the caller's. What a peer forged is `undefined`, never an exception.
import { createCipheriv, createDecipheriv, createHash, hash as hashOnce, hkdfSync, timingSafeEqual } from 'node:crypto';

export type HashName = 'sha256' | 'sha384' | 'sha512';

/** Bytes of a block and of a digest (FIPS 180-4 §1). */
const hashSizes = {
  sha256: { block: 64, digest: 32 },
  sha384: { block: 128, digest: 48 },
  sha512: { block: 128, digest: 64 },
} as const;

/** The first `length` bytes of a hash, written to `out` from `at`. As text of one byte per letter it costs less than half of a Buffer. */
function hashInto(hash: HashName, bytes: Uint8Array, out: Uint8Array, at: number, length: number): void {
  const text = hashOnce(hash, bytes, 'binary');
  for (let i = 0; i < length; i += 1) out[at + i] = text.charCodeAt(i);
}

/** SHA-2. */
export function digest(hash: HashName, bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(hashSizes[hash].digest);
  hashInto(hash, bytes, out, 0, out.length);
  return out;
}

/** SHA-256 of what comes in pieces; holds none of them. */
export class RunningHash {
  private readonly hash = createHash('sha256');

  add(piece: Uint8Array): void {
    this.hash.update(piece);
  }

  /** Of everything so far; nothing can be added afterwards. */
  finish(): Uint8Array {
    return new Uint8Array(this.hash.digest());
  }
}

/** Messages up to this are put together in memory that is kept; a longer one takes some of its own. */
const SHORT_MESSAGE = 1024;

/**
 * HMAC (RFC 2104) under one key after the other, each for as many messages as there are. Made of plain hashes: a third of
 * the time of the runtime's HMAC object, which is a native handle that the collector has to see to.
 */
export class Hmac {
  private readonly hash: HashName;
  private readonly block: number;
  /** Of a code, in bytes. */
  readonly length: number;
  /** The key under the inner pad, then a message. */
  private readonly inner: Uint8Array;
  /** The key under the outer pad, then the hash of the above. */
  private readonly outer: Uint8Array;
  /** Of `inner`, by the length of the message: lengths come again and again, and a view costs a quarter of its hash. */
  private readonly views: (Uint8Array | undefined)[] = [];
  /** Where the message stands: `inner`, or memory of its own with the padded key in it. */
  private message: Uint8Array;
  private end: number;
  private used = 0;

  constructor(hash: HashName, key?: Uint8Array) {
    const { block, digest: length } = hashSizes[hash];
    this.hash = hash;
    this.block = block;
    this.length = length;
    this.inner = new Uint8Array(block + SHORT_MESSAGE);
    this.outer = new Uint8Array(block + length);
    this.message = this.inner;
    this.end = block;
    if (key !== undefined) this.use(key);
  }

  /** What follows is under this key. */
  use(key: Uint8Array): this {
    const { block, inner, outer } = this;
    const short = key.length > block ? digest(this.hash, key) : key;
    for (let i = 0; i < block; i += 1) {
      const byte = i < short.length ? (short[i] as number) : 0;
      inner[i] = byte ^ 0x36;
      outer[i] = byte ^ 0x5c;
    }
    this.used = Math.max(this.used, block);
    return this;
  }

  /** The code of the parts as one message. */
  of(...parts: readonly Uint8Array[]): Uint8Array {
    const code = new Uint8Array(this.length);
    for (const part of parts) this.add(part);
    this.finish(code, 0, this.length);
    return code;
  }

  /** What stands in `bytes` from `from` to `to` is the next of the message. */
  add(bytes: Uint8Array, from = 0, to = bytes.length): this {
    const end = this.end + to - from;
    if (end > this.message.length) this.grow(end);
    const { message } = this;
    // A short loop costs less than a view to copy from.
    if (from === 0 && to === bytes.length) message.set(bytes, this.end);
    else for (let i = from, at = this.end; i < to; i += 1, at += 1) message[at] = bytes[i] as number;
    this.end = end;
    return this;
  }

  /** The first `length` bytes of the code of what was added, written to `out` from `at`. The next message begins. */
  finish(out: Uint8Array, at: number, length: number): void {
    const { hash, block, outer } = this;
    this.hashInner(outer, block, this.length);
    hashInto(hash, outer, out, at, length);
  }

  /**
   * No HMAC but half of one: `length` bytes of the hash of padded key and message, for tokens that only their maker checks, at half
   * the cost. No more than half of the hash is given, since whoever had all of it could go on from there to a longer message.
   */
  finishHalf(out: Uint8Array, at: number, length: number): void {
    if (length * 2 > this.length) throw new RangeError(`${length} of ${this.length} bytes are more than half`);
    this.hashInner(out, at, length);
  }

  private hashInner(out: Uint8Array, at: number, length: number): void {
    const { hash, block, inner, message, end } = this;
    const isShort = message === inner;
    if (isShort && end > this.used) this.used = end;
    hashInto(hash, isShort ? this.view(end) : message.subarray(0, end), out, at, length);
    if (!isShort) {
      message.fill(0);
      this.message = inner;
    }
    this.end = block;
  }

  /** Overwrites key and messages. */
  erase(): void {
    this.inner.fill(0, 0, this.used);
    this.outer.fill(0);
    this.used = 0;
  }

  private view(end: number): Uint8Array {
    const { views, block } = this;
    const known = views[end - block];
    if (known !== undefined) return known;
    while (views.length < end - block) views.push(undefined);
    const view = this.inner.subarray(0, end);
    views[end - block] = view;
    return view;
  }

  private grow(end: number): void {
    const { message } = this;
    const longer = new Uint8Array(Math.max(end, 2 * message.length));
    longer.set(message.subarray(0, this.end));
    if (message === this.inner) this.used = Math.max(this.used, this.end);
    else message.fill(0);
    this.message = longer;
  }
}

const hmacs: Readonly<Record<HashName, Hmac>> = {
  sha256: new Hmac('sha256'),
  sha384: new Hmac('sha384'),
  sha512: new Hmac('sha512'),
};

/** HMAC over the parts as one message. For several under one key, `Hmac` costs less. */
export function hmac(hash: HashName, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const one = hmacs[hash].use(key);
  const code = one.of(...parts);
  one.erase();
  return code;
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
  return new Uint8Array(hashOnce('sha1', bytes, 'buffer'));
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
  // Views of plain bytes: of a Buffer they would be Buffers, which cost three times as much.
  const { buffer, byteOffset } = sealed;
  decipher.setAuthTag(new Uint8Array(buffer, byteOffset + length, tagLength));
  decipher.setAAD(additional, { plaintextLength: length });
  // Also for no bytes at all: CCM checks the tag in update(), and final() alone takes any.
  const plaintext = decipher.update(new Uint8Array(buffer, byteOffset, length));
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
