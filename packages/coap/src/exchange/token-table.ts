// What is known by peer and token. A map of the runtime would do, but its entries come and go by the thousand: each time
// it has made room, the table it gave up refers to the next and to all that was in it, so that half of what is exchanged
// outlives its first collection. Here an item knows the next one in its bucket, and what goes leaves nothing behind.
import type { Peer } from '@lapwing/kernel';
import type { TokenKey } from './tokens.ts';

export interface Tokened<Item> {
  readonly peer: Peer;
  readonly token: TokenKey;
  /** Written by the table. */
  nextInBucket: Item | undefined;
}

/** A device asks one thing at a time. */
const FEWEST_BUCKETS = 2;

export class TokenTable<Item extends Tokened<Item>> implements Iterable<Item> {
  private buckets = empty<Item>(FEWEST_BUCKETS);
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Whether that token is in use with any peer. */
  has(token: TokenKey): boolean {
    return this.findAnywhere(token) !== undefined;
  }

  find(peer: Peer, token: TokenKey): Item | undefined {
    let item = this.buckets[bucketOf(token, this.buckets.length)];
    while (item !== undefined && !isNamed(item, peer, token)) item = item.nextInBucket;
    return item;
  }

  /** With that token, whoever its peer is. */
  findAnywhere(token: TokenKey): Item | undefined {
    let item = this.buckets[bucketOf(token, this.buckets.length)];
    while (item !== undefined && item.token !== token) item = item.nextInBucket;
    return item;
  }

  /** Takes the place of one with the same peer and token. */
  put(item: Item): void {
    this.remove(item.peer, item.token);
    if (this.count >= this.buckets.length) this.grow();
    this.link(item);
    this.count += 1;
  }

  remove(peer: Peer, token: TokenKey): void {
    const at = bucketOf(token, this.buckets.length);
    let before: Item | undefined;
    let item = this.buckets[at];
    while (item !== undefined && !isNamed(item, peer, token)) {
      before = item;
      item = item.nextInBucket;
    }
    if (item === undefined) return;
    if (before === undefined) this.buckets[at] = item.nextInBucket;
    else before.nextInBucket = item.nextInBucket;
    item.nextInBucket = undefined;
    this.count -= 1;
  }

  /** None may be put in meanwhile; the one that was given out last may be removed. */
  *[Symbol.iterator](): IterableIterator<Item> {
    for (let item of this.buckets) {
      while (item !== undefined) {
        const next: Item | undefined = item.nextInBucket;
        yield item;
        item = next;
      }
    }
  }

  private link(item: Item): void {
    const at = bucketOf(item.token, this.buckets.length);
    item.nextInBucket = this.buckets[at];
    this.buckets[at] = item;
  }

  private grow(): void {
    const items = [...this];
    this.buckets = empty<Item>(this.buckets.length * 2);
    for (const item of items) this.link(item);
  }
}

function empty<Item>(buckets: number): (Item | undefined)[] {
  return new Array<Item | undefined>(buckets).fill(undefined);
}

function isNamed<Item>(item: Tokened<Item>, peer: Peer, token: TokenKey): boolean {
  return item.token === token && (item.peer === peer || item.peer.key === peer.key);
}

/** Tokens are chosen here, at random as a rule: nobody can crowd a bucket. `buckets` is a power of two. */
function bucketOf(token: TokenKey, buckets: number): number {
  let hash = 0;
  for (let i = 0; i < token.length; i += 1) hash = (Math.imul(hash, 31) + token.charCodeAt(i)) | 0;
  return hash & (buckets - 1);
}
