// AES-128-CCM (RFC 3610) out of two ciphers that live as long as their key, ECB for the key stream and CBC for the
// MAC: bit for bit what a one-shot cipher gives, at a third of its cost for short records.
import { type KeptCipher, keepCbc, keepEcb } from '@lapwing/kernel';

const BLOCK = 16;
/** Longest message in bytes that is worth a kept cipher; for a longer one a one-shot cipher is as fast. */
export const LONGEST_KEPT = 256;
/** As much as a connection id of 255 bytes gives (RFC 9146 §5.3). */
const LONGEST_ADDITIONAL = 278;

/** Counter blocks A0 to An: flags, nonce, counter. Only the nonce changes. */
const counters = new Uint8Array(BLOCK + LONGEST_KEPT);
for (let at = 0; at < counters.length; at += BLOCK) {
  counters[at] = 2;
  counters[at + 15] = at / BLOCK;
}
/** What is chained: B0, additional data, message, each padded with zeros. */
const chained = new Uint8Array(BLOCK + roundUp(2 + LONGEST_ADDITIONAL) + LONGEST_KEPT);
// Views by their number of blocks, for making one costs as much as using it.
const counterViews: Uint8Array[] = [];
for (let n = 0; n * BLOCK <= counters.length; n += 1) counterViews.push(counters.subarray(0, n * BLOCK));
const chainedViews: Uint8Array[] = [];
for (let n = 0; n * BLOCK <= chained.length; n += 1) chainedViews.push(chained.subarray(0, n * BLOCK));

function roundUp(length: number): number {
  return (length + BLOCK - 1) & -BLOCK;
}

/** CCM with nonces of 12 bytes under one key. */
export class KeptCcm {
  private readonly stream: KeptCipher;
  private readonly chain: KeptCipher;
  private readonly tagLength: number;
  private readonly flags: number;
  /** The last block that `chain` gave: added to the next first block, it starts a fresh chain. */
  private readonly last = new Uint8Array(BLOCK);

  /** `key` has 16 bytes, the tag 8 or 16. */
  constructor(key: Uint8Array, tagLength: number) {
    this.stream = keepEcb(key);
    this.chain = keepCbc(key);
    this.tagLength = tagLength;
    this.flags = 0x40 | ((tagLength - 2) << 2) | 2;
  }

  /**
   * Encrypts `length` bytes of `bytes` from `at` where they are and writes the tag behind them. At most
   * `LONGEST_KEPT` bytes, and 1 to 278 bytes of additional data.
   */
  seal(
    nonce: Uint8Array,
    additional: Uint8Array,
    additionalLength: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    const stream = this.keyStream(nonce, length);
    let to = this.begin(nonce, additional, additionalLength, length);
    for (let i = 0; i < length; i += 1, to += 1) {
      const byte = bytes[at + i] as number;
      chained[to] = byte;
      bytes[at + i] = byte ^ (stream[BLOCK + i] as number);
    }
    this.finish(to);
    const last = this.last;
    const tagAt = at + length;
    for (let i = 0; i < this.tagLength; i += 1) bytes[tagAt + i] = (last[i] as number) ^ (stream[i] as number);
  }

  /** Decrypts `length` bytes from `at`, followed by the tag, into memory of its own; undefined when forged. */
  open(
    nonce: Uint8Array,
    additional: Uint8Array,
    additionalLength: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): Uint8Array | undefined {
    // The key stream is fresh memory: the message takes its place.
    const stream = this.keyStream(nonce, length);
    let to = this.begin(nonce, additional, additionalLength, length);
    for (let i = 0; i < length; i += 1, to += 1) {
      const byte = (bytes[at + i] as number) ^ (stream[BLOCK + i] as number);
      chained[to] = byte;
      stream[BLOCK + i] = byte;
    }
    this.finish(to);
    const last = this.last;
    const tagAt = at + length;
    let difference = 0;
    for (let i = 0; i < this.tagLength; i += 1) {
      difference |= (last[i] as number) ^ (stream[i] as number) ^ (bytes[tagAt + i] as number);
    }
    if (difference !== 0) return undefined;
    return new Uint8Array(stream.buffer, stream.byteOffset + BLOCK, length);
  }

  /** The encrypted counter blocks: the first hides the tag, the others the message. */
  private keyStream(nonce: Uint8Array, length: number): Uint8Array {
    const blocks = 1 + (roundUp(length) >>> 4);
    for (let block = 0, at = 1; block < blocks; block += 1, at += BLOCK) {
      for (let i = 0; i < 12; i += 1) counters[at + i] = nonce[i] as number;
    }
    return this.stream.update(counterViews[blocks] as Uint8Array);
  }

  /** Writes B0 and the additional data to `chained`; returns where the message follows. */
  private begin(nonce: Uint8Array, additional: Uint8Array, additionalLength: number, length: number): number {
    const last = this.last;
    chained[0] = this.flags ^ (last[0] as number);
    for (let i = 0; i < 12; i += 1) chained[1 + i] = (nonce[i] as number) ^ (last[1 + i] as number);
    chained[13] = last[13] as number;
    chained[14] = (length >>> 8) ^ (last[14] as number);
    chained[15] = length ^ (last[15] as number);
    chained[16] = additionalLength >>> 8;
    chained[17] = additionalLength;
    let to = 18;
    for (let i = 0; i < additionalLength; i += 1, to += 1) chained[to] = additional[i] as number;
    while ((to & 15) !== 0) chained[to++] = 0;
    return to;
  }

  /** Pads the message that ends at `end` and puts the MAC into `last`. */
  private finish(end: number): void {
    let to = end;
    while ((to & 15) !== 0) chained[to++] = 0;
    const mac = this.chain.update(chainedViews[to >>> 4] as Uint8Array);
    const last = this.last;
    for (let i = 0, from = to - BLOCK; i < BLOCK; i += 1, from += 1) last[i] = mac[from] as number;
  }
}
