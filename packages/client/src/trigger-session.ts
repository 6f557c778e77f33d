// Core: the DTLS association by which a server may wake the device over text messages (Transport 1.1 §5.3). Only the device can make it,
// and only the server uses it, seldom: so the device sees to it that both have it, and spends few messages on that.
//
//        open ▶ shaking ──made──▶ there ──registered──▶ asking ──heard──▶ there
//                 ▲  │             │ lost                 │ due
//             due │  │ failed      ▼                      ▼ (drop)
//                 └─ none ◀────────┴──────────────────────┘  at once, or ten minutes after the last handshake
import { type Core, type Duration, hours, type Instant, minutes } from '@lapwing/kernel';

export type TriggerSessionInput =
  | { readonly kind: 'open' }
  | { readonly kind: 'made' }
  /** It was there already, from before a restart. */
  | { readonly kind: 'found' }
  | { readonly kind: 'failed' }
  /** The association has ended. */
  | { readonly kind: 'lost' }
  /** Something came by it. */
  | { readonly kind: 'heard' }
  /** A Register was accepted, and the server knows as much of the device as it does of a new one. */
  | { readonly kind: 'registered' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' };

export type TriggerSessionEffect =
  | { readonly kind: 'shake' }
  /** Whether the server still has it. */
  | { readonly kind: 'ask' }
  /** It has not. */
  | { readonly kind: 'drop' };

/** A handshake is ten messages and more: not one in so long, whatever happens. */
const PACE: Duration = minutes(10);
/** After one that came to nothing: the first wait, which doubles, and the longest. */
const firstWait: Duration = minutes(30);
const longestWait: Duration = hours(24);
/** MAX_TRANSMIT_WAIT by text message. */
const patience: Duration = 93_000;

const nothing: readonly TriggerSessionEffect[] = [];

export class TriggerSession implements Core<TriggerSessionInput, TriggerSessionEffect> {
  private state: 'none' | 'shaking' | 'there' | 'asking' = 'none';
  /** The next handshake while there is none, the end of patience while it is asked for. */
  private due: Instant | undefined;
  private shookAt: Instant = Number.NEGATIVE_INFINITY;
  private madeAt: Instant = Number.NEGATIVE_INFINITY;
  private wait: Duration = firstWait;
  private isPaused = false;

  get isThere(): boolean {
    return this.state === 'there' || this.state === 'asking';
  }

  get isAsking(): boolean {
    return this.state === 'asking';
  }

  get deadline(): Instant | undefined {
    return this.isPaused ? undefined : this.due;
  }

  handle({ kind }: TriggerSessionInput, now: Instant): readonly TriggerSessionEffect[] {
    switch (kind) {
      case 'open':
        return this.shake(now);
      case 'made':
      case 'found':
        this.enter('there', undefined);
        this.wait = firstWait;
        if (kind === 'made') this.madeAt = now;
        return nothing;
      case 'failed':
        this.enter('none', now + this.wait);
        this.wait = Math.min(this.wait * 2, longestWait);
        return nothing;
      case 'lost':
        return this.isThere ? this.shakeSoon(now) : nothing;
      case 'heard':
        if (this.state === 'asking') this.enter('there', undefined);
        return nothing;
      case 'registered':
        return this.registered(now);
      case 'pause':
        this.isPaused = true;
        return nothing;
      case 'resume':
        this.isPaused = false;
        return this.expire(now);
    }
  }

  expire(now: Instant): readonly TriggerSessionEffect[] {
    if (this.isPaused || this.due === undefined || this.due > now) return nothing;
    return this.state === 'asking' ? [{ kind: 'drop' }, ...this.shakeSoon(now)] : this.shake(now);
  }

  private registered(now: Instant): readonly TriggerSessionEffect[] {
    if (this.state === 'none') {
      this.wait = firstWait;
      return this.shakeSoon(now);
    }
    if (this.state !== 'there' || this.madeAt + patience > now) return nothing;
    this.enter('asking', now + patience);
    return [{ kind: 'ask' }];
  }

  private shakeSoon(now: Instant): readonly TriggerSessionEffect[] {
    this.enter('none', Math.max(now, this.shookAt + PACE));
    return this.expire(now);
  }

  private shake(now: Instant): readonly TriggerSessionEffect[] {
    this.shookAt = now;
    this.enter('shaking', undefined);
    return [{ kind: 'shake' }];
  }

  private enter(state: TriggerSession['state'], due: Instant | undefined): void {
    this.state = state;
    this.due = due;
  }
}
