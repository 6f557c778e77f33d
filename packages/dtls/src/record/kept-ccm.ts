// AES-128-CCM (RFC 3610) out of two ciphers that live as long as their key, ECB for the key stream and CBC for the
// MAC: bit for bit what a one-shot cipher gives, at less than a third of its cost for short records. A call costs
// more than its bytes, so the key stream is made for several records at once: the next nonces are mostly known.
import { type KeptCipher, keepCbc, keepEcb } from '@lapwing/kernel';

const BLOCK = 16;
/** Longest message in bytes that is worth a kept cipher; for a longer one a one-shot cipher is as fast. */
export const LONGEST_KEPT = 256;
/** As much as a connection id of 255 bytes gives (RFC 9146 §5.3). */
const LONGEST_ADDITIONAL = 278;
/** Blocks of key stream made in one call: six times as many as for one record cost a tenth more. */
const BLOCKS_AT_ONCE = 32;

/** Counter blocks: flags, nonce, counter (RFC 3610 §2.3). */
const counters = new Uint8Array(BLOCKS_AT_ONCE * BLOCK);
const counterWords = new DataView(counters.buffer);
for (let at = 0; at < counters.length; at += BLOCK) counters[at] = 2;
/**
 * What is chained: B0, additional data, message, each padded with zeros (RFC 3610 §2.2). After `open` the message can be
 * copied from here until the next call: to cut it first and to copy it then takes one array, and a short one.
 */
export const chained: Uint8Array = new Uint8Array(BLOCK + roundUp(2 + LONGEST_ADDITIONAL) + LONGEST_KEPT);
// Views by their number of blocks, for making one costs a tenth of using it.
const counterViews = viewsOf(counters);
const chainedViews = viewsOf(chained);

function viewsOf(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: 1 + bytes.length / BLOCK }, (_, blocks) => bytes.subarray(0, blocks * BLOCK));
}

function roundUp(length: number): number {
  return (length + BLOCK - 1) & -BLOCK;
}

/** Four bytes as a signed number. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

/** CCM with nonces of 12 bytes under one key. */
export class KeptCcm {
  private readonly ecb: KeptCipher;
  private readonly cbc: KeptCipher;
  private readonly tagLength: number;
  private readonly flags: number;
  /** The last block that `cbc` gave: added to the next first block, it starts a fresh chain. */
  private readonly last = new Uint8Array(BLOCK);
  /** Key stream for `ahead` nonces that count on from three words, each `reserved` blocks long. */
  private stream: Uint8Array = this.last;
  private ahead = 0;
  private reserved = 0;
  private first = 0;
  private second = 0;
  private third = 0;

  /** `key` has 16 bytes, the tag 8 or 16. */
  constructor(key: Uint8Array, tagLength: number) {
    this.ecb = keepEcb(key);
    this.cbc = keepCbc(key);
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
    const streamAt = this.streamFor(nonce, length);
    const stream = this.stream;
    let to = this.begin(nonce, additional, additionalLength, length);
    for (let i = 0, from = streamAt + BLOCK; i < length; i += 1, to += 1, from += 1) {
      const byte = bytes[at + i] as number;
      chained[to] = byte;
      bytes[at + i] = byte ^ (stream[from] as number);
    }
    this.finish(to);
    const last = this.last;
    const tagAt = at + length;
    for (let i = 0; i < this.tagLength; i += 1)
      bytes[tagAt + i] = (last[i] as number) ^ (stream[streamAt + i] as number);
  }

  /**
   * Decrypts `length` bytes from `at`, followed by the tag; returns where they are in `chained`, or -1 when they are
   * forged.
   */
  open(
    nonce: Uint8Array,
    additional: Uint8Array,
    additionalLength: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): number {
    const streamAt = this.streamFor(nonce, length);
    const stream = this.stream;
    const plainAt = this.begin(nonce, additional, additionalLength, length);
    for (let i = 0, from = streamAt + BLOCK; i < length; i += 1, from += 1) {
      chained[plainAt + i] = (bytes[at + i] as number) ^ (stream[from] as number);
    }
    this.finish(plainAt + length);
    const last = this.last;
    const tagAt = at + length;
    let difference = 0;
    for (let i = 0; i < this.tagLength; i += 1) {
      difference |= (last[i] as number) ^ (stream[streamAt + i] as number) ^ (bytes[tagAt + i] as number);
    }
    return difference === 0 ? plainAt : -1;
  }

  /** Where `stream` has the encrypted counter blocks of a nonce: the first hides the tag, the others the message. */
  private streamFor(nonce: Uint8Array, length: number): number {
    const blocks = 1 + (roundUp(length) >>> 4);
    const first = wordAt(nonce, 0);
    const second = wordAt(nonce, 4);
    const third = wordAt(nonce, 8);
    const steps = (third - this.third) >>> 0;
    if (steps < this.ahead && blocks <= this.reserved && first === this.first && second === this.second) {
      return steps * this.reserved * BLOCK;
    }
    this.first = first;
    this.second = second;
    this.third = third;
    if (blocks > this.reserved) this.reserved = blocks;
    this.lookAhead();
    return 0;
  }

  private lookAhead(): void {
    const { reserved, first, second, third } = this;
    const ahead = (BLOCKS_AT_ONCE / reserved) | 0;
    for (let step = 0, at = 0; step < ahead; step += 1) {
      for (let block = 0; block < reserved; block += 1, at += BLOCK) {
        counterWords.setInt32(at + 1, first);
        counterWords.setInt32(at + 5, second);
        counterWords.setInt32(at + 9, third + step);
        counters[at + 15] = block;
      }
    }
    this.ahead = ahead;
    this.stream = this.ecb.update(counterViews[ahead * reserved] as Uint8Array);
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
    const mac = this.cbc.update(chainedViews[to >>> 4] as Uint8Array);
    const last = this.last;
    for (let i = 0, from = to - BLOCK; i < BLOCK; i += 1, from += 1) last[i] = mac[from] as number;
  }
}
