// What one reader of an observation has not read yet: notifications in order, bounded, until the observation ends.
// It travels as the observation's tag, so that a notification finds its reader without asking all of them.
import type { ContentResult } from '@lapwing/lwm2m';

/** Kept for a slow reader; then the oldest are dropped. */
const limit = 1000;

export class Watch {
  /** It goes on when the device registers anew. */
  readonly isLasting: boolean;
  private readonly waiting: ContentResult[] = [];
  private wake: (() => void) | undefined;
  private ended = false;

  constructor({ lasting = false }: { readonly lasting?: boolean } = {}) {
    this.isLasting = lasting;
  }

  get isOver(): boolean {
    return this.ended;
  }

  put(result: ContentResult): void {
    if (this.ended) return;
    this.waiting.push(result);
    if (this.waiting.length > limit) this.waiting.shift();
    this.wake?.();
  }

  end(): void {
    this.ended = true;
    this.wake?.();
  }

  /** The next one; undefined when there will be none. */
  async next(signal: AbortSignal | undefined): Promise<ContentResult | undefined> {
    while (this.waiting.length === 0 && !this.ended && !(signal?.aborted ?? false)) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        signal?.addEventListener('abort', this.stop, { once: true });
      });
      signal?.removeEventListener('abort', this.stop);
      this.wake = undefined;
    }
    signal?.throwIfAborted();
    return this.waiting.shift();
  }

  private readonly stop = (): void => this.wake?.();
}
