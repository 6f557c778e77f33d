// Cuts a stream of bytes into messages (RFC 8323 §3.2), or into frames (RFC 6455 §5.2): however it was cut on its way, they are
// the same. A length above the limit is refused on the header alone; of what is not whole no more is held than has come,
// twice over.
import { noBytes } from '@lapwing/kernel';
import { streamLength } from '../message/tcp.ts';
import { Malformed } from '../message/udp.ts';

/** Bytes of what begins at `from`, its header included; undefined as long as that is cut short at `end`. */
export type Measure = (bytes: Uint8Array, from: number, end: number) => number | Malformed | undefined;

export class Splitter {
  private readonly longest: number;
  private readonly measure: Measure;
  private store: Uint8Array = noBytes;
  private from = 0;
  private to = 0;
  /** The store is ours to write to, behind what it holds. */
  private owned = false;

  /** `longest` message in bytes, its header included. */
  constructor(longest: number, measure: Measure = streamLength) {
    this.longest = longest;
    this.measure = measure;
  }

  /** Bytes that have come and were not taken. */
  get held(): number {
    return this.to - this.from;
  }

  push(chunk: Uint8Array): void {
    const { held } = this;
    if (held === 0) {
      this.store = chunk;
      this.from = 0;
      this.to = chunk.length;
      this.owned = false;
      return;
    }
    const need = held + chunk.length;
    if (!this.owned || this.store.length - this.to < chunk.length) {
      const larger = new Uint8Array(need * 2);
      larger.set(this.store.subarray(this.from, this.to));
      this.store = larger;
      this.from = 0;
      this.to = held;
      this.owned = true;
    }
    this.store.set(chunk, this.to);
    this.to += chunk.length;
  }

  /** The next message that is whole, as a view that stays valid. Once there is a Malformed, the stream has no sense any more. */
  next(): Uint8Array | Malformed | undefined {
    const length = this.measure(this.store, this.from, this.to);
    if (length === undefined || length instanceof Malformed) return length;
    if (length > this.longest) return new Malformed(`message of ${length} bytes where ${this.longest} fit`, 0);
    if (length > this.held) return undefined;
    const message = this.store.subarray(this.from, this.from + length);
    this.from += length;
    return message;
  }
}
