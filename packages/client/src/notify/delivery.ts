// How what a relation says reaches its observer. Usually the newest value is all that counts: a notification that is still on
// its way is superseded by the next. Where the server wants nothing lost (/1/x/6, Core 1.2.1 Appendix E.2), one goes out at a
// time, what comes meanwhile is kept with the time at which it was so, the newest `hqmax` of it, and follows in order; also
// past a registration that was lost, when the server observes the same again.
import { Code, makeResponse, type Notify, type Response, ResponseError } from '@lapwing/coap';
import { type Clock, TimeoutError } from '@lapwing/kernel';
import type { Entry } from '@lapwing/lwm2m';

/** What was, and when; Unix time in seconds. */
export interface Moment {
  readonly entries: readonly Entry[];
  readonly time: number;
}

export interface DeliveryOptions {
  readonly clock: Clock;
  readonly notify: Notify;
  readonly toResponse: (entries: readonly Entry[]) => Response;
  readonly type: () => 'con' | 'auto';
  /** Moments that are kept while the observer does not answer; 0 for none. */
  readonly capacity: () => number;
  /** Whether the format of the notifications can say when something was. */
  readonly times: boolean;
  /** A notification goes out. */
  readonly stirred: () => void;
  /** A notification was not acknowledged. */
  readonly unheard: () => void;
  /** What nobody has heard is this now, where nothing may be lost. */
  readonly remember: (moments: readonly Moment[]) => void;
  /** So many of it were given up for want of room. */
  readonly dropped: (count: number) => void;
}

export class Delivery {
  private readonly options: DeliveryOptions;
  private kept: Moment[];
  private underway: readonly Moment[] = [];
  private away = false;
  /** How many are kept while away. */
  private room = 0;

  /** `kept` is what an earlier observer of the same has not heard: it follows the first answer. */
  constructor(options: DeliveryOptions, kept: readonly Moment[] = []) {
    this.options = options;
    this.kept = [...kept];
    this.continue();
  }

  say(entries: readonly Entry[]): void {
    if (this.options.capacity() === 0 && !this.away) {
      this.send(this.rendered(entries), this.options.type()).catch((error: unknown) => {
        // The relation ends through its signal, whatever the cause.
        if (error instanceof TimeoutError) this.options.unheard();
      });
      return;
    }
    const moment = { entries, time: this.options.clock.wall() / 1000 };
    if (this.away || this.underway.length > 0) this.keep([moment]);
    else this.transmit([moment], entries);
    this.remember();
  }

  /** An error ends the observation (RFC 7641 §4.2). */
  end(error: unknown): void {
    this.send(lastWord(error), this.options.type()).catch(() => undefined);
  }

  /** From now on everything is kept, for whoever observes the same next. */
  suspend(): void {
    this.room = this.options.capacity();
    this.away = true;
    this.keep([]);
    this.remember();
  }

  /** What nobody has heard, oldest first. */
  handOver(): readonly Moment[] {
    return [...this.underway, ...this.kept];
  }

  private remember(): void {
    this.options.remember(this.handOver());
  }

  private keep(moments: readonly Moment[]): void {
    this.kept.push(...moments);
    const excess = this.kept.length - (this.away ? this.room : this.options.capacity());
    if (excess <= 0) return;
    this.kept.splice(0, excess);
    this.options.dropped(excess);
  }

  private continue(): void {
    if (this.kept.length === 0 || this.away) return;
    const { times } = this.options;
    const moments = this.kept.splice(0, times ? this.kept.length : 1);
    const entries = moments.flatMap((moment) =>
      times ? moment.entries.map((entry) => ({ time: moment.time, ...entry })) : moment.entries,
    );
    this.transmit(moments, entries);
  }

  private transmit(moments: readonly Moment[], entries: readonly Entry[]): void {
    this.underway = moments;
    this.send(this.rendered(entries), 'con').then(
      () => {
        this.underway = [];
        this.continue();
        this.remember();
      },
      (error: unknown) => {
        this.kept.unshift(...this.underway);
        this.underway = [];
        this.keep([]);
        this.remember();
        if (error instanceof TimeoutError) this.options.unheard();
      },
    );
  }

  private send(response: Response, type: 'con' | 'auto'): Promise<unknown> {
    this.options.stirred();
    return this.options.notify(response, { type });
  }

  private rendered(entries: readonly Entry[]): Response {
    try {
      return this.options.toResponse(entries);
    } catch (error) {
      return lastWord(error);
    }
  }
}

function lastWord(error: unknown): Response {
  return error instanceof ResponseError ? error.toResponse() : makeResponse(Code.InternalServerError);
}
