// Core: when one relation may and must speak (Core 1.2.1 §7.3.2). Not before pmin after the last notification, at the
// latest pmax after it; a pmax below pmin is ignored (Core 1.2.1 §7.3.2, note on Maximum Period).
//
//   quiet ─change▶ held until pmin ─due▶ notify ▶ quiet
//     └──── pmax ───────────────────────▶ notify ▶ quiet
import type { Core, Instant } from '@lapwing/kernel';
import type { Attributes } from '@lapwing/lwm2m';

export type GovernorInput =
  /** A value changed enough to be told. */
  | { readonly kind: 'changed' }
  /** A notification went out, whoever asked for it. */
  | { readonly kind: 'notified' }
  | { readonly kind: 'attributes'; readonly attributes: Attributes };

export interface GovernorEffect {
  readonly kind: 'notify';
}

const notify: readonly GovernorEffect[] = [{ kind: 'notify' }];
const nothing: readonly GovernorEffect[] = [];

export class Governor implements Core<GovernorInput, GovernorEffect> {
  private pmin = 0;
  private pmax = Number.POSITIVE_INFINITY;
  private last: Instant;
  private changed = false;

  /** Born with the first answer, at `now`. */
  constructor(attributes: Attributes, now: Instant) {
    this.last = now;
    this.steer(attributes);
  }

  get deadline(): Instant | undefined {
    const at = this.last + (this.changed ? this.pmin : this.pmax);
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  handle(input: GovernorInput, now: Instant): readonly GovernorEffect[] {
    switch (input.kind) {
      case 'changed':
        this.changed = true;
        return this.expire(now);
      case 'notified':
        this.last = now;
        this.changed = false;
        return nothing;
      case 'attributes':
        this.steer(input.attributes);
        return this.expire(now);
    }
  }

  expire(now: Instant): readonly GovernorEffect[] {
    const { deadline } = this;
    if (deadline === undefined || deadline > now) return nothing;
    this.last = now;
    this.changed = false;
    return notify;
  }

  private steer(attributes: Attributes): void {
    this.pmin = (attributes.pmin ?? 0) * 1000;
    const pmax = (attributes.pmax ?? Number.POSITIVE_INFINITY) * 1000;
    this.pmax = pmax > 0 && pmax >= this.pmin ? pmax : Number.POSITIVE_INFINITY;
  }
}
