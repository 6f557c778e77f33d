// One observation: told when something at or below its paths changed, and asked by its governor to look and to speak. Values are compared
// with those last told, so that gt, lt and st mean what they say.
import { codeClass, ResponseError, type Token } from '@lapwing/coap';
import { type Clock, Driver, type Instant } from '@lapwing/kernel';
import { type Attributes, type Entry, equalValues, formatPath, type Path, type Value } from '@lapwing/lwm2m';
import { isWorthTelling } from './conditions.ts';
import type { Delivery, Moment } from './delivery.ts';
import { Governor, type GovernorEffect, type GovernorInput, type KeptTimes } from './governor.ts';

/**
 * Why something is told: a value has changed at a path, or come or gone there, and the attributes let it pass; the longest period is over
 * (`pmax`); or the device was started again, and nobody knows what has changed meanwhile.
 */
export type Reason = { readonly cause: 'change'; readonly path: Path } | { readonly cause: 'period' | 'restart' };

/** What an observation goes by, for one that takes its place. */
export interface KeptWatch extends KeptTimes {
  /** As they were told last. */
  readonly told: readonly Entry[];
  /** As they were seen last. */
  readonly seen: readonly Entry[];
}

export interface RelationOptions {
  /** Of the request. */
  readonly token: Token | undefined;
  /** One, or those of a composite. */
  readonly paths: readonly Path[];
  readonly clock: Clock;
  /** What the first answer said. */
  readonly told: readonly Entry[];
  /** What counts for a path at or below an observed one: asked for each notification. */
  readonly attributes: (path: Path) => Attributes;
  /** The values as they are; throws when there is nothing any more. */
  readonly read: () => readonly Entry[];
  /** Finds out what they are; undefined where that takes no time. Never rejects. */
  readonly fetch: () => Promise<void> | undefined;
  /** Hears why something is told, before it is. */
  readonly telling: (reason: Reason) => void;
  /** Where what it says goes. */
  readonly delivery: () => Delivery | undefined;
  /** Ends it for the observer too. */
  readonly close: () => void;
}

export class Relation implements Disposable {
  private readonly options: RelationOptions;
  private readonly core: Governor;
  private readonly governor: Driver<GovernorInput, GovernorEffect>;
  private told: readonly Entry[];
  private suspended = false;
  /** As of the last look: what edges are seen against. */
  private seen: readonly Entry[];
  /** What was worth telling, as it was then: told when its time has come, whatever has become of it. */
  private frozen: (Moment & { readonly at: Path }) | undefined;
  private isAsked = false;
  /** How often it has spoken, or that it is over: what it wanted to say before is of no account then. */
  private turn = 0;
  private fetching = 0;

  constructor(options: RelationOptions) {
    this.options = options;
    this.told = options.told;
    this.seen = options.told;
    const { clock } = options;
    this.core = new Governor(this.governing(), clock.now());
    this.governor = new Driver(this.core, clock, ({ kind }) => this.act(kind));
  }

  private act(kind: GovernorEffect['kind']): void {
    if (kind === 'look') this.look();
    else if (kind === 'visit') this.afresh(() => this.look());
    else if (this.frozen !== undefined) this.speak();
    else
      this.afresh((isLater) => {
        if (isLater) this.governor.handle(notified);
        this.speak();
      });
  }

  /** Acts on values as they are found to be, unless it has spoken meanwhile. */
  private afresh(act: (isLater: boolean) => void): void {
    const fetched = this.options.fetch();
    if (fetched === undefined) {
      act(false);
      return;
    }
    const { turn } = this;
    this.fetching += 1;
    void fetched.then(() => {
      this.fetching -= 1;
      if (turn === this.turn) act(true);
    });
  }

  /** Nobody hears it now, and what it says is kept for whoever observes the same next. */
  get isSuspended(): boolean {
    return this.suspended;
  }

  suspend(): void {
    if (this.suspended) return;
    this.suspended = true;
    this.options.delivery()?.suspend();
    this.options.close();
  }

  /** What nobody has heard. */
  handOver(): readonly Moment[] {
    return this.options.delivery()?.handOver() ?? [];
  }

  /** Nothing is looked at and nothing goes out until `resume`: the device stands still. */
  pause(): void {
    this.governor.handle({ kind: 'pause' });
    this.hold();
  }

  resume(): void {
    this.governor.handle({ kind: 'resume' });
    this.release();
  }

  /** What is worth telling is kept until `release`: the server cannot be reached. */
  hold(): void {
    this.options.delivery()?.hold();
  }

  release(): void {
    this.options.delivery()?.release();
  }

  /** Says how things are, as soon as it may. */
  tell(): void {
    this.isAsked = true;
    this.governor.handle(changed);
  }

  get token(): Token | undefined {
    return this.options.token;
  }

  /** Undefined while it has something to say. */
  keep(): KeptWatch | undefined {
    const { told, seen } = this;
    const times = this.core.keep();
    const isBusy = this.suspended || this.frozen !== undefined || this.fetching > 0;
    if (isBusy || times === undefined || this.options.delivery()?.isQuiet === false) return undefined;
    return { told, seen, ...times };
  }

  /** It has just begun, in the place of another: what has changed meanwhile is worth a look. */
  recall({ told, seen, spokeAt, lookedAt }: KeptWatch): void {
    const now = valuesByPath(this.told);
    const isSame =
      seen.length === now.size && seen.every(({ path, value }) => isEqual(now.get(formatPath(path)), value));
    this.told = told;
    this.seen = seen;
    this.governor.handle({ kind: 'recall', spokeAt, lookedAt });
    if (!isSame) this.changed();
  }

  /** When it looks or speaks next by itself. */
  get deadline(): Instant | undefined {
    return this.core.deadline;
  }

  get paths(): readonly Path[] {
    return this.options.paths;
  }

  /** What counts for the relation as a whole: of several paths the shortest periods, and whatever one of them asks for. */
  governing(): Attributes {
    const [first, ...others] = this.paths;
    const attributes = first === undefined ? {} : this.attributes(first);
    return others.reduce<Attributes>((merged, path) => strictest(merged, this.attributes(path)), attributes);
  }

  /** What counts for this relation at `path`. */
  attributes(path: Path): Attributes {
    return this.options.attributes(path);
  }

  /** Something at or below, or above one of the paths changed. */
  changed(): void {
    this.governor.handle(touched);
  }

  steer(): void {
    this.governor.handle({ kind: 'attributes', attributes: this.governing() });
  }

  [Symbol.dispose](): void {
    this.turn = Number.NaN;
    this.governor[Symbol.dispose]();
    this.options.delivery()?.close();
    if (!this.suspended) this.options.close();
  }

  private speak(): void {
    const { read, delivery, clock, telling } = this.options;
    const { frozen, isAsked } = this;
    this.turn += 1;
    this.frozen = undefined;
    this.isAsked = false;
    try {
      this.told = frozen?.entries ?? read();
    } catch (error) {
      // What is gone may be back when somebody observes it again; a reader that fails may do better the next time.
      if (!this.suspended && isGone(error)) delivery()?.end(error);
      return;
    }
    const now = clock.wall() / 1000;
    const time = frozen?.time ?? now;
    telling(frozen === undefined ? { cause: isAsked ? 'restart' : 'period' } : { cause: 'change', path: frozen.at });
    delivery()?.say(this.told, time);
    // What it has become since may be worth telling too.
    if (time !== now) this.governor.handle(touched);
    else this.seen = this.told;
  }

  private look(): void {
    let now: readonly Entry[] | undefined;
    try {
      now = this.options.read();
    } catch (error) {
      if (!isGone(error)) return;
      // That it is gone is worth telling, and when it is time to tell it may be back.
      this.frozen = undefined;
    }
    const at = now && this.newsIn(now);
    if (now !== undefined && at !== undefined)
      this.frozen = { entries: now, time: this.options.clock.wall() / 1000, at };
    // What is back before its end was said goes on.
    const isBack = this.options.delivery()?.isEnding === true;
    if (now === undefined || at !== undefined || isBack) this.governor.handle(changed);
    if (now !== undefined) this.seen = now;
  }

  /** Where there is something worth telling. */
  private newsIn(now: readonly Entry[]): Path | undefined {
    const told = valuesByPath(this.told);
    const seen = this.seen === this.told ? told : valuesByPath(this.seen);
    const news = now.find(({ path, value }) => {
      const key = formatPath(path);
      const before = told.get(key);
      if (before === undefined || value === undefined) return told.has(key) ? before !== value : true;
      const lately = seen.get(key) ?? before;
      if (equalValues(before, value) && equalValues(lately, value)) return false;
      return isWorthTelling(this.attributes(path), { told: before, seen: lately }, value);
    });
    if (news !== undefined || now.length === this.told.length) return news?.path;
    const left = new Set(now.map(({ path }) => formatPath(path)));
    return this.told.find(({ path }) => !left.has(formatPath(path)))?.path;
  }
}

/** What is not there any more, or not for this server; all else may be better the next time. */
const isGone = (error: unknown): error is ResponseError =>
  error instanceof ResponseError && codeClass(error.status) === 4;

const touched = { kind: 'touched' } as const;
const changed = { kind: 'changed' } as const;
const notified = { kind: 'notified' } as const;

const isEqual = (a: Value | undefined, b: Value | undefined): boolean =>
  a === undefined || b === undefined ? a === b : equalValues(a, b);

const valuesByPath = (entries: readonly Entry[]): Map<string, Value | undefined> =>
  new Map(entries.map((entry) => [formatPath(entry.path), entry.value]));

/**
 * Who observes several paths at once is told as often as any one of them says. The text has no rule for that; its cases 308 and 309
 * want the minimum of one path to hold for changes at another that has none.
 */
function strictest(a: Attributes, b: Attributes): Attributes {
  const pick = (name: keyof Attributes, choose: (...values: number[]) => number): Attributes => {
    const [one, other] = [a[name], b[name]];
    if (one === undefined && other === undefined) return {};
    // Nothing says that a path without a minimum is looked at less often than it changes.
    if (one === undefined || other === undefined) return name === 'epmin' ? {} : { [name]: one ?? other };
    return { [name]: choose(one, other) };
  };
  return {
    ...pick('pmin', Math.min),
    ...pick('pmax', Math.min),
    ...pick('epmin', Math.min),
    ...pick('epmax', Math.min),
    ...pick('con', Math.max),
    ...pick('hqmax', Math.max),
  };
}
