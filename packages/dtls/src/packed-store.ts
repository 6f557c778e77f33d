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

  /** Where the bytes of `place` are: in this block, from `offset`. They do not move before the next `take`. */
  block(place: number): Uint8Array {
    return this.slab.block(this.pieces[place] as number);
  }

  offset(place: number): number {
    return this.slab.offset(this.pieces[place] as number);
  }

  /** Makes room for `length` bytes, at most `LONGEST_PIECE`, in the place of what was there; all zeros. */
  take(place: number, length: number): void {
    this.delete(place);
    if (place >= this.pieces.length) {
      const larger = new Int32Array(place + 1 + (place >> 2)).fill(NONE);
      larger.set(this.pieces);
      this.pieces = larger;
    }
    this.pieces[place] = this.slab.take(length);
  }

  /** Overwrites them. */
  delete(place: number): void {
    if (!this.has(place)) return;
    this.slab.free(this.pieces[place] as number);
    this.pieces[place] = NONE;
  }
}
