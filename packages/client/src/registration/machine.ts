// Core: the registration with one server (Core 1.2.1 §6.2). Which phase follows from which is in `transitions.ts`; here is what
// goes with it: deadlines, attempts, and what the next Update has to carry.
//
//   idle ─start▶ held ─due▶ registering ─accepted▶ registered ─due·trigger·called▶ updating ─accepted▶ registered
//                              │    ▲                ├─quiet▶ rx-off ─stirred▶ registered  ├─refused·unanswered▶ registering
//           refused·unanswered │    │ due            ├─unheard▶ registering                └─put-off▶ waiting
//                              ▼    │                ├─stop▶ deregistering ▶ idle
//                             waiting ─spent▶        ├─disable▶ deregistering ▶ disabled ─due▶ registering
//                        effect bootstrap            └─pause▶ suspended ─resume▶ updating
import type { Core, Duration, Instant, Random } from '@lapwing/kernel';
import type { EngineEvent } from '../engine-events.ts';
import { longestWait, nextAttempt, type RetryPolicy } from './backoff.ts';
import { type Asked, type Phase, type Signal, transitionOf } from './transitions.ts';

export type RegistrationInput =
  | { readonly kind: 'start' /** Not before so long (/1/x/14). */; readonly delay?: Duration }
  /** Start with a registration that was made before a restart, and lives for so long yet. */
  | { readonly kind: 'restore'; readonly location: readonly string[]; readonly left: Duration }
  /** As another engine has left it, with the same clock. */
  | { readonly kind: 'recall'; readonly kept: KeptProgress }
  | { readonly kind: 'stop' }
  /** Update now (Execute on /1/x/8, or the application's wish). */
  | { readonly kind: 'trigger' }
  /** The same by text message: in place of an Update a Register, where the next one is waited for. */
  | { readonly kind: 'called' }
  /** The next Update must carry the object list. */
  | { readonly kind: 'objects-changed' }
  | { readonly kind: 'lifetime-changed'; readonly lifetime: Duration }
  /** The next Update must say by which roads the device is reached, and whether it sleeps. */
  | { readonly kind: 'binding-changed' }
  /** Deregister, and start again after so long (Execute on /1/x/4). */
  | { readonly kind: 'disable'; readonly wait: Duration }
  /** Ask nothing of the server, and expect nothing, until `resume`. */
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  /** Something was sent to the server, or came from there. */
  | { readonly kind: 'stirred' }
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
      readonly withBinding: boolean;
    }
  | { readonly kind: 'deregister'; readonly location: readonly string[] }
  /** An empty message that is to be acknowledged: what lies on the road is to remember the way back. */
  | { readonly kind: 'ping' }
  /** Every attempt failed: the configuration is worth nothing (Core 1.2.1 §6.2.1.1). */
  | { readonly kind: 'bootstrap' }
  | { readonly kind: 'event'; readonly event: EngineEvent }
  | { readonly kind: 'phase'; readonly phase: Phase };

/** How far a registration has come that nothing is under way with. */
export interface KeptProgress {
  readonly phase: 'registered' | 'rx-off';
  readonly location: readonly string[];
  readonly endsAt: Instant;
  /** Of the next Update. */
  readonly dueAt: Instant;
  readonly stirredAt: Instant;
}

export interface RegistrationTerms {
  /** In ms; Infinity is never updated by itself. */
  readonly lifetime: Duration;
  /** Time left for an Update to be repeated before the lifetime ends; at most half of it. */
  readonly updateMargin: Duration;
  /** In queue mode, how long the device listens after the last message; else undefined. Read anew at each use. */
  readonly awakeTime: Duration | undefined;
  /** Awake, how long nothing goes either way before an empty message does; else undefined. Read anew at each use. */
  readonly keepAlive: Duration | undefined;
  readonly retry: RetryPolicy;
  readonly random: Random;
}

/** MAX_TRANSMIT_WAIT (RFC 7252 §4.8.2). */
export const defaultUpdateMargin: Duration = 93_000;
/** As servers assume where nothing else is agreed: MAX_TRANSMIT_WAIT (RFC 7252 §4.8.2, Core 1.2.1 §6.5). */
export const defaultAwakeTime: Duration = 93_000;

const never = Number.POSITIVE_INFINITY;

/** Between two inputs; never written to. */
const nothing: RegistrationEffect[] = [];

export class RegistrationMachine implements Core<RegistrationInput, RegistrationEffect> {
  private readonly terms: RegistrationTerms;
  private lifetime: Duration;
  private current: Phase = 'idle';
  private location: readonly string[] = [];
  /** End of the phase's time. */
  private due: Instant = never;
  /** End of the lifetime at the server; past without a registration. */
  private endsAt: Instant = Number.NEGATIVE_INFINITY;
  private stirredAt: Instant = 0;
  private failures = 0;
  private objectsChanged = false;
  private lifetimeChanged = false;
  private bindingChanged = false;
  private again = false;
  /** After deregistering: nothing, or how long until the next start. */
  private restartAfter: Duration | undefined;
  /** Where it was disabled when it was suspended: until when. */
  private suspendedUntil: Instant | undefined;
  /** It is to stand still as soon as the server has been left. */
  private pausing = false;
  private effects: RegistrationEffect[] = nothing;

  constructor(terms: RegistrationTerms) {
    this.terms = terms;
    this.lifetime = terms.lifetime;
  }

  get phase(): Phase {
    return this.current;
  }

  /** Where the server has put the registration, and when it ends there; undefined where there is none. */
  get registration(): { readonly location: readonly string[]; readonly endsAt: Instant } | undefined {
    const { location, endsAt } = this;
    return endsAt === Number.NEGATIVE_INFINITY ? undefined : { location, endsAt };
  }

  /** Undefined while something is asked of the server, or to be asked, and where there is no registration. */
  keep(): KeptProgress | undefined {
    const { current: phase, location, endsAt, due: dueAt, stirredAt } = this;
    if ((phase !== 'registered' && phase !== 'rx-off') || this.hasNews) return undefined;
    return { phase, location, endsAt, dueAt, stirredAt };
  }

  /** Until when it stays away because it was disabled, or will as soon as the server has been left; undefined where it was not. */
  awayUntil(now: Instant): Instant | undefined {
    if (this.current === 'disabled') return this.due;
    if (this.current === 'suspended') return this.suspendedUntil;
    return this.restartAfter === undefined ? undefined : now + this.restartAfter;
  }

  get deadline(): Instant | undefined {
    const first = Math.min(this.due, this.quietAt, this.pingAt);
    return first === never ? undefined : first;
  }

  handle(input: RegistrationInput, now: Instant): readonly RegistrationEffect[] {
    this.effects = [];
    switch (input.kind) {
      case 'start':
        this.start(input.delay ?? 0, now);
        break;
      case 'restore':
        this.location = input.location;
        this.endsAt = now + input.left;
        this.follow(input.left > 0 ? 'restore' : 'start', now);
        break;
      case 'recall':
        this.recall(input.kept, now);
        break;
      case 'stop':
        this.leave(undefined, now);
        break;
      case 'disable':
        this.leave(input.wait, now);
        break;
      case 'pause':
        this.pause(now);
        break;
      case 'resume':
        this.pausing = false;
        this.follow(this.resumption(now), now);
        break;
      case 'trigger':
        this.updateSoon(now);
        break;
      case 'called':
        this.follow('called', now);
        break;
      case 'objects-changed':
        this.objectsChanged = true;
        this.updateSoon(now);
        break;
      case 'lifetime-changed':
        if (input.lifetime === this.lifetime) break;
        this.lifetime = input.lifetime;
        this.lifetimeChanged = true;
        this.updateSoon(now);
        break;
      case 'binding-changed':
        this.bindingChanged = true;
        this.updateSoon(now);
        break;
      case 'stirred':
        this.stirredAt = now;
        this.follow('stirred', now);
        break;
      case 'accepted':
        if (this.current === 'registering' || this.current === 'leaving') this.location = input.location ?? [];
        this.follow('accepted', now);
        break;
      case 'refused':
        if (input.changed) this.follow('reworded', now);
        else this.fail(input.after === undefined ? 'refused' : 'put-off', now, input.after);
        break;
      case 'failed':
        this.fail('unanswered', now);
        break;
      case 'unheard':
        // What was under way when it was suspended, and with it perhaps an observation.
        if (this.current === 'suspended') this.endsAt = Number.NEGATIVE_INFINITY;
        this.follow('unheard', now);
        break;
    }
    return this.effects;
  }

  expire(now: Instant): readonly RegistrationEffect[] {
    this.effects = [];
    if (this.due <= now) this.follow('due', now);
    else if (this.quietAt <= now) this.follow('quiet', now);
    else if (this.pingAt <= now) {
      this.stirredAt = now;
      this.effects.push({ kind: 'ping' });
    }
    return this.effects;
  }

  carriedOut(): void {
    this.effects = nothing;
  }

  private get quietAt(): Instant {
    const { awakeTime } = this.terms;
    return this.current === 'registered' && awakeTime !== undefined ? this.stirredAt + awakeTime : never;
  }

  private get pingAt(): Instant {
    const { keepAlive } = this.terms;
    return this.current === 'registered' && keepAlive !== undefined ? this.stirredAt + keepAlive : never;
  }

  private start(delay: Duration, now: Instant): void {
    this.restartAfter = this.current === 'deregistering' ? 0 : undefined;
    this.failures = 0;
    if (this.current === 'idle' && delay > 0) {
      this.follow('hold', now);
      this.due = now + delay;
    } else this.follow('start', now);
  }

  private recall({ phase, location, endsAt, dueAt, stirredAt }: KeptProgress, now: Instant): void {
    this.location = location;
    this.follow(phase === 'registered' ? 'recall' : 'recall-asleep', now);
    this.endsAt = endsAt;
    this.due = dueAt;
    this.stirredAt = stirredAt;
  }

  private leave(restartAfter: Duration | undefined, now: Instant): void {
    this.restartAfter = restartAfter;
    this.suspendedUntil = undefined;
    if (this.current === 'suspended') this.follow(this.resumption(now) === 'resume' ? 'stop' : 'stop-late', now);
    else this.follow(restartAfter === undefined ? 'stop' : 'disable', now);
  }

  private pause(now: Instant): void {
    this.pausing = this.current === 'deregistering' || this.current === 'leaving';
    this.suspendedUntil = this.current === 'disabled' ? this.due : undefined;
    this.follow('pause', now);
  }

  private resumption(now: Instant): Signal {
    if (this.suspendedUntil !== undefined && this.suspendedUntil > now) return 'resume-away';
    return this.endsAt > now ? 'resume' : 'resume-late';
  }

  private fail(signal: 'refused' | 'put-off' | 'unanswered', now: Instant, after: Duration = 0): void {
    this.follow(signal, now);
    if (this.current === 'waiting') this.retryLater(now, after);
  }

  /** Takes the row of the table, if there is one, and does what goes with the phase that follows. */
  private follow(signal: Signal, now: Instant): void {
    const row = transitionOf(this.current, signal);
    if (row === undefined) return;
    const to = row.to === 'away' ? (this.restartAfter === undefined ? 'idle' : 'disabled') : row.to;
    this.arrive(to, now);
    this.enter(to);
    for (const event of row.tells) this.effects.push({ kind: 'event', event });
    if (row.asks !== undefined) this.ask(row.asks);
    if (to === 'registered' && this.hasNews) this.updateSoon(now);
    if (to === 'disabled' && this.pausing) this.pause(now);
  }

  /** Since the last Register or Update. */
  private get hasNews(): boolean {
    return this.again || this.objectsChanged || this.lifetimeChanged || this.bindingChanged;
  }

  private arrive(to: Phase, now: Instant): void {
    const isWaking = to === 'registered' && this.current === 'rx-off';
    // Listening or not, the next Update is due when it was.
    if (!isWaking && to !== 'rx-off') this.due = never;
    switch (to) {
      case 'registered':
        if (isWaking) break;
        this.failures = 0;
        this.stirredAt = now;
        this.endsAt = now + this.lifetime;
        this.due = this.endsAt - Math.min(this.lifetime / 2, this.terms.updateMargin);
        break;
      case 'disabled':
        this.due = this.suspendedUntil ?? now + (this.restartAfter ?? 0);
        this.forget();
        break;
      case 'idle':
        this.pausing = false;
        this.forget();
        break;
      case 'registering':
        this.endsAt = Number.NEGATIVE_INFINITY;
        this.suspendedUntil = undefined;
        if (this.current !== 'waiting' && this.current !== 'registering') this.failures = 0;
        break;
      default:
        break;
    }
  }

  private forget(): void {
    this.endsAt = Number.NEGATIVE_INFINITY;
    this.suspendedUntil = undefined;
    this.restartAfter = undefined;
    this.failures = 0;
  }

  private ask(asked: Asked): void {
    const { location, objectsChanged: withObjects, lifetimeChanged: withLifetime, bindingChanged: withBinding } = this;
    if (asked === 'bootstrap') this.effects.push({ kind: 'bootstrap' });
    else if (asked === 'deregister') this.effects.push({ kind: 'deregister', location });
    else {
      if (asked === 'register') this.effects.push({ kind: 'register' });
      else this.effects.push({ kind: 'update', location, withObjects, withLifetime, withBinding });
      this.again = false;
      this.objectsChanged = false;
      this.lifetimeChanged = false;
      this.bindingChanged = false;
    }
  }

  private updateSoon(now: Instant): void {
    this.again = this.current === 'updating' || this.current === 'registering';
    this.follow('trigger', now);
  }

  private retryLater(now: Instant, after: Duration): void {
    const { retry, random } = this.terms;
    this.failures += 1;
    const next = nextAttempt(retry, this.failures);
    const wait = Math.max(next.kind === 'wait' ? next.wait : longestWait(retry), after);
    const due = now + wait * (1 + retry.spread * random.fraction());
    if (next.kind === 'spent') {
      this.failures = 0;
      this.follow('spent', now);
    }
    this.due = due;
  }

  private enter(phase: Phase): void {
    if (phase === this.current) return;
    this.current = phase;
    this.effects.push({ kind: 'phase', phase });
  }
}
