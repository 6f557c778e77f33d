// Bytes of a connection to PDUs (SMPP 3.4 §3.2): each says first how long it is. Keeps one at most, and of no length but those a PDU can
// have; after one that cannot be nobody knows where the next begins, and nothing more is heard.
import { Reader } from '@lapwing/kernel';
import { headerLength, longestPdu } from './pdu.ts';

export type Heard =
  /** A PDU as long as it says; a view. */
  | { readonly kind: 'pdu'; readonly bytes: Uint8Array }
  /** A command_length that no PDU has. */
  | { readonly kind: 'broken'; readonly length: number };

const LENGTH = 4;

export class Frames {
  private readonly start = new Uint8Array(LENGTH);
  /** Octets of `start`, or of `pdu` where there is one. */
  private used = 0;
  private pdu: Uint8Array | undefined;
  private isBroken = false;

  /** Octets that are kept of a PDU that is not whole. */
  get held(): number {
    return this.pdu?.length ?? this.used;
  }

  /** What has become whole, in order. */
  push(bytes: Uint8Array): readonly Heard[] {
    const heard: Heard[] = [];
    for (let at = 0; at < bytes.length && !this.isBroken; ) {
      const left = bytes.length - at;
      // What came whole is not copied.
      const length = this.held === 0 && left >= LENGTH ? lengthOf(bytes, at) : undefined;
      if (length !== undefined && isPossible(length) && length <= left) {
        heard.push({ kind: 'pdu', bytes: bytes.subarray(at, at + length) });
        at += length;
      } else at += this.keep(bytes.subarray(at), heard);
    }
    return heard;
  }

  /** The octets that it took. */
  private keep(bytes: Uint8Array, heard: Heard[]): number {
    const into = this.pdu ?? this.start;
    const taken = Math.min(into.length - this.used, bytes.length);
    into.set(bytes.subarray(0, taken), this.used);
    this.used += taken;
    if (this.used < into.length) return taken;
    if (this.pdu === undefined) this.begin(lengthOf(this.start, 0), heard);
    else {
      heard.push({ kind: 'pdu', bytes: this.pdu });
      this.pdu = undefined;
      this.used = 0;
    }
    return taken;
  }

  private begin(length: number, heard: Heard[]): void {
    if (!isPossible(length)) {
      this.isBroken = true;
      this.used = 0;
      heard.push({ kind: 'broken', length });
      return;
    }
    this.pdu = new Uint8Array(length);
    this.pdu.set(this.start);
  }
}

const isPossible = (length: number): boolean => length >= headerLength && length <= longestPdu;

const lengthOf = (bytes: Uint8Array, at: number): number => new Reader(bytes.subarray(at, at + LENGTH)).u32();
