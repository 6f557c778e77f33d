// The recent past of single resources: each value that is written is kept with its time, so that a Read, a Notify or a Send says
// what was since the same server was told last, and not only what is. Every server has its own place in it.
import { type Clock, ConfigError } from '@lapwing/kernel';
import { contains, type Entry, formatPath, type Path, type Value } from '@lapwing/lwm2m';

export interface HistoryOptions {
  /** Values that are kept, 1 to 100 000. */
  readonly size: number;
  /** What goes when there are more; default `oldest`. A value counts as kept until every server that takes any has taken it. */
  readonly drop?: 'oldest' | 'newest';
  /** Whether a value is worth keeping; default all are. The resource has it in any case. */
  readonly accept?: (value: Value) => boolean;
}

/** A resource whose past is kept. Disposing it forgets the past. */
export interface Series extends Disposable {
  /** Values that may come before one has to go. */
  readonly free: number;
  /** Values that had to go before they were taken. */
  readonly dropped: number;
}

interface Sample {
  readonly sequence: number;
  readonly value: Value;
  /** Unix time in seconds. */
  readonly time: number;
}

const largest = 100_000;

/** Two values of one resource at one time cannot be told apart, and no format says them: the later one is a ms later. */
export function after(previous: number, time: number): number {
  // A clock that was set back is believed.
  return time <= previous && previous - time < 1 ? previous + 0.001 : time;
}

class Recording implements Series {
  readonly path: Path;
  private readonly options: HistoryOptions;
  private readonly history: History;
  private samples: Sample[] = [];
  private next = 1;
  private lost = 0;
  private last = 0;

  constructor(path: Path, options: HistoryOptions, history: History) {
    this.path = path;
    this.options = options;
    this.history = history;
  }

  get free(): number {
    return Math.max(0, this.options.size - this.waiting);
  }

  get dropped(): number {
    return this.lost;
  }

  /** Not taken by all who take any. */
  private get waiting(): number {
    const taken = this.history.takenByAll(this);
    const first = this.samples.findIndex(({ sequence }) => sequence > taken);
    return first < 0 ? 0 : this.samples.length - first;
  }

  add(value: Value, time: number): void {
    const { size, drop = 'oldest' } = this.options;
    if (!this.accepts(value)) return;
    const { waiting } = this;
    if (waiting >= size) this.lost += 1;
    if (waiting >= size && drop === 'newest') return;
    this.last = after(this.last, time);
    this.samples.push({ sequence: this.next, value, time: this.last });
    this.next += 1;
    if (this.samples.length > size) this.samples.shift();
  }

  /** What nobody can judge is kept: it may be the value that somebody looks for. */
  private accepts(value: Value): boolean {
    const { accept } = this.options;
    if (accept === undefined) return true;
    try {
      return accept(value);
    } catch (error) {
      this.history.failed(error);
      return true;
    }
  }

  since(sequence: number): readonly Sample[] {
    return this.samples.filter((sample) => sample.sequence > sequence);
  }

  [Symbol.dispose](): void {
    this.history.forget(this);
  }
}

export class History {
  private readonly clock: Pick<Clock, 'wall'>;
  private readonly valueAt: (path: Path) => Value | undefined;
  private readonly recordings = new Map<string, Recording>();
  private readonly readers: HistoryReader[] = [];
  /** Hears what an `accept` throws. */
  readonly failed: (error: unknown) => void;

  /** `valueAt` says what a resource with one value is now; undefined for what is none. */
  constructor(
    clock: Pick<Clock, 'wall'>,
    valueAt: (path: Path) => Value | undefined,
    failed: (error: unknown) => void,
  ) {
    this.clock = clock;
    this.valueAt = valueAt;
    this.failed = failed;
  }

  /**
   * Keeps what is written to a resource from now on; what was kept of it before is forgotten. Throws ConfigError for a size out of
   * range, and for what is not one value.
   */
  record(path: Path, options: HistoryOptions): Series {
    const { size } = options;
    const problems: string[] = [];
    if (!(Number.isInteger(size) && size >= 1 && size <= largest))
      problems.push(`size: ${size} is not 1 to ${largest}`);
    if (this.valueAt(path) === undefined) problems.push(`path: ${formatPath(path)} has no single value`);
    if (problems.length > 0) throw new ConfigError(problems);
    const recording = new Recording(path, options, this);
    this.recordings.set(formatPath(path), recording);
    return recording;
  }

  /** Values were written. */
  changed(paths: readonly Path[]): void {
    for (const recording of this.recordings.values()) {
      if (!paths.some((path) => contains(path, recording.path))) continue;
      const value = this.valueAt(recording.path);
      if (value !== undefined) recording.add(value, this.clock.wall() / 1000);
    }
  }

  reader(): HistoryReader {
    const reader = new HistoryReader(this);
    this.readers.push(reader);
    return reader;
  }

  get isEmpty(): boolean {
    return this.recordings.size === 0;
  }

  at(path: Path): Recording | undefined {
    return this.recordings.get(formatPath(path));
  }

  takenByAll(recording: Recording): number {
    let least = Number.POSITIVE_INFINITY;
    for (const reader of this.readers) least = Math.min(least, reader.taken(recording) ?? least);
    return least === Number.POSITIVE_INFINITY ? 0 : least;
  }

  forget(recording: Recording): void {
    const key = formatPath(recording.path);
    if (this.recordings.get(key) === recording) this.recordings.delete(key);
  }

  leave(reader: HistoryReader): void {
    const at = this.readers.indexOf(reader);
    if (at >= 0) this.readers.splice(at, 1);
  }
}

export interface Taken {
  readonly entries: readonly Entry[];
  /** Gives back what was taken, to be taken again: it was not heard. Undefined where nothing was. */
  readonly giveBack: (() => void) | undefined;
}

/** What one server has been told of the past. */
export class HistoryReader implements Disposable {
  private readonly history: History;
  /** Made when something of a past is taken. */
  private places: Map<Recording, number> | undefined = undefined;

  constructor(history: History) {
    this.history = history;
  }

  /** Values of a kept past take the place of the present one, oldest first, as far as this server has not taken them. */
  take(entries: readonly Entry[]): Taken {
    if (this.history.isEmpty) return { entries, giveBack: undefined };
    this.places ??= new Map();
    const { places } = this;
    const before: [Recording, number][] = [];
    const all = entries.flatMap((entry) => {
      const recording = entry.time === undefined ? this.history.at(entry.path) : undefined;
      if (recording === undefined) return [entry];
      const place = places.get(recording) ?? 0;
      const samples = recording.since(place);
      places.set(recording, samples.at(-1)?.sequence ?? place);
      if (samples.length === 0) return [entry];
      before.push([recording, place]);
      return samples.map(({ value, time }) => ({ path: entry.path, value, time }));
    });
    if (before.length === 0) return { entries: all, giveBack: undefined };
    return {
      entries: all,
      giveBack: () => {
        for (const [recording, place] of before) places.set(recording, Math.min(place, places.get(recording) ?? place));
      },
    };
  }

  /** Undefined where it takes nothing of that past. */
  taken(recording: Recording): number | undefined {
    return this.places?.get(recording);
  }

  /** It begins anew: with everything that is there. */
  reset(): void {
    this.places?.clear();
  }

  [Symbol.dispose](): void {
    this.history.leave(this);
  }
}
