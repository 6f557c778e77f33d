// Room for many short pieces of bytes, cut from large blocks: 100,000 byte arrays of their own would cost five times what
// is in them. A piece is named by a number; what it holds says how long it is. Freed pieces are overwritten with zeros.

const GRAIN = 16;
const BLOCK = 65_536;
/** Longest piece in bytes. */
export const LONGEST_PIECE = 1024;
const CLASSES = LONGEST_PIECE / GRAIN;

interface SizeClass {
  readonly size: number;
  readonly perBlock: number;
  readonly blocks: Uint8Array[];
  readonly free: number[];
  used: number;
}

export class Slab {
  private readonly classes: (SizeClass | undefined)[] = new Array<SizeClass | undefined>(CLASSES).fill(undefined);
  private blocks = 0;

  /** Bytes of all blocks. */
  get bytes(): number {
    return this.blocks * BLOCK;
  }

  /** A piece of at least `length` bytes, 1 to 1,024; all zeros. */
  take(length: number): number {
    if (!(length >= 1 && length <= LONGEST_PIECE)) throw new RangeError(`a piece of ${length} bytes`);
    const index = (length - 1) >> 4;
    const group = this.classAt(index);
    const slot = group.free.pop() ?? group.used;
    if (slot === group.used) {
      group.used += 1;
      if (slot >= group.blocks.length * group.perBlock) {
        group.blocks.push(new Uint8Array(BLOCK));
        this.blocks += 1;
      }
    }
    return slot * CLASSES + index;
  }

  /** The block that holds the piece; it starts at `offset`. */
  block(piece: number): Uint8Array {
    const group = this.classAt(piece % CLASSES);
    return group.blocks[Math.floor(Math.floor(piece / CLASSES) / group.perBlock)] as Uint8Array;
  }

  offset(piece: number): number {
    const group = this.classAt(piece % CLASSES);
    return (Math.floor(piece / CLASSES) % group.perBlock) * group.size;
  }

  /** Bytes that the piece has room for. */
  room(piece: number): number {
    return ((piece % CLASSES) + 1) * GRAIN;
  }

  free(piece: number): void {
    const at = this.offset(piece);
    this.block(piece).fill(0, at, at + this.room(piece));
    this.classAt(piece % CLASSES).free.push(Math.floor(piece / CLASSES));
  }

  private classAt(index: number): SizeClass {
    const known = this.classes[index];
    if (known !== undefined) return known;
    const size = (index + 1) * GRAIN;
    const fresh: SizeClass = { size, perBlock: Math.floor(BLOCK / size), blocks: [], free: [], used: 0 };
    this.classes[index] = fresh;
    return fresh;
  }
}
