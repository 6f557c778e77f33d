// Files that are read again when they have changed: looked at every few seconds, since events of the file system do not come over every
// kind of it, nor when a file is replaced by another of its name.
import { stat } from 'node:fs/promises';
import type { Clock, Duration } from '@lapwing/kernel';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Who hears what becomes of files that have changed, and when they are looked at. */
export interface Ears {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** In ms. */
const interval: Duration = 5000;

export class WatchedFiles implements Disposable {
  private readonly files: readonly string[];
  private readonly clock: Clock;
  private readonly changed: () => Promise<void>;
  private seen = '';
  private timer: Disposable | undefined;
  private closed = false;

  /** `changed` is awaited and must not reject; it is called once for whatever changed within 5 s. */
  constructor(files: readonly string[], clock: Clock, changed: () => Promise<void>) {
    this.files = files;
    this.clock = clock;
    this.changed = changed;
  }

  /** `stamp`: what `stampOf` said of them before they were read, so that what has changed since is seen too. */
  start(stamp: string): void {
    this.seen = stamp;
    this.wait();
  }

  [Symbol.dispose](): void {
    this.closed = true;
    this.timer?.[Symbol.dispose]();
  }

  private wait(): void {
    if (this.closed || this.files.length === 0) return;
    this.timer = this.clock.at(this.clock.now() + interval, () => void this.check());
  }

  private async check(): Promise<void> {
    const now = await stampOf(this.files);
    if (this.closed) return;
    if (now !== this.seen) {
      this.seen = now;
      await this.changed();
    }
    this.wait();
  }
}

/** Another text when one of them is another, or has other content. */
export async function stampOf(files: readonly string[]): Promise<string> {
  return (await Promise.all(files.map(lookAt))).join();
}

async function lookAt(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}
