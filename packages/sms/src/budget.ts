// What text messages may cost: so many an hour to one number, so many a minute through one modem. Windows begin with the first message
// and are over when their time is; time is an argument.
import { type Duration, ExpiringMap, hours, type Instant, minutes } from '@lapwing/kernel';

export interface BudgetLimits {
  /** Text messages to one number in an hour; default 100. No message is longer than so many can carry. */
  readonly perHour?: number;
  /** Text messages through the modem in a minute; default 10. */
  readonly perMinute?: number;
}

const HOUR: Duration = hours(1);
const MINUTE: Duration = minutes(1);
/** Numbers that are remembered. */
const MOST_NUMBERS = 100_000;

export class Budget {
  readonly perHour: number;
  private readonly perMinute: number;
  private readonly spent = new ExpiringMap<string, { readonly until: Instant; count: number }>(HOUR, MOST_NUMBERS);
  private minute: { readonly until: Instant; count: number } = { until: -Infinity, count: 0 };

  constructor(limits: BudgetLimits = {}) {
    this.perHour = limits.perHour ?? 100;
    this.perMinute = limits.perMinute ?? 10;
  }

  /** Puts `count` messages aside for the number; false where its hour has not so many left, which are not touched then. */
  reserve(number: string, count: number, now: Instant): boolean {
    let entry = this.spent.get(number, now);
    if (entry === undefined) {
      if (count > this.perHour) return false;
      entry = { until: now + HOUR, count: 0 };
      this.spent.set(number, entry, now);
    }
    if (entry.count + count > this.perHour) return false;
    entry.count += count;
    return true;
  }

  /** When one more may be sent to the number, behind `waiting` others that have not taken their place in a minute yet: `now`, or when it is worth while to ask again. */
  freeAt(number: string, waiting: number, now: Instant): Instant {
    const { until, count } = this.minute;
    const hour = this.spent.get(number, now);
    const isSpent = hour !== undefined && hour.count >= this.perHour;
    const isLive = until > now;
    const minute = waiting + (isLive ? count : 0) < this.perMinute ? now : isLive ? until : now + MINUTE;
    return Math.max(minute, isSpent ? hour.until : now);
  }

  /** When one more may go through the modem: `now`, or when its minute is over. Counts it only when that is now. */
  pass(now: Instant): Instant {
    const { minute } = this;
    if (minute.until <= now) this.minute = { until: now + MINUTE, count: 1 };
    else if (minute.count < this.perMinute) minute.count += 1;
    else return minute.until;
    return now;
  }
}
