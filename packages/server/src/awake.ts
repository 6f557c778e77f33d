// Core: queue mode, who may be spoken to (Core 1.2.1 §6.5). A device is awake for a window after everything that
// it sends; then its commands wait for the next contact.
import { type Core, Deadlines, type Duration, type Instant } from '@lapwing/kernel';

export interface Sleeper {
  awakeUntil: Instant | undefined;
}

export type AwakeInput<Item> =
  /** Something came from it. */
  | { readonly kind: 'heard'; readonly item: Item }
  /** It did not answer. */
  | { readonly kind: 'silent'; readonly item: Item }
  /** It is not in queue mode any more, or gone. */
  | { readonly kind: 'left'; readonly item: Item };

export interface AwakeEffect<Item> {
  readonly kind: 'awake' | 'asleep';
  readonly item: Item;
}

export class Awake<Item extends Sleeper> implements Core<AwakeInput<Item>, AwakeEffect<Item>> {
  private readonly windowOf: (item: Item) => Duration;
  private readonly waking = new Deadlines<Item>();

  /** The window in ms, above 0, one for all or each its own; the specification's default is MAX_TRANSMIT_WAIT, 93 s (RFC 7252 §4.8.2). */
  constructor(window: Duration | ((item: Item) => Duration)) {
    this.windowOf = typeof window === 'number' ? () => window : window;
  }

  get deadline(): Instant | undefined {
    return this.waking.earliest;
  }

  handle(input: AwakeInput<Item>, now: Instant): readonly AwakeEffect<Item>[] {
    const { item } = input;
    switch (input.kind) {
      case 'heard': {
        const slept = item.awakeUntil === undefined;
        item.awakeUntil = now + this.windowOf(item);
        this.waking.set(item, item.awakeUntil);
        return slept ? [{ kind: 'awake', item }] : [];
      }
      case 'silent': {
        if (item.awakeUntil === undefined) return [];
        item.awakeUntil = undefined;
        this.waking.delete(item);
        return [{ kind: 'asleep', item }];
      }
      case 'left':
        item.awakeUntil = undefined;
        this.waking.delete(item);
        return [];
    }
  }

  expire(now: Instant): readonly AwakeEffect<Item>[] {
    const effects: AwakeEffect<Item>[] = [];
    for (let item = this.waking.take(now); item !== undefined; item = this.waking.take(now)) {
      item.awakeUntil = undefined;
      effects.push({ kind: 'asleep', item });
    }
    return effects;
  }
}
