// All messages of a handshake as if none had been fragmented (RFC 6347 §4.2.6): hashed for Finished and the extended master
// secret, signed as they are for CertificateVerify. They stand in one buffer until the handshake is over: hashing a few
// hundred bytes anew costs less than a running hash, each copy of which is a native object.
import { digest } from '@lapwing/kernel';
import { type HandshakeMessage, handshakeHeaderSize } from '../messages/handshake.ts';

/** Of the pseudo-random function of the chosen suite. */
export type TranscriptHash = 'sha256' | 'sha384';

/** What a handshake with a pre-shared key needs. */
const FIRST_SIZE = 512;
/** Transcripts are cut from blocks: eight of them at the cost of one. The last that is on its way keeps the block. */
const BLOCK = 8 * FIRST_SIZE;

let block: Uint8Array = new Uint8Array(0);
let cut = 0;

function firstSlab(): Uint8Array {
  if (cut === block.length) {
    block = new Uint8Array(BLOCK);
    cut = 0;
  }
  cut += FIRST_SIZE;
  return block.subarray(cut - FIRST_SIZE, cut);
}

export class Transcript {
  private slab: Uint8Array = firstSlab();
  private used = 0;

  /**
   * A message of either side; never HelloRequest, HelloVerifyRequest, or the hello before it (RFC 6347 §4.2.1). Returns where it
   * begins (see `from`). Throws RangeError for numbers that have no room.
   */
  add({ type, messageSeq, body }: HandshakeMessage): number {
    const { length } = body;
    if (messageSeq > 0xffff || length > 0xff_ffff) {
      throw new RangeError(`message ${messageSeq} of ${length} bytes has no room in a handshake header`);
    }
    const at = this.grow(handshakeHeaderSize + length);
    const { slab } = this;
    slab[at] = type;
    slab[at + 1] = slab[at + 9] = length >>> 16;
    slab[at + 2] = slab[at + 10] = length >>> 8;
    slab[at + 3] = slab[at + 11] = length;
    slab[at + 4] = messageSeq >>> 8;
    slab[at + 5] = messageSeq;
    slab[at + 6] = slab[at + 7] = slab[at + 8] = 0;
    slab.set(body, at + handshakeHeaderSize);
    return at;
  }

  /** The last message, header and body, as it stands here: nothing overwrites it. `at`: where it begins. */
  from(at: number): Uint8Array {
    return this.slab.subarray(at, this.used);
  }

  /** Of everything so far; more may follow. */
  digest(hash: TranscriptHash): Uint8Array {
    return digest(hash, this.bytes());
  }

  /** Everything so far, what CertificateVerify signs with a hash of its own (RFC 5246 §7.4.8): a view, good until more follows. */
  bytes(): Uint8Array {
    return this.slab.subarray(0, this.used);
  }

  /** Forgets everything: the hello that was answered by HelloVerifyRequest does not count. */
  restart(): void {
    this.used = 0;
    this.slab = firstSlab();
  }

  private grow(length: number): number {
    const at = this.used;
    this.used += length;
    if (this.used > this.slab.length) {
      const larger = new Uint8Array(Math.max(this.slab.length * 2, this.used));
      larger.set(this.slab.subarray(0, at));
      this.slab = larger;
    }
    return at;
  }
}
