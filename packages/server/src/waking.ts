// Core: which sleeping devices are woken by text message, and when again. A message costs money and may be lost: a device is woken once for all
// that waits, again a while later where it still has not come, and then not until something new is asked of it.
import { type Core, Deadlines, type Duration, type Instant, minutes } from '@lapwing/kernel';

export type WakingInput =
  /** Something waits for the device, which sleeps. */
  | { readonly kind: 'wanted'; readonly name: string }
  /** It has come, or is gone. */
  | { readonly kind: 'settled'; readonly name: string };

export interface WakingEffect {
  readonly kind: 'wake';
  readonly name: string;
  /** From 1: 2 and 3 are for what the first has not brought about. */
  readonly attempt: number;
}

/** After each message: before the next may be sent. A device heeds one in a minute. */
export const pauses: readonly Duration[] = [minutes(5), minutes(30), minutes(120)];

interface Woken {
  attempts: number;
  /** Something was asked since the last message. */
  isWanted: boolean;
}

export class Waking implements Core<WakingInput, WakingEffect> {
  private readonly woken = new Map<string, Woken>();
  private readonly deadlines = new Deadlines<string>();

  get deadline(): Instant | undefined {
    return this.deadlines.earliest;
  }

  handle({ kind, name }: WakingInput, now: Instant): readonly WakingEffect[] {
    if (kind === 'settled') {
      this.woken.delete(name);
      this.deadlines.delete(name);
      return [];
    }
    const known = this.woken.get(name);
    if (known !== undefined) {
      known.isWanted = true;
      return [];
    }
    const woken = { attempts: 0, isWanted: true };
    this.woken.set(name, woken);
    return [this.wake(name, woken, now)];
  }

  expire(now: Instant): readonly WakingEffect[] {
    const effects: WakingEffect[] = [];
    for (let name = this.deadlines.take(now); name !== undefined; name = this.deadlines.take(now)) {
      const woken = this.woken.get(name);
      if (woken === undefined) continue;
      if (woken.attempts === pauses.length && !woken.isWanted) {
        this.woken.delete(name);
        continue;
      }
      effects.push(this.wake(name, woken, now));
    }
    return effects;
  }

  private wake(name: string, woken: Woken, now: Instant): WakingEffect {
    // Behind the last pause it begins anew.
    const before = woken.attempts % pauses.length;
    this.deadlines.set(name, now + (pauses[before] as Duration));
    woken.attempts = before + 1;
    woken.isWanted = false;
    return { kind: 'wake', name, attempt: woken.attempts };
  }
}
