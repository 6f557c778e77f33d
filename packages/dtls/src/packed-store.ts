// The bytes of established associations by their place in the table.
import { Slab } from './slab.ts';

const NONE = -1;

export class PackedStore {
  private readonly slab = new Slab();
  private pieces = new Int32Array(256).fill(NONE);

  /** Of all blocks of memory. */
  get bytes(): number {
    return this.slab.bytes;
  }

  has(place: number): boolean {
    return place < this.pieces.length && this.pieces[place] !== NONE;
  }

  /** Where the bytes of `place` are: in this block, from `offset`. They do not move before the next `put`. */
  block(place: number): Uint8Array {
    return this.slab.block(this.pieces[place] as number);
  }

  offset(place: number): number {
    return this.slab.offset(this.pieces[place] as number);
  }

  /** A copy of `bytes`, at most `LONGEST_PIECE`, in the place of what was there. */
  put(place: number, bytes: Uint8Array): void {
    this.delete(place);
    if (place >= this.pieces.length) {
      const larger = new Int32Array(place + 1 + (place >> 2)).fill(NONE);
      larger.set(this.pieces);
      this.pieces = larger;
    }
    const piece = this.slab.take(bytes.length);
    this.slab.block(piece).set(bytes, this.slab.offset(piece));
    this.pieces[place] = piece;
  }

  /** Overwrites them. */
  delete(place: number): void {
    if (!this.has(place)) return;
    this.slab.free(this.pieces[place] as number);
    this.pieces[place] = NONE;
  }
}
