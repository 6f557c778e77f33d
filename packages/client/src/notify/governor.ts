// Core: when one relation may and must look at its values and speak of them (Core 1.2.1 §7.3.2). It looks not before epmin
// after it last looked, and at the latest epmax after; it speaks not before pmin after the last notification, and at the
// latest pmax after it. A pmax below pmin is ignored (Core 1.2.1 §7.3.2, note on Maximum Period), and so is an epmax.
//
//   quiet ─touched▶ looks, at once or when epmin has passed ─changed▶ held until pmin ─due▶ notify ▶ quiet
//     └──────────────────────────────── pmax ──────────────────────────────────────────▶ notify ▶ quiet
import type { Core, Instant } from '@lapwing/kernel';
import type { Attributes } from '@lapwing/lwm2m';

export type GovernorInput =
  /** Something is written that may be worth a look. */
  | { readonly kind: 'touched' }
  /** A value changed enough to be told. */
  | { readonly kind: 'changed' }
  /** A notification went out, whoever asked for it. */
  | { readonly kind: 'notified' }
  /** It neither looks nor speaks until `resume`. */
  | { readonly kind: 'pause' | 'resume' }
  /** It is as another was. */
  | ({ readonly kind: 'recall' } & KeptTimes)
  | { readonly kind: 'attributes'; readonly attributes: Attributes };

/** When it last spoke, and last looked. */
export interface KeptTimes {
  readonly spokeAt: Instant;
  readonly lookedAt: Instant;
}

export interface GovernorEffect {
  /** `look` asks for `changed`, if what there is now is worth telling; `visit` does so with nothing written, because it is time. */
  readonly kind: 'look' | 'visit' | 'notify';
}

const look: readonly GovernorEffect[] = [{ kind: 'look' }];
const visit: readonly GovernorEffect[] = [{ kind: 'visit' }];
const notify: readonly GovernorEffect[] = [{ kind: 'notify' }];
const nothing: readonly GovernorEffect[] = [];
const never = Number.POSITIVE_INFINITY;

export class Governor implements Core<GovernorInput, GovernorEffect> {
  private pmin = 0;
  private pmax = never;
  private epmin = 0;
  private epmax = never;
  /** When it last spoke, and last looked. */
  private last: Instant;
  private looked: Instant;
  private touched = false;
  private changed = false;
  private paused = false;

  /** Born with the first answer, which was a look, at `now`. */
  constructor(attributes: Attributes, now: Instant) {
    this.last = now;
    this.looked = now;
    this.steer(attributes);
  }

  get deadline(): Instant | undefined {
    const at = Math.min(this.speaksAt, this.looksAt);
    return this.paused || at === never ? undefined : at;
  }

  /** Undefined while it has something to look at or to say. */
  keep(): KeptTimes | undefined {
    if (this.touched || this.changed || this.paused) return undefined;
    return { spokeAt: this.last, lookedAt: this.looked };
  }

  handle(input: GovernorInput, now: Instant): readonly GovernorEffect[] {
    switch (input.kind) {
      case 'touched':
        this.touched = true;
        break;
      case 'changed':
        this.changed = true;
        break;
      case 'notified':
        this.last = now;
        this.changed = false;
        return nothing;
      case 'pause':
      case 'resume':
        this.paused = input.kind === 'pause';
        break;
      case 'attributes':
        this.steer(input.attributes);
        break;
      case 'recall':
        this.last = input.spokeAt;
        this.looked = input.lookedAt;
        break;
    }
    return this.expire(now);
  }

  expire(now: Instant): readonly GovernorEffect[] {
    if (this.paused) return nothing;
    if (this.speaksAt <= now) {
      this.last = now;
      this.changed = false;
      return notify;
    }
    if (this.looksAt > now) return nothing;
    const { touched } = this;
    this.looked = now;
    this.touched = false;
    return touched ? look : visit;
  }

  private get speaksAt(): Instant {
    return this.last + (this.changed ? this.pmin : this.pmax);
  }

  private get looksAt(): Instant {
    return this.looked + (this.touched ? this.epmin : this.epmax);
  }

  private steer(attributes: Attributes): void {
    this.pmin = (attributes.pmin ?? 0) * 1000;
    this.pmax = maximum(attributes.pmax, this.pmin);
    this.epmin = (attributes.epmin ?? 0) * 1000;
    this.epmax = maximum(attributes.epmax, this.epmin);
  }
}

/** In ms; without effect when it is 0 or below the minimum. */
function maximum(period: number | undefined, minimum: number): number {
  const ms = (period ?? never) * 1000;
  return ms > 0 && ms >= minimum ? ms : never;
}
