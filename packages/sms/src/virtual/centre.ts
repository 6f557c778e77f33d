// A service centre in small: takes messages, keeps each for a while, loses, repeats and delays some, and hands them to the number they
// are for. A core.
import {
  type Core,
  type Due,
  DueQueue,
  type Duration,
  type Instant,
  type Random,
  randomInteger,
} from '@lapwing/kernel';
import { formatNumber, parseNumber } from '../pdu/address.ts';
import type { Deliver } from '../pdu/deliver.ts';
import type { Submit } from '../pdu/submit.ts';
import { timestampAt } from '../pdu/time.ts';

export interface CentreOptions {
  readonly random: Random;
  /** Ms since 1970 at instant 0, for the times in messages. */
  readonly epoch: number;
  /** Chance that a message is lost, 0 to 1; default 0. */
  readonly loss?: number;
  /** Chance that a message is delivered twice; default 0. */
  readonly duplication?: number;
  /** Chance that one is kept so long that the next ones overtake it; default 0. */
  readonly reordering?: number;
  /** How long each takes, in ms, from the least to the most: messages overtake one another when they differ. Default at once. */
  readonly delay?: readonly [least: Duration, most: Duration];
}

export interface Submitted {
  readonly from: string;
  readonly message: Submit;
}

export interface Delivered {
  readonly to: string;
  readonly message: Deliver;
}

/** Ms that keep apart what arrives at once. */
const TICK: Duration = 0.001;
/** How much longer one takes that is to be overtaken, beside the longest that any takes. */
const HELD: Duration = 1000;
/** Messages under way. */
const MOST_UNDER_WAY = 10_000;

class UnderWay implements Due {
  dueAt: Instant;
  place = -1;
  readonly delivered: Delivered;

  constructor(dueAt: Instant, delivered: Delivered) {
    this.dueAt = dueAt;
    this.delivered = delivered;
  }
}

export class Centre implements Core<Submitted, Delivered> {
  private readonly options: CentreOptions;
  private readonly queue = new DueQueue<UnderWay>();
  private lastDue: Instant = 0;
  private readonly tally = { taken: 0, lost: 0, delivered: 0 };

  constructor(options: CentreOptions) {
    this.options = options;
  }

  /** Messages taken in, lost on purpose, and handed on. */
  stats(): { readonly taken: number; readonly lost: number; readonly delivered: number } {
    return { ...this.tally };
  }

  get deadline(): Instant | undefined {
    return this.queue.first?.dueAt;
  }

  handle({ from, message }: Submitted, now: Instant): readonly Delivered[] {
    const { random, loss = 0, duplication = 0 } = this.options;
    this.tally.taken += 1;
    if (random.fraction() < loss) this.tally.lost += 1;
    else this.keep(from, message, now);
    if (random.fraction() < duplication) this.keep(from, message, now);
    return this.expire(now);
  }

  expire(now: Instant): readonly Delivered[] {
    const due: Delivered[] = [];
    for (let next = this.queue.take(now); next !== undefined; next = this.queue.take(now)) {
      this.tally.delivered += 1;
      due.push(next.delivered);
    }
    return due;
  }

  private keep(from: string, message: Submit, now: Instant): void {
    if (this.queue.size >= MOST_UNDER_WAY) {
      this.tally.lost += 1;
      return;
    }
    const { random, epoch, reordering = 0, delay: [least, most] = [0, 0] } = this.options;
    const { destination, protocol, payload } = message;
    const isOvertaken = random.fraction() < reordering;
    const wait = least + (most > least ? randomInteger(random, most - least + 1) : 0) + (isOvertaken ? most + HELD : 0);
    // What takes equally long arrives in order.
    const dueAt = least === most && most > 0 && !isOvertaken ? Math.max(now + wait, this.lastDue + TICK) : now + wait;
    if (!isOvertaken) this.lastDue = dueAt;
    this.queue.set(
      new UnderWay(dueAt, {
        to: formatNumber(destination),
        message: {
          ...{ kind: 'deliver', originator: parseNumber(from), protocol, timestamp: timestampAt(epoch + now) },
          ...{ moreMessages: false, statusReport: false, replyPath: false, payload },
        },
      }),
      dueAt,
    );
  }
}
