// Core: one bootstrap after the other (Core 1.2.1 §6.1.4, §6.1.7).
//
//   idle ─start▶ held ─due▶ requesting ─answered·heard▶ provisioning ─finished▶ idle
//                 ▲            │ refused·failed              │ rejected·silent
//                 │            ▼                             ▼
//                 └───due─── waiting ◀────── effect abandon ─┘
//   held · waiting ─registered, when it was only a fallback▶ idle
//
// What a bootstrap has written is worth nothing until a server has taken a registration: each bootstrap without one makes the
// next wait longer, so that a configuration that never works costs a bootstrap a day and no more.
import { type Core, type Duration, hours, type Instant, minutes, type Random } from '@lapwing/kernel';
import type { EngineEvent } from '../engine-events.ts';

export type BootstrapPhase = 'idle' | 'held' | 'requesting' | 'provisioning' | 'waiting';

export type BootstrapFailure =
  /** The bootstrap server said no to the request. */
  | 'refused'
  /** No answer to the request, or no connection. */
  | 'unanswered'
  /** Nothing came for too long before Bootstrap-Finish. */
  | 'silent'
  /** What was there at Bootstrap-Finish makes no sense: 4.06. */
  | 'inconsistent';

export type BootstrapInput =
  /**
   * Something calls for a bootstrap; the account's hold-off time goes first (/0/x/11). A `fallback` is not needed any more once
   * every server has taken a registration after all.
   */
  | { readonly kind: 'start'; readonly holdOff: Duration; readonly cause: 'fallback' | 'request' }
  | { readonly kind: 'answered' }
  | { readonly kind: 'refused' /** Not before so long, says the server. */; readonly after?: Duration }
  | { readonly kind: 'failed' }
  /** An operation of the bootstrap server. */
  | { readonly kind: 'heard' }
  /** Everything is there and in force; the bootstrap account goes after so long (/0/x/12), Infinity for never. */
  | { readonly kind: 'finished'; readonly accountTimeout: Duration }
  | { readonly kind: 'rejected' }
  /** Every server has taken a registration. */
  | { readonly kind: 'registered' }
  | { readonly kind: 'stop' };

export type BootstrapEffect =
  | { readonly kind: 'request' }
  /** Everything that was written is forgotten. */
  | { readonly kind: 'abandon'; readonly failure: BootstrapFailure }
  /** The connection with the bootstrap server is not needed any more. */
  | { readonly kind: 'hang-up' }
  | { readonly kind: 'purge-account' }
  | { readonly kind: 'event'; readonly event: EngineEvent }
  | { readonly kind: 'phase'; readonly phase: BootstrapPhase };

export interface BootstrapTerms {
  /** Longest silence of the bootstrap server before Bootstrap-Finish; default EXCHANGE_LIFETIME, 247 s (RFC 7252 §4.8.2). */
  readonly patience: Duration;
  /** Wait after the first bootstrap that led to nothing; doubled after each further one, up to `longestWait`. */
  readonly firstWait: Duration;
  readonly longestWait: Duration;
  /** Chance adds up to this part of every wait, 0 to 1. */
  readonly spread: number;
}

export const defaultBootstrapTerms: BootstrapTerms = {
  patience: 247_000,
  firstWait: minutes(1),
  longestWait: hours(24),
  spread: 0.25,
};

/** How long the answer to Bootstrap-Finish may have to be repeated: MAX_TRANSMIT_WAIT (RFC 7252 §4.8.2). */
const lingering: Duration = 93_000;

export class BootstrapMachine implements Core<BootstrapInput, BootstrapEffect> {
  private readonly terms: BootstrapTerms;
  private readonly random: Random;
  private current: BootstrapPhase = 'idle';
  /** End of hold-off, of waiting or of patience, by phase. */
  private due: Instant | undefined;
  private cause: 'fallback' | 'request' = 'fallback';
  private hangUpAt: Instant | undefined;
  private purgeAt: Instant | undefined;
  /** Bootstraps since the last registration, and when the next may begin. */
  private unproductive = 0;
  private earliest: Instant = Number.NEGATIVE_INFINITY;
  private effects: BootstrapEffect[] = [];

  constructor(terms: BootstrapTerms, random: Random) {
    this.terms = terms;
    this.random = random;
  }

  get phase(): BootstrapPhase {
    return this.current;
  }

  get deadline(): Instant | undefined {
    const first = Math.min(this.due ?? Infinity, this.hangUpAt ?? Infinity, this.purgeDue ?? Infinity);
    return first === Number.POSITIVE_INFINITY ? undefined : first;
  }

  handle(input: BootstrapInput, now: Instant): readonly BootstrapEffect[] {
    this.effects = [];
    switch (input.kind) {
      case 'start':
        if (this.current === 'idle') {
          this.cause = input.cause;
          this.hold(now, input.holdOff);
        } else if (input.cause === 'request') this.cause = 'request';
        break;
      case 'answered':
      case 'heard':
        // The server may be quicker than its own answer, which may be lost.
        if (this.current === 'requesting' || this.current === 'provisioning') {
          this.due = now + this.terms.patience;
          if (this.current === 'requesting') this.tell('bootstrap-reg-complete');
          this.enter('provisioning');
        }
        break;
      case 'refused':
        if (this.current === 'requesting') this.abandon('refused', now, input.after);
        break;
      case 'failed':
        if (this.current === 'requesting') this.abandon('unanswered', now);
        break;
      case 'finished':
        this.finish(now, input.accountTimeout);
        break;
      case 'rejected':
        if (this.current === 'provisioning') {
          this.hangUpAt = now + lingering;
          this.abandon('inconsistent', now);
        }
        break;
      case 'registered':
        this.unproductive = 0;
        this.earliest = Number.NEGATIVE_INFINITY;
        if (this.cause === 'fallback' && (this.current === 'held' || this.current === 'waiting')) {
          this.due = undefined;
          this.enter('idle');
        }
        break;
      case 'stop':
        this.due = undefined;
        this.hangUpAt = undefined;
        this.purgeAt = undefined;
        this.effects.push({ kind: 'hang-up' });
        this.enter('idle');
        break;
    }
    return this.effects;
  }

  expire(now: Instant): readonly BootstrapEffect[] {
    this.effects = [];
    if (this.hangUpAt !== undefined && this.hangUpAt <= now) this.hangUp();
    if (this.purgeDue !== undefined && this.purgeDue <= now) {
      this.purgeAt = undefined;
      this.effects.push({ kind: 'purge-account' });
    }
    if (this.due !== undefined && this.due <= now) {
      if (this.current === 'provisioning') this.abandon('silent', now);
      else this.request(now);
    }
    return this.effects;
  }

  /** Not while it is in use. */
  private get purgeDue(): Instant | undefined {
    return this.current === 'idle' ? this.purgeAt : undefined;
  }

  private hold(now: Instant, holdOff: Duration): void {
    this.due = Math.max(now + holdOff, this.earliest);
    this.enter('held');
    if (this.due <= now) this.request(now);
  }

  private request(now: Instant): void {
    this.due = undefined;
    this.hangUp();
    this.unproductive += 1;
    const wait = Math.min(this.terms.firstWait * 2 ** (this.unproductive - 1), this.terms.longestWait);
    this.earliest = now + wait * (1 + this.terms.spread * this.random.fraction());
    this.enter('requesting');
    this.effects.push({ kind: 'request' });
  }

  private finish(now: Instant, accountTimeout: Duration): void {
    if (this.current !== 'provisioning' && this.current !== 'requesting') return;
    this.due = undefined;
    this.hangUpAt = now + lingering;
    this.purgeAt = accountTimeout === Number.POSITIVE_INFINITY ? undefined : now + accountTimeout;
    this.tell('bootstrap-transfer-complete');
    this.enter('idle');
  }

  private abandon(failure: BootstrapFailure, now: Instant, after: Duration = 0): void {
    this.tell('bootstrap-reg-failure');
    this.effects.push({ kind: 'abandon', failure });
    if (this.hangUpAt === undefined) this.effects.push({ kind: 'hang-up' });
    this.due = Math.max(this.earliest, now + after, now + this.terms.firstWait);
    this.enter('waiting');
  }

  private hangUp(): void {
    if (this.hangUpAt === undefined) return;
    this.hangUpAt = undefined;
    this.effects.push({ kind: 'hang-up' });
  }

  private tell(event: EngineEvent): void {
    this.effects.push({ kind: 'event', event });
  }

  private enter(phase: BootstrapPhase): void {
    if (phase === this.current) return;
    this.current = phase;
    this.effects.push({ kind: 'phase', phase });
  }
}
