// What waits for the broker: bounded in messages and bytes, in order, with notifications the first to go when there is no more
// room. Registrations, responses and the like are given up only when nothing else is left. Pure state, no time and no I/O.
// Both ranks carry one running number, so that taking the lower head first keeps the order in which messages were made.

export type Rank = 'kept' | 'notification';

export interface OutMessage {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1 | 2;
  readonly rank: Rank;
  /** Told once: the broker has it, or it will not be sent any more. */
  readonly done?: (delivered: boolean) => void;
}

export interface OutboxLimits {
  readonly messages: number;
  readonly bytes: number;
}

interface Waiting {
  readonly message: OutMessage;
  readonly number: number;
}

/** Rough cost of a waiting message beside its texts. */
const overhead = 64;

export class Outbox {
  private readonly limits: OutboxLimits;
  private readonly kept = new Fifo<Waiting>();
  private readonly notifications = new Fifo<Waiting>();
  private bytesWaiting = 0;
  private made = 0;

  constructor(limits: OutboxLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.kept.length + this.notifications.length;
  }

  get bytes(): number {
    return this.bytesWaiting;
  }

  /** Returns what had to go to make room: the oldest notifications, else the oldest of all. */
  add(message: OutMessage): readonly OutMessage[] {
    this.made += 1;
    this.queueOf(message).push({ message, number: this.made });
    this.bytesWaiting += cost(message);
    if (this.size <= this.limits.messages && this.bytesWaiting <= this.limits.bytes) return [];
    const dropped: OutMessage[] = [];
    while (this.size > this.limits.messages || this.bytesWaiting > this.limits.bytes) {
      const oldest = (this.notifications.shift() ?? this.kept.shift())?.message;
      if (oldest === undefined) break;
      this.bytesWaiting -= cost(oldest);
      dropped.push(oldest);
    }
    return dropped;
  }

  /** The oldest, taken out. */
  take(): OutMessage | undefined {
    const important = this.kept.peek();
    const other = this.notifications.peek();
    const from =
      other === undefined || (important !== undefined && important.number < other.number)
        ? this.kept
        : this.notifications;
    const message = from.shift()?.message;
    if (message !== undefined) this.bytesWaiting -= cost(message);
    return message;
  }

  private queueOf(message: OutMessage): Fifo<Waiting> {
    return message.rank === 'kept' ? this.kept : this.notifications;
  }
}

function cost(message: OutMessage): number {
  return message.topic.length + message.payload.length + overhead;
}

/** Array with a moving head: `shift` of a long array copies it. */
class Fifo<Item> {
  private items: (Item | undefined)[] = [];
  private head = 0;

  get length(): number {
    return this.items.length - this.head;
  }

  push(item: Item): void {
    this.items.push(item);
  }

  peek(): Item | undefined {
    return this.items[this.head];
  }

  shift(): Item | undefined {
    const item = this.items[this.head];
    if (item === undefined) return undefined;
    this.items[this.head] = undefined;
    this.head += 1;
    if (this.head === this.items.length) {
      this.items = [];
      this.head = 0;
    } else if (this.head >= 4096 && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }
}
