// A body handed over block by block to one reader, never holding more than one block: whoever pushes learns when
// the reader has done with a block by its asking for the next.

/** read: the reader came back for more · left: it reads no further */
export type StreamProgress = 'read' | 'left';

export class BodyStream implements AsyncIterable<Uint8Array> {
  private chunk: Uint8Array | undefined;
  private ended = false;
  private failure: { readonly reason: unknown } | undefined;
  private left = false;
  /** Wakes the reader that waits for a block. */
  private arrived: (() => void) | undefined;
  /** Wakes the writer that waits for the reader. */
  private asked: ((progress: StreamProgress) => void) | undefined;

  /** One at a time. Settles when the reader asks for the block behind it, or leaves. */
  push(chunk: Uint8Array): Promise<StreamProgress> {
    if (this.left) return Promise.resolve('left');
    this.chunk = chunk;
    const taken = new Promise<StreamProgress>((resolve) => {
      this.asked = resolve;
    });
    this.wake();
    return taken;
  }

  /** `last` is the rest of the body. */
  end(last: Uint8Array): void {
    this.chunk = last.length > 0 ? last : undefined;
    this.ended = true;
    this.wake();
  }

  /** The reader's next read rejects with `reason`. */
  fail(reason: unknown): void {
    this.failure = { reason };
    this.chunk = undefined;
    this.asked?.('left');
    this.asked = undefined;
    this.wake();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        this.tell('read');
        for (;;) {
          if (this.failure !== undefined) throw this.failure.reason;
          const { chunk } = this;
          if (chunk !== undefined) {
            this.chunk = undefined;
            return { done: false, value: chunk };
          }
          if (this.ended || this.left) return { done: true, value: undefined };
          await new Promise<void>((resolve) => {
            this.arrived = resolve;
          });
        }
      },
      return: () => {
        this.left = true;
        this.tell('left');
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  private wake(): void {
    this.arrived?.();
    this.arrived = undefined;
  }

  private tell(progress: StreamProgress): void {
    // A block that nobody has taken yet is not done with.
    if (progress === 'read' && this.chunk !== undefined) return;
    this.asked?.(progress);
    this.asked = undefined;
  }
}
