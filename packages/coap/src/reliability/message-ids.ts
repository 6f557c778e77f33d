// Message ids towards one peer: consecutive from a random start, and none used again within EXCHANGE_LIFETIME
// (RFC 7252 §4.4). Time is kept for sixteenths of the range, so an id rests at least as long as it must.
import { type Duration, type Instant, type Random, randomInteger } from '@lapwing/kernel';

const IDS = 65_536;
const PART = IDS / 16;

export class MessageIds {
  private following: number;
  private readonly rest: Duration;
  /** When the last id of each part was given out; made when the first part is full, which most peers never see. */
  private leftAt: Instant[] | undefined = undefined;
  private given = 0;

  /** `rest` is in ms: EXCHANGE_LIFETIME. `start` is the first id; default a random one. */
  constructor(random: Random, rest: Duration, start: number = randomInteger(random, IDS)) {
    this.following = start;
    this.rest = rest;
  }

  /** The id that is given out next. */
  get next(): number {
    return this.following;
  }

  /** Undefined while every id is resting: the caller has sent more than 265 messages a second for minutes. */
  take(now: Instant): number | undefined {
    const place = this.given % IDS;
    if (place % PART === 0 && this.given > 0) {
      // A part of ids begins: its last use must be long enough ago.
      this.leftAt ??= [];
      this.leftAt[(this.given / PART - 1) % 16] ??= now;
      const before = this.given >= IDS ? this.leftAt[place / PART] : undefined;
      if (before !== undefined && before + this.rest > now) return undefined;
      if (before !== undefined) delete this.leftAt[place / PART];
    }
    const id = this.following;
    this.following = (id + 1) & 0xffff;
    this.given += 1;
    return id;
  }
}
