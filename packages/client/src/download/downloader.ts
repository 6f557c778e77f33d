// Fetches one package, however often the road to it is lost: each attempt goes on where the last one came to, as long as the package is
// still the same; after some attempts in a row that come no further than those before it gives up.
import { type Clock, type Duration, delay, type Random, seconds } from '@lapwing/kernel';
import { PackageError } from './errors.ts';
import { Intake, type Received } from './intake.ts';
import type { PackageStore } from './package-store.ts';
import type { PackageBeginning, PackageLogin, PackageSource, PackageTag, PackageWish } from './source.ts';

/** How long a device goes on to ask for a package that does not come. */
export interface DownloadPatience {
  /** Attempts in a row that come no further, or less than a kilobyte, before it is given up; default 20. */
  readonly attempts: number;
  /** Wait before the second of them, in ms; doubled for each further one; default 2 s. */
  readonly firstWait: Duration;
  /** In ms; default 20 s. */
  readonly longestWait: Duration;
  /** Chance adds up to this part of each wait, 0 to 1; default 0.25. */
  readonly spread: number;
}

export const defaultPatience: DownloadPatience = {
  attempts: 20,
  firstWait: seconds(2),
  longestWait: seconds(20),
  spread: 0.25,
};

/** What of a package is there for good. */
export interface Progress {
  readonly size: number;
  readonly tag: PackageTag | undefined;
}

/** Bytes after which it is noted how far a package has come: a loss of power costs no more. */
const checkpointEvery = 32 * 1024;

/** Bytes of an attempt that was not in vain. */
const worthwhile = 1024;

/** Bytes by which a source may see that it still has the same. */
const longestTail = 1024;

export interface DownloadTask {
  readonly uri: string;
  readonly login?: PackageLogin;
  readonly source: PackageSource;
  readonly store: PackageStore;
  readonly mostBytes: number;
  /** As noted last; default from the start. */
  readonly from?: Progress;
  readonly patience: DownloadPatience;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Notes how far it has come; what is noted is there for good. */
  readonly note: (progress: Progress) => Promise<void>;
}

/** Rejects with PackageError, or with the signal's reason. */
export async function download(task: DownloadTask): Promise<Received> {
  const { signal, patience, clock, uri, login } = task;
  const wanted = login === undefined ? { uri } : { uri, login };
  const reception = await Reception.open(task);
  for (let fruitless = 0; ; ) {
    const before = reception.furthest;
    try {
      await task.source.fetch({ ...wanted, ...(await reception.position()), signal }, reception);
      return await reception.finish();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PackageError) || error.problem !== 'connection-lost') throw error;
      fruitless = reception.furthest - before >= worthwhile ? 1 : fruitless + 1;
      if (fruitless >= patience.attempts) throw error;
    }
    await delay(clock, waitAfter(fruitless, patience, task.random), signal);
  }
}

function waitAfter(fruitless: number, { firstWait, longestWait, spread }: DownloadPatience, random: Random): Duration {
  const wait = Math.min(longestWait, firstWait * 2 ** (fruitless - 1));
  return wait * (1 + spread * random.fraction());
}

/** Takes what a source hands on, and notes how far that is. */
class Reception {
  private readonly task: DownloadTask;
  private intake: Intake;
  private tag: PackageTag | undefined;
  private expected: number | undefined;
  private noted: number;
  /** Bytes that were there at most, of this state of the package. */
  furthest: number;
  /** How often it was another one. */
  private changes = 0;

  private constructor(task: DownloadTask, intake: Intake, tag: PackageTag | undefined) {
    this.task = task;
    this.intake = intake;
    this.tag = tag;
    this.noted = intake.size;
    this.furthest = intake.size;
  }

  static async open(task: DownloadTask): Promise<Reception> {
    const { store, from } = task;
    // Without a tag nobody can say whether the rest of today belongs to it.
    const size = from?.tag === undefined ? 0 : from.size;
    return new Reception(task, await Intake.open(store, task, size), from?.tag);
  }

  async position(): Promise<Pick<PackageWish, 'offset' | 'tag' | 'tail'>> {
    const { tag } = this;
    const { size: offset } = this.intake;
    if (tag !== undefined || offset === 0) return { offset, tag };
    const length = Math.min(offset, longestTail);
    return { offset, tag, tail: await this.task.store.read(offset - length, length) };
  }

  async begin({ offset, tag, size }: PackageBeginning): Promise<void> {
    this.task.signal.throwIfAborted();
    this.intake.announce(size);
    this.expected = size;
    if (offset === 0) {
      // A source whose package is another one each time has none.
      if (tag !== this.tag && this.changes < this.task.patience.attempts) {
        this.changes += 1;
        this.furthest = 0;
      }
      // What is noted of the one before must not be taken for the beginning of this one.
      this.tag = tag;
      this.noted = 0;
      await this.task.note({ size: 0, tag });
      this.intake = await Intake.open(this.task.store, this.task);
      return;
    }
    if (offset > this.intake.size || tag !== this.tag)
      throw new PackageError('connection-lost', `the source goes on at ${offset} in place of ${this.intake.size}`);
    if (offset < this.intake.size) this.intake = await Intake.open(this.task.store, this.task, offset);
    this.noted = Math.min(this.noted, offset);
  }

  async take(bytes: Uint8Array): Promise<void> {
    this.task.signal.throwIfAborted();
    await this.intake.take(bytes);
    this.furthest = Math.max(this.furthest, this.intake.size);
    if (this.intake.size - this.noted >= checkpointEvery) {
      await this.task.store.flush();
      this.noted = this.intake.size;
      await this.task.note({ size: this.noted, tag: this.tag });
    }
  }

  async finish(): Promise<Received> {
    if (this.expected !== undefined && this.expected !== this.intake.size)
      throw new PackageError('integrity', `${this.intake.size} of ${this.expected} bytes came`);
    return this.intake.finish();
  }
}
