// Writes what relations keep to the store of notifications (shell): the newest state of each, one write at a time, and counts what is lost.
import { afterTurn } from '@lapwing/kernel';
import { formatPath, type Path } from '@lapwing/lwm2m';
import type { Moment } from './delivery.ts';
import type { KeptNotifications, NotificationStore } from './notification-store.ts';

export interface NotificationStats {
  /** Moments that were kept and given up since there was no more room (`hqmax`). */
  readonly dropped: number;
  /** Writes to the store that failed. */
  readonly unwritten: number;
}

export class Remembering {
  private readonly store: NotificationStore | undefined;
  private readonly server: number;
  /** What is to be written. */
  private readonly waiting: Map<string, KeptNotifications>;
  /** What the store may have. */
  private readonly written: Set<string>;
  private running: Promise<void> | undefined;
  private counts = { dropped: 0, unwritten: 0 };

  /** `server`: its short server id. */
  constructor(store: NotificationStore | undefined, server: number) {
    this.store = store;
    this.server = server;
    this.waiting = store === undefined ? nothingWaits : new Map();
    this.written = store === undefined ? nothingWritten : new Set();
  }

  stats(): NotificationStats {
    return { ...this.counts };
  }

  dropped(count: number): void {
    this.counts.dropped += count;
  }

  /** Of before the start; nothing when the store cannot be read. */
  async read(): Promise<readonly KeptNotifications[]> {
    try {
      const kept = (await this.store?.read(this.server)) ?? [];
      for (const { paths } of kept) this.written.add(keyOf(paths));
      return kept;
    } catch {
      this.counts.unwritten += 1;
      return [];
    }
  }

  keep(paths: readonly Path[], moments: readonly Moment[]): void {
    if (this.store === undefined) return;
    const key = keyOf(paths);
    if (moments.length === 0 && !this.written.has(key) && !this.waiting.has(key)) return;
    this.waiting.set(key, { paths, moments });
    this.running ??= new Promise((done) =>
      afterTurn(() => void this.write(this.store as NotificationStore).then(done)),
    );
  }

  /** Resolves when everything is written that can be. */
  async flush(): Promise<void> {
    await this.running;
  }

  private async write(store: NotificationStore): Promise<void> {
    for (const [key, kept] of this.waiting) {
      this.waiting.delete(key);
      if (kept.moments.length > 0) this.written.add(key);
      else this.written.delete(key);
      try {
        await store.write(this.server, kept);
      } catch {
        this.counts.unwritten += 1;
      }
    }
    this.running = undefined;
  }
}

/** Where there is no store: shared, and never written to. */
const nothingWaits = new Map<string, KeptNotifications>();
const nothingWritten = new Set<string>();

const keyOf = (paths: readonly Path[]): string => paths.map(formatPath).sort().join();
