// Holds back what has changed, so that it is told in one round.
import type { Path } from '@lapwing/lwm2m';

export interface Held {
  readonly changed: readonly Path[];
  /** Instances came or went. */
  readonly listChanged: boolean;
}

export class RegistryLock {
  private readonly release: (held: Held) => void;
  private locks = 0;
  private changed: Path[] = [];
  private isListChanged = false;

  /** `release` hears what was held back when the last lock is disposed. */
  constructor(release: (held: Held) => void) {
    this.release = release;
  }

  get isLocked(): boolean {
    return this.locks > 0;
  }

  lock(): Disposable {
    this.locks += 1;
    let isOpen = true;
    return {
      [Symbol.dispose]: () => {
        if (!isOpen) return;
        isOpen = false;
        this.locks -= 1;
        if (this.locks > 0) return;
        const held = { changed: this.changed, listChanged: this.isListChanged };
        this.changed = [];
        this.isListChanged = false;
        this.release(held);
      },
    };
  }

  /** False when nobody has locked: then it is to be told at once. */
  holds(paths: readonly Path[]): boolean {
    if (this.locks > 0) this.changed.push(...paths);
    return this.locks > 0;
  }

  /** As `holds`. */
  holdsList(): boolean {
    if (this.locks > 0) this.isListChanged = true;
    return this.locks > 0;
  }
}
