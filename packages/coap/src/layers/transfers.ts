// Bodies under way, with the limits that keep a peer from choosing our memory: so many per peer, so many in all,
// so many bytes in all, each dropped when nothing happens for a while. State only: time comes as an argument.
import type { Duration, Instant, Peer } from '@lapwing/kernel';

export interface TransferLimits {
  /** Default 4. */
  readonly perPeer: number;
  /** Default 1,024. */
  readonly total: number;
  /** Of all bodies together; a body held by several transfers counts once. Default 16 MiB. */
  readonly bytes: number;
  /** Without a block from a peer that has not authenticated itself; default 60 s. */
  readonly idle: Duration;
  /** Without a block from one that has; default 300 s. */
  readonly idleAuthenticated: Duration;
}

/** What is held; the table keeps it until it is deleted, expires or has to make room. */
export interface Transfer {
  /** Called when it is dropped, by expiry or to make room. */
  readonly dropped: (() => void) | undefined;
}

interface Held {
  readonly key: string;
  readonly peerKey: string;
  readonly transfer: Transfer;
  /** Where equal memory is known from; of a body of its own: the entry itself. */
  readonly memory: object;
  due: Instant;
}

interface Tables {
  readonly strangers: Map<string, Held>;
  readonly known: Map<string, Held>;
  readonly ofPeer: Map<string, string[]>;
  readonly memory: Map<object, { holders: number; bytes: number }>;
}

/** Idle times are kept to this part of them: to move an entry for each block would cost more than the block. */
const NEAR = 32;

export class TransferTable {
  private readonly limits: TransferLimits;
  /** Made with the first transfer, which most devices never see. */
  private tables: Tables | undefined = undefined;
  private used = 0;
  private readonly tally = { expired: 0, evicted: 0, refused: 0 };

  constructor(limits: TransferLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.tables === undefined ? 0 : this.strangers.size + this.known.size;
  }

  get bytes(): number {
    return this.used;
  }

  counters(): { readonly expired: number; readonly evicted: number; readonly refused: number } {
    return { ...this.tally };
  }

  get(key: string): Transfer | undefined {
    return this.find(key)?.transfer;
  }

  /** Starts its idle time anew, give or take a thirty-second part of it. */
  touch(key: string, now: Instant): void {
    const stranger = this.strangers.get(key);
    const held = stranger ?? this.known.get(key);
    if (held === undefined) return;
    const idle = stranger === undefined ? this.limits.idleAuthenticated : this.limits.idle;
    if (now + idle - held.due < idle / NEAR) return;
    held.due = now + idle;
    const map = stranger === undefined ? this.known : this.strangers;
    map.delete(held.key);
    map.set(held.key, held);
  }

  /**
   * Holds a transfer under a key, in place of another one of that key. Others make room: of the same peer the one
   * longest unused, else the stranger longest unused; only for an authenticated peer an authenticated one.
   * False when there is no room. `memory` tells that bodies are the same bytes.
   */
  put(key: string, peer: Peer, transfer: Transfer, bytes: number, now: Instant, memory?: object): boolean {
    this.delete(key);
    const authenticated = peer.identity.kind !== 'none';
    const mine = this.ofPeer.get(peer.key) ?? [];
    if (mine.length >= this.limits.perPeer) this.evict(this.leastRecent(mine));
    if (this.size >= this.limits.total && !this.evictOldest(authenticated, key)) return this.refuse();
    const due = now + (authenticated ? this.limits.idleAuthenticated : this.limits.idle);
    const held: Held = { key, peerKey: peer.key, transfer, memory: memory ?? {}, due };
    (authenticated ? this.known : this.strangers).set(key, held);
    const keys = this.ofPeer.get(peer.key);
    if (keys === undefined) this.ofPeer.set(peer.key, [key]);
    else keys.push(key);
    const shared = this.memory.get(held.memory);
    if (shared === undefined) this.memory.set(held.memory, { holders: 1, bytes: 0 });
    else shared.holders += 1;
    return this.resize(key, Math.max(bytes, shared?.bytes ?? 0)) || this.refuse();
  }

  /** The body takes that many bytes now. False when there is no room: the transfer is gone then. */
  resize(key: string, bytes: number): boolean {
    const held = this.find(key);
    const memory = held === undefined ? undefined : this.memory.get(held.memory);
    if (memory === undefined) return false;
    const more = bytes - memory.bytes;
    while (this.used + more > this.limits.bytes) {
      if (bytes > this.limits.bytes || !this.evictOldest(this.known.has(key), key)) {
        this.delete(key);
        return false;
      }
    }
    this.used += more;
    memory.bytes = bytes;
    return true;
  }

  delete(key: string): Transfer | undefined {
    const held = this.find(key);
    if (held === undefined) return undefined;
    this.strangers.delete(key);
    this.known.delete(key);
    const keys = (this.ofPeer.get(held.peerKey) ?? []).filter((each) => each !== key);
    if (keys.length === 0) this.ofPeer.delete(held.peerKey);
    else this.ofPeer.set(held.peerKey, keys);
    const memory = this.memory.get(held.memory);
    if (memory !== undefined) {
      memory.holders -= 1;
      if (memory.holders === 0) {
        this.memory.delete(held.memory);
        this.used -= memory.bytes;
      }
    }
    return held.transfer;
  }

  get deadline(): Instant | undefined {
    let earliest: Instant | undefined;
    if (this.tables === undefined) return earliest;
    for (const map of this.classes()) {
      for (const held of map.values()) {
        if (earliest === undefined || held.due < earliest) earliest = held.due;
        break;
      }
    }
    return earliest;
  }

  /** Drops what has been idle for too long. */
  expire(now: Instant): void {
    for (const map of this.classes()) {
      for (const held of map.values()) {
        if (held.due > now) break;
        this.tally.expired += 1;
        this.delete(held.key);
        held.transfer.dropped?.();
      }
    }
  }

  clear(): void {
    if (this.tables === undefined) return;
    for (const map of this.classes()) {
      for (const held of [...map.values()]) {
        this.delete(held.key);
        held.transfer.dropped?.();
      }
    }
  }

  /** In order of last use, which is the order of expiry. */
  private get strangers(): Map<string, Held> {
    return this.made.strangers;
  }

  private get known(): Map<string, Held> {
    return this.made.known;
  }

  private get ofPeer(): Map<string, string[]> {
    return this.made.ofPeer;
  }

  private get memory(): Tables['memory'] {
    return this.made.memory;
  }

  private get made(): Tables {
    this.tables ??= { strangers: new Map(), known: new Map(), ofPeer: new Map(), memory: new Map() };
    return this.tables;
  }

  private find(key: string): Held | undefined {
    return this.strangers.get(key) ?? this.known.get(key);
  }

  private classes(): readonly Map<string, Held>[] {
    return [this.strangers, this.known];
  }

  private leastRecent(keys: readonly string[]): string {
    return keys.reduce((a, b) => ((this.find(b)?.due ?? 0) < (this.find(a)?.due ?? 0) ? b : a));
  }

  private evictOldest(alsoKnown: boolean, except: string): boolean {
    for (const map of alsoKnown ? this.classes() : [this.strangers]) {
      for (const key of map.keys()) {
        if (key === except) continue;
        this.evict(key);
        return true;
      }
    }
    return false;
  }

  private evict(key: string): void {
    this.tally.evicted += 1;
    this.delete(key)?.dropped?.();
  }

  private refuse(): false {
    this.tally.refused += 1;
    return false;
  }
}
