// Core: when devices are looked at whether they may rest, and when those that do have something to do. A device rests as long as nothing
// comes for it: its engine is not there then, only what another needs to go on.
//
//   awake ─due▶ look, again after a while ─rested▶ asleep ─due▶ wake ─woken▶ awake
//                                             └────── woken by somebody else ──┘
import { type Core, type Due, DueQueue, type Duration, type Instant, seconds } from '@lapwing/kernel';

export type RestInput =
  /** It is on for the first time. */
  | { readonly kind: 'began'; readonly device: number }
  /** It rests, until then if nothing comes before; undefined: for good. */
  | { readonly kind: 'rested'; readonly device: number; readonly until: Instant | undefined }
  | { readonly kind: 'woken'; readonly device: number }
  /** Nobody goes to rest any more. */
  | { readonly kind: 'end' };

export interface RestEffect {
  readonly kind: 'look' | 'wake';
  readonly device: number;
}

/** Between two looks at a device, also after it was woken: who has asked one thing may ask another. */
export const lookEvery: Duration = seconds(5);
/** Effects of one step: then answers have their turn. */
const mostAtOnce = 16;

class Sleeper implements Due {
  dueAt: Instant = 0;
  place = -1;
  isAsleep = false;
  readonly device: number;

  constructor(device: number) {
    this.device = device;
  }
}

export class Rests implements Core<RestInput, RestEffect> {
  private readonly sleepers: Sleeper[] = [];
  private readonly queue = new DueQueue<Sleeper>();
  private ended = false;
  private asleep = 0;

  /** Devices that rest. */
  get size(): number {
    return this.asleep;
  }

  get deadline(): Instant | undefined {
    return this.queue.first?.dueAt;
  }

  handle(input: RestInput, now: Instant): readonly RestEffect[] {
    if (input.kind === 'end') {
      this.ended = true;
      for (const sleeper of this.sleepers) if (!sleeper.isAsleep) this.queue.delete(sleeper);
      return [];
    }
    const sleeper = (this.sleepers[input.device] ??= new Sleeper(input.device));
    const isAsleep = input.kind === 'rested';
    if (isAsleep !== sleeper.isAsleep) this.asleep += isAsleep ? 1 : -1;
    sleeper.isAsleep = isAsleep;
    const due = input.kind === 'rested' ? input.until : this.ended ? undefined : now + lookEvery;
    if (due === undefined) this.queue.delete(sleeper);
    else this.queue.set(sleeper, due);
    return [];
  }

  expire(now: Instant): readonly RestEffect[] {
    const effects: RestEffect[] = [];
    while (effects.length < mostAtOnce) {
      const sleeper = this.queue.take(now);
      if (sleeper === undefined) break;
      const { device, isAsleep } = sleeper;
      effects.push({ kind: isAsleep ? 'wake' : 'look', device });
      if (!isAsleep) this.queue.set(sleeper, now + lookEvery);
    }
    return effects;
  }
}
