// Core: the registration with one server (Core 1.2.1 §6.2).
//
//   idle ─start▶ registering ─accepted▶ registered ─due·trigger·changed▶ updating ─accepted▶ registered
//                  │    ▲                   ├─stop▶ deregistering ▶ idle              ├─refused▶ registering
//     failed·refused    due                 └─unheard▶ registering                    └─failed▶ waiting
//                  ▼    │
//                 waiting ─sequences spent▶ effect bootstrap
import type { Core, Duration, Instant, Random } from '@lapwing/kernel';
import { longestWait, nextAttempt, type RetryPolicy } from './backoff.ts';

export type Phase = 'idle' | 'registering' | 'registered' | 'updating' | 'waiting' | 'deregistering';

export type RegistrationInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'stop' }
  /** Update now (Execute on /1/x/8, or the application's wish). */
  | { readonly kind: 'trigger' }
  /** The next Update must carry the object list. */
  | { readonly kind: 'objects-changed' }
  | { readonly kind: 'lifetime-changed'; readonly lifetime: Duration }
  /** Deregister, and start again after so long (Execute on /1/x/4). */
  | { readonly kind: 'disable'; readonly wait: Duration }
  /** The server took a Register (with its location), an Update or a Deregister. */
  | { readonly kind: 'accepted'; readonly location?: readonly string[] }
  /** The server answered with an error. */
  | {
      readonly kind: 'refused';
      /** Not before so long, says the server. */
      readonly after?: Duration;
      /** What was asked has been changed since: it may go again at once. */
      readonly changed?: true;
    }
  /** No answer. */
  | { readonly kind: 'failed' }
  /** Something else that was sent to the server was lost: whether it still knows the registration is open. */
  | { readonly kind: 'unheard' };

export type RegistrationEffect =
  | { readonly kind: 'register' }
  | {
      readonly kind: 'update';
      readonly location: readonly string[];
      readonly withObjects: boolean;
      readonly withLifetime: boolean;
    }
  | { readonly kind: 'deregister'; readonly location: readonly string[] }
  /** Every attempt failed: the configuration is worth nothing (Core 1.2.1 §6.2.1.1). */
  | { readonly kind: 'bootstrap' }
  | { readonly kind: 'phase'; readonly phase: Phase };

export interface RegistrationTerms {
  /** In ms; Infinity is never updated by itself. */
  readonly lifetime: Duration;
  readonly retry: RetryPolicy;
  readonly random: Random;
}

/** Time left for an Update to be repeated before the lifetime ends: MAX_TRANSMIT_WAIT (RFC 7252 §4.8.2), at most half of it. */
const updateMargin: Duration = 93_000;

export class RegistrationMachine implements Core<RegistrationInput, RegistrationEffect> {
  private readonly retry: RetryPolicy;
  private readonly random: Random;
  private lifetime: Duration;
  private current: Phase = 'idle';
  private location: readonly string[] = [];
  private due: Instant | undefined;
  private failures = 0;
  private objectsChanged = false;
  private lifetimeChanged = false;
  private again = false;
  /** Asked to leave while the Register is under way. */
  private leaving = false;
  /** After deregistering: nothing, or how long until the next start. */
  private restartAfter: Duration | undefined;
  private effects: RegistrationEffect[] = [];

  constructor(terms: RegistrationTerms) {
    this.lifetime = terms.lifetime;
    this.retry = terms.retry;
    this.random = terms.random;
  }

  get phase(): Phase {
    return this.current;
  }

  get deadline(): Instant | undefined {
    return this.due;
  }

  handle(input: RegistrationInput, now: Instant): readonly RegistrationEffect[] {
    this.effects = [];
    switch (input.kind) {
      case 'start':
        this.restartAfter = undefined;
        if (this.current === 'idle' || this.current === 'waiting') {
          this.failures = 0;
          this.register();
        } else if (this.current === 'deregistering') this.restartAfter = 0;
        this.leaving = false;
        break;
      case 'stop':
        this.leave(undefined);
        break;
      case 'disable':
        this.leave(input.wait, now);
        break;
      case 'trigger':
        this.updateSoon();
        break;
      case 'objects-changed':
        this.objectsChanged = true;
        this.updateSoon();
        break;
      case 'lifetime-changed':
        if (input.lifetime !== this.lifetime) {
          this.lifetime = input.lifetime;
          this.lifetimeChanged = true;
          this.updateSoon();
        }
        break;
      case 'accepted':
        this.accepted(input.location, now);
        break;
      case 'refused':
        if (input.changed && this.current === 'registering' && !this.leaving) this.register();
        else this.refused(now, input.after);
        break;
      case 'failed':
        this.failed(now);
        break;
      case 'unheard':
        if (this.current === 'registered' || this.current === 'updating') this.register();
        break;
    }
    return this.effects;
  }

  expire(now: Instant): readonly RegistrationEffect[] {
    this.effects = [];
    if (this.due === undefined || this.due > now) return this.effects;
    if (this.current === 'registered') this.update();
    else if (this.current === 'waiting' || this.current === 'idle') this.register();
    return this.effects;
  }

  private accepted(location: readonly string[] | undefined, now: Instant): void {
    switch (this.current) {
      case 'registering':
        this.location = location ?? [];
        if (this.leaving) this.deregister();
        else this.settle(now);
        break;
      case 'updating':
        this.settle(now);
        break;
      case 'deregistering':
        this.rest(now);
        break;
      default:
        break;
    }
  }

  private refused(now: Instant, after: Duration | undefined): void {
    // A server that does not know the registration any more gets a new one at once (Core 1.2.1 §6.2.2).
    if (this.current === 'updating' && after === undefined) this.register();
    else this.failed(now, after);
  }

  private failed(now: Instant, after: Duration = 0): void {
    if (this.current === 'deregistering' || this.leaving) this.rest(now);
    else if (this.current === 'registering' || this.current === 'updating') this.retryLater(now, after);
  }

  private settle(now: Instant): void {
    this.failures = 0;
    this.due = now + this.lifetime - Math.min(this.lifetime / 2, updateMargin);
    if (this.due === Number.POSITIVE_INFINITY) this.due = undefined;
    this.enter('registered');
    if (this.again || this.objectsChanged || this.lifetimeChanged) this.update();
  }

  private updateSoon(): void {
    if (this.current === 'registered') this.update();
    else this.again = this.current === 'updating' || this.current === 'registering';
  }

  private register(): void {
    this.due = undefined;
    this.again = false;
    this.objectsChanged = false;
    this.lifetimeChanged = false;
    this.enter('registering');
    this.effects.push({ kind: 'register' });
  }

  private update(): void {
    this.due = undefined;
    this.again = false;
    this.enter('updating');
    this.effects.push({
      kind: 'update',
      location: this.location,
      withObjects: this.objectsChanged,
      withLifetime: this.lifetimeChanged,
    });
    this.objectsChanged = false;
    this.lifetimeChanged = false;
  }

  private leave(restartAfter: Duration | undefined, now: Instant = 0): void {
    this.restartAfter = restartAfter;
    switch (this.current) {
      case 'registered':
      case 'updating':
        this.deregister();
        break;
      case 'registering':
        // The server may be about to say where the registration is that must go.
        this.leaving = true;
        break;
      case 'waiting':
      case 'idle':
        this.rest(now);
        break;
      case 'deregistering':
        break;
    }
  }

  private deregister(): void {
    this.due = undefined;
    this.leaving = false;
    this.enter('deregistering');
    this.effects.push({ kind: 'deregister', location: this.location });
  }

  private rest(now: Instant): void {
    this.leaving = false;
    this.due = this.restartAfter === undefined ? undefined : now + this.restartAfter;
    this.restartAfter = undefined;
    this.failures = 0;
    this.enter('idle');
  }

  private retryLater(now: Instant, after: Duration): void {
    this.failures += 1;
    const next = nextAttempt(this.retry, this.failures);
    const wait = Math.max(next.kind === 'wait' ? next.wait : longestWait(this.retry), after);
    this.due = now + wait * (1 + this.retry.spread * this.random.fraction());
    this.enter('waiting');
    if (next.kind === 'wait') return;
    this.failures = 0;
    this.effects.push({ kind: 'bootstrap' });
  }

  private enter(phase: Phase): void {
    if (phase === this.current) return;
    this.current = phase;
    this.effects.push({ kind: 'phase', phase });
  }
}
