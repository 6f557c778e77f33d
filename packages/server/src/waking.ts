// Core: which sleeping devices are woken by text message, and when again. A message costs money and may be lost: a device is woken once for all
// that waits, again a while later where it still has not come, and then not until something new is asked of it. What cannot go now, as
// when the budget is spent, has not been tried: it keeps its place in the line and is looked at again.
//
//   wanted ▶ in line ──wake──▶ asked ──written──▶ resting ──pause is over──▶ in line
//              ▲                 │ put-off                └─ after the last, nothing new asked ▶ forgotten
//              └─────────────────┘                        settled, from anywhere ▶ forgotten
import { type Core, Deadlines, type Duration, type Instant, minutes } from '@lapwing/kernel';

export type WakingInput =
  /** Something waits for the device, which sleeps. */
  | { readonly kind: 'wanted'; readonly name: string }
  /** It has come, or is gone, or nothing waits for it any more. */
  | { readonly kind: 'settled'; readonly name: string }
  /** The message is on its way, as far as anybody knows. */
  | { readonly kind: 'written'; readonly name: string }
  /** It could not go yet. */
  | { readonly kind: 'put-off'; readonly name: string; readonly until: Instant };

/** To be answered with `written`, `put-off` or `settled`. */
export interface WakingEffect {
  readonly kind: 'wake';
  readonly name: string;
  /** From 1: 2 and 3 are for what the first has not brought about. */
  readonly attempt: number;
}

/** After each message: before the next may be sent. A device heeds one in a minute. */
export const pauses: readonly Duration[] = [minutes(5), minutes(30), minutes(120)];

const never = Number.POSITIVE_INFINITY;

interface Woken {
  readonly name: string;
  attempts: number;
  /** Something was asked since the last message. */
  isWanted: boolean;
  /** In line: not before; infinite while it is asked. */
  from: Instant;
}

export class Waking implements Core<WakingInput, WakingEffect> {
  private readonly woken = new Map<string, Woken>();
  /** Those that wait to be written to, whoever came first at the head. */
  private readonly line = new Map<string, Woken>();
  /** No later than the first in line that may be written to. */
  private lineAt: Instant = never;
  private readonly resting = new Deadlines<string>();

  get deadline(): Instant | undefined {
    const first = Math.min(this.lineAt, this.resting.earliest ?? never);
    return first === never ? undefined : first;
  }

  /** Devices that have not been written to yet. */
  get waiting(): number {
    return this.line.size;
  }

  handle(input: WakingInput, now: Instant): readonly WakingEffect[] {
    const { name } = input;
    const known = this.woken.get(name);
    switch (input.kind) {
      case 'wanted': {
        const woken = known ?? { name, attempts: 0, isWanted: true, from: now };
        woken.isWanted = true;
        if (known !== undefined) return [];
        this.woken.set(name, woken);
        this.line.set(name, woken);
        return [this.ask(woken)];
      }
      case 'settled':
        this.woken.delete(name);
        this.line.delete(name);
        this.resting.delete(name);
        return [];
      case 'written':
        if (known !== undefined && this.line.delete(name)) this.rest(known, now);
        return [];
      case 'put-off':
        if (known === undefined || !this.line.has(name)) return [];
        // Who says now is asked in the next instant: not again and again in this one.
        known.from = Math.max(input.until, now + 1);
        this.lineAt = Math.min(this.lineAt, known.from);
        return [];
    }
  }

  expire(now: Instant): readonly WakingEffect[] {
    for (let name = this.resting.take(now); name !== undefined; name = this.resting.take(now)) {
      const woken = this.woken.get(name);
      if (woken === undefined) continue;
      if (woken.attempts === pauses.length && !woken.isWanted) this.woken.delete(name);
      else this.queue(woken, now);
    }
    return this.lineAt <= now ? this.next(now) : [];
  }

  private queue(woken: Woken, now: Instant): void {
    woken.from = now;
    this.line.set(woken.name, woken);
    this.lineAt = Math.min(this.lineAt, now);
  }

  private next(now: Instant): readonly WakingEffect[] {
    const effects: WakingEffect[] = [];
    this.lineAt = never;
    for (const woken of this.line.values()) {
      if (woken.from <= now) effects.push(this.ask(woken));
      else this.lineAt = Math.min(this.lineAt, woken.from);
    }
    return effects;
  }

  private ask(woken: Woken): WakingEffect {
    woken.from = never;
    woken.isWanted = false;
    // Behind the last pause it begins anew.
    return { kind: 'wake', name: woken.name, attempt: (woken.attempts % pauses.length) + 1 };
  }

  private rest(woken: Woken, now: Instant): void {
    const before = woken.attempts % pauses.length;
    woken.attempts = before + 1;
    this.resting.set(woken.name, now + (pauses[before] as Duration));
  }
}
