// Contexts in use (RFC 8613 §3.1): keys with what changes about them, and the peers that they make of those of a
// transport.
import { type Address, type Identity, type Peer, type Random, toHex } from '@lapwing/kernel';
import { deriveContext, identityOf, type SecurityContext } from './context.ts';
import { OscoreError } from './errors.ts';
import { Offers } from './rederive.ts';
import type { ReplayWindow } from './replay.ts';
import type { SenderSequence } from './sequence.ts';
import type { ProvisionedContext } from './store.ts';

/** Keys, their sequence numbers and their window. */
export class Generation {
  readonly context: SecurityContext;
  readonly window: ReplayWindow;
  /** The kid context that names these keys. */
  readonly named: Uint8Array | undefined;
  /** Stands in requests; none is needed once the peer has shown that it knows. */
  kidContext: Uint8Array | undefined;
  /** What shows that a request was made after our restart (RFC 8613 Appendix B.1.2). */
  challenge: Uint8Array | undefined = undefined;
  /** The newest that was heard of the peer under these keys, be it a request or a notification; -1 for nothing. */
  newest = -1;
  private readonly sequence: SenderSequence;
  /** Gives the first number of a range that nobody else gets. */
  private readonly reserve: (() => Promise<number>) | undefined;
  private readonly stride: number;
  private refilling: Promise<void> | undefined = undefined;
  private waiting = 0;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: {
    readonly context: SecurityContext;
    readonly window: ReplayWindow;
    readonly kidContext: Uint8Array | undefined;
    readonly sequence: SenderSequence;
    readonly reserve?: () => Promise<number>;
    readonly stride?: number;
  }) {
    this.context = options.context;
    this.window = options.window;
    this.named = options.kidContext;
    this.kidContext = options.kidContext;
    this.sequence = options.sequence;
    this.reserve = options.reserve;
    this.stride = options.stride ?? 0;
  }

  /** A message of the peer has verified. */
  heard(sequence: number): void {
    if (sequence > this.newest) this.newest = sequence;
  }

  /** The next Sender Sequence Number, in the order of the calls. Throws or rejects with OscoreError when there is none. */
  next(): number | Promise<number> {
    if (this.waiting === 0) {
      const taken = this.take();
      if (taken !== 'empty') return taken;
    }
    this.waiting += 1;
    const mine = this.turn.then(() => this.takeReserved());
    this.turn = mine.then(
      () => this.served(),
      () => this.served(),
    );
    return mine;
  }

  private served(): void {
    this.waiting -= 1;
  }

  private async takeReserved(): Promise<number> {
    for (;;) {
      const taken = this.take();
      if (taken !== 'empty') return taken;
      await this.refill();
    }
  }

  private take(): number | 'empty' {
    const taken = this.sequence.take();
    // RFC 8613 §7.2.1: no more messages with these keys.
    if (taken === 'exhausted') throw new OscoreError('exhausted', 'the sequence numbers of the context are used up');
    // Ahead of need; where it fails, whoever needs it learns why.
    if (taken !== 'empty' && this.reserve !== undefined && this.sequence.isLow) this.refill().catch(() => undefined);
    return taken;
  }

  private refill(): Promise<void> {
    this.refilling ??= this.reserveMore().finally(() => {
      this.refilling = undefined;
    });
    return this.refilling;
  }

  private async reserveMore(): Promise<void> {
    if (this.reserve !== undefined) this.sequence.reserved(await this.reserve(), this.stride);
  }
}

/** One context that was provisioned, with the keys that are in use for it. */
export class LiveContext {
  readonly provisioned: ProvisionedContext;
  readonly base: SecurityContext;
  /** Keys are made anew at the start (RFC 8613 Appendix B.2). */
  readonly isRederived: boolean;
  /** Keys are made anew where the peer begins to. */
  readonly followsPeer: boolean;
  /** Of its peers: what they have proved, and who may continue what. */
  readonly identity: Identity;
  readonly key: string;
  /** The keys as provisioned, whose use is stored; none where they are never used. */
  stored: Generation | undefined = undefined;
  /** It was forgotten: whoever needs it finds it anew. */
  isGone = false;
  /** None before the first run of Appendix B.2. */
  current: Generation | undefined = undefined;
  /** Such a run of ours, while it lasts; never rejects. */
  running: Promise<void> | undefined = undefined;
  readonly offers: Offers;

  constructor(provisioned: ProvisionedContext, random: Random) {
    this.provisioned = provisioned;
    this.base = deriveContext(provisioned);
    const { recovery = 'stored' } = provisioned;
    this.isRederived = recovery === 'rederived';
    this.followsPeer = recovery !== 'stored';
    const id = identityOf(this.base.recipientId, this.base.idContext);
    this.identity = { kind: 'oscore', id };
    this.key = `oscore:${toHex(id)}`;
    this.offers = new Offers(random);
  }
}

/** Whoever has the keys of a context, wherever it is. */
export class ProtectedPeer implements Peer {
  readonly key: string;
  readonly identity: Identity;
  readonly below: Peer;
  readonly live: LiveContext;

  constructor(live: LiveContext, below: Peer) {
    this.key = live.key;
    this.identity = live.identity;
    this.below = below;
    this.live = live;
  }

  get address(): Address {
    return this.below.address;
  }
}
