// In which order places of a table were used, in two numbers each: a list through typed arrays, so that a hundred thousand
// quiet associations cost nothing to keep in order and the one that was quiet longest is found at once.

const NONE = -1;

export class Recency {
  private older = new Int32Array(0);
  private newer = new Int32Array(0);
  private oldest = NONE;
  private newest = NONE;

  /** The place that was used longest ago; undefined when there is none. */
  get first(): number | undefined {
    return this.oldest === NONE ? undefined : this.oldest;
  }

  /** Adds a place that is not in the list as the newest. */
  add(place: number): void {
    if (place >= this.older.length) this.grow(place + 1);
    this.older[place] = this.newest;
    this.newer[place] = NONE;
    if (this.newest === NONE) this.oldest = place;
    else this.newer[this.newest] = place;
    this.newest = place;
  }

  remove(place: number): void {
    const older = this.older[place] as number;
    const newer = this.newer[place] as number;
    if (older === NONE) this.oldest = newer;
    else this.newer[older] = newer;
    if (newer === NONE) this.newest = older;
    else this.older[newer] = older;
  }

  /** Makes a place of the list its newest. */
  touch(place: number): void {
    if (this.newest === place) return;
    this.remove(place);
    this.add(place);
  }

  /** From the one that was used longest ago; the one at hand may be removed meanwhile. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (let place = this.oldest; place !== NONE; ) {
      const next = this.newer[place] as number;
      yield place;
      place = next;
    }
  }

  private grow(size: number): void {
    const length = Math.max(256, size + (size >> 2));
    const older = new Int32Array(length);
    const newer = new Int32Array(length);
    older.set(this.older);
    newer.set(this.newer);
    this.older = older;
    this.newer = newer;
  }
}
