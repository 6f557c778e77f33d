// How what a relation says reaches its observer. Usually the newest value is all that counts: a notification that is still on
// its way is superseded by the next. Where the server wants nothing lost (/1/x/6, Core 1.2.1 Appendix E.2), or a past is told
// (history.ts), one goes out at a time, what comes meanwhile is kept as it was, with its time, up to a limit, and follows in
// order; also past a registration that was lost, when the server observes the same again.
import { Code, makeResponse, type Notify, type Response, ResponseError } from '@lapwing/coap';
import { TimeoutError } from '@lapwing/kernel';
import type { Entry } from '@lapwing/lwm2m';
import { longestPart, parts } from '../operations/parts.ts';
import { after, type Taken } from './history.ts';

/** What was, and when; Unix time in seconds. */
export interface Moment {
  readonly entries: readonly Entry[];
  readonly time: number;
  /** Gives back what was taken of a past. */
  readonly giveBack?: (() => void) | undefined;
}

/**
 * What became of a notification: acknowledged, or handed to the network where it needs no acknowledgement; overtaken by a newer one;
 * not acknowledged; cut off by the end of its observation; or let go unsent, to keep a limit.
 */
export type NotificationOutcome = 'delivered' | 'superseded' | 'unacknowledged' | 'ended' | 'dropped';

export interface DeliveryOptions {
  readonly notify: Notify;
  readonly toResponse: (entries: readonly Entry[]) => Response;
  readonly type: () => 'con' | 'auto';
  /** Moments that are kept while the observer does not answer, 0 for none, and what goes when there are more. */
  readonly room: () => { readonly capacity: number; readonly drop: 'oldest' | 'newest' };
  /** Whether the format of the notifications can say when something was. */
  readonly times: boolean;
  /** What has been since the server was told last, where a past is kept. */
  readonly take: (entries: readonly Entry[]) => Taken;
  /** Of what was, what the server may still see. */
  readonly shown: (entries: readonly Entry[]) => readonly Entry[];
  /** A notification goes out. */
  readonly stirred: () => void;
  /** Something waits to go out. */
  readonly wanted: () => void;
  /** What nobody has heard is this now, where nothing may be lost. */
  readonly remember: (moments: readonly Moment[]) => void;
  /** What became of so many. */
  readonly settled: (outcome: NotificationOutcome, notifications: number) => void;
}

export class Delivery {
  private readonly options: DeliveryOptions;
  private kept: Moment[];
  private underway: readonly Moment[] = [];
  private away = false;
  private held = false;
  /** How many are kept while away. */
  private roomAway = 0;
  /** Time of the last moment. */
  private last = 0;
  /** What ends the observation, behind all that is to be said before. */
  private lastWord: Response | undefined;

  /** `kept` is what an earlier observer of the same has not heard: it follows the first answer, once it is not held. */
  constructor(options: DeliveryOptions, kept: readonly Moment[] = [], held = false) {
    this.options = options;
    this.kept = [...kept];
    this.last = kept.at(-1)?.time ?? 0;
    this.held = held;
    this.continue();
  }

  /** Nothing is under way, and nothing is kept. */
  get isQuiet(): boolean {
    return this.underway.length + this.kept.length === 0 && !this.away;
  }

  /** What was at a time. */
  say(entries: readonly Entry[], at: number): void {
    const time = after(this.last, at);
    this.last = time;
    this.lastWord = undefined;
    const { take, times, room } = this.options;
    const taken = times ? take(entries) : { entries, giveBack: undefined };
    const { giveBack } = taken;
    if (this.away || this.held || this.underway.length > 0 || giveBack !== undefined) {
      const fits = (part: readonly Entry[]): boolean => this.rendered(part).payload.length <= longestPart;
      const all = giveBack === undefined ? [entries] : parts(taken.entries, fits);
      this.keep(all.map((part) => ({ entries: part, time, giveBack })));
      if (this.held) this.options.wanted();
      else if (this.underway.length === 0) this.continue();
      this.remember();
    } else if (room().capacity > 0) {
      this.transmit([{ entries, time }], entries);
      this.remember();
    } else {
      this.send(this.rendered(entries), this.options.type()).then(
        (outcome) => this.options.settled(outcome, 1),
        (error: unknown) => this.options.settled(outcomeOf(error), 1),
      );
    }
  }

  /** An error ends the observation (RFC 7641 §4.2), as soon as that can be said; until then `say` takes it back. */
  end(error: unknown): void {
    this.lastWord = responseTo(error);
    if (this.held) this.options.wanted();
    else if (this.underway.length === 0) this.continue();
  }

  /** Whether it ends as soon as that can be said. */
  get isEnding(): boolean {
    return this.lastWord !== undefined;
  }

  /** From now on everything is kept, for whoever observes the same next. */
  suspend(): void {
    this.roomAway = this.options.room().capacity;
    this.away = true;
    this.keep([]);
    this.remember();
  }

  /** Nothing goes out until `release`: what comes is kept, of what need not be kept the newest. */
  hold(): void {
    this.held = true;
  }

  release(): void {
    this.held = false;
    if (this.underway.length === 0) this.continue();
  }

  /** What nobody has heard, oldest first. */
  handOver(): readonly Moment[] {
    return [...this.underway, ...this.kept];
  }

  private remember(): void {
    const moments = this.handOver().map(({ entries, time }) => ({ entries, time }));
    const isKept = this.away || this.options.room().capacity > 0;
    if (isKept || moments.length === 0) this.options.remember(moments);
  }

  /** It is over: what was taken of a past is there for the next. */
  close(): void {
    for (const { giveBack } of this.handOver()) giveBack?.();
    this.kept = [];
    this.lastWord = undefined;
  }

  private keep(moments: readonly Moment[]): void {
    const { capacity, drop } = this.options.room();
    this.kept.push(...moments);
    // A past has a limit of its own.
    const own = this.kept.filter(({ giveBack }) => giveBack === undefined);
    const room = this.away ? this.roomAway : Math.max(capacity, this.held ? 1 : 0);
    const excess = own.length - room;
    if (excess <= 0) return;
    const gone = new Set(drop === 'newest' && room > 1 ? own.slice(room) : own.slice(0, excess));
    this.kept = this.kept.filter((moment) => !gone.has(moment));
    // What need not be kept is not lost.
    if (capacity > 0 || this.away) this.options.settled('dropped', excess);
  }

  private continue(): void {
    if (this.away || this.held) return;
    this.kept = this.kept.flatMap((moment) => this.shown(moment));
    if (this.kept.length === 0) {
      if (this.lastWord !== undefined) this.send(this.lastWord, this.options.type()).catch(() => undefined);
      this.lastWord = undefined;
      return;
    }
    const { times, room } = this.options;
    // A single newest value is what it is now, and needs no time.
    const isNewest = this.kept.length === 1 && room().capacity === 0;
    const said = (moments: readonly Moment[]): readonly Entry[] =>
      moments.flatMap(({ entries, time }) =>
        times && !isNewest ? entries.map((entry) => ({ time, ...entry })) : entries,
      );
    let count = times ? this.kept.length : 1;
    // As much as a message takes; the rest follows.
    while (count > 1 && this.rendered(said(this.kept.slice(0, count))).payload.length > longestPart)
      count = Math.ceil(count / 2);
    const moments = this.kept.splice(0, count);
    this.transmit(moments, said(moments));
  }

  /** None where nothing of it may be seen any more. */
  private shown(moment: Moment): readonly Moment[] {
    const entries = this.options.shown(moment.entries);
    if (entries.length === moment.entries.length) return [moment];
    return entries.length === 0 ? [] : [{ ...moment, entries }];
  }

  private transmit(moments: readonly Moment[], entries: readonly Entry[]): void {
    this.underway = moments;
    this.send(this.rendered(entries), 'con').then(
      () => {
        this.underway = [];
        this.options.settled('delivered', moments.length);
        this.continue();
        this.remember();
      },
      (error: unknown) => {
        this.kept.unshift(...this.underway);
        this.underway = [];
        if (this.away || this.options.room().capacity > 0) this.keep([]);
        else this.close();
        this.remember();
        this.options.settled(outcomeOf(error), moments.length);
      },
    );
  }

  private send(response: Response, type: 'con' | 'auto'): Promise<'delivered' | 'superseded'> {
    this.options.stirred();
    return this.options.notify(response, { type });
  }

  private rendered(entries: readonly Entry[]): Response {
    try {
      return this.options.toResponse(entries);
    } catch (error) {
      return responseTo(error);
    }
  }
}

const outcomeOf = (error: unknown): NotificationOutcome => (error instanceof TimeoutError ? 'unacknowledged' : 'ended');

function responseTo(error: unknown): Response {
  return error instanceof ResponseError ? error.toResponse() : makeResponse(Code.InternalServerError);
}
