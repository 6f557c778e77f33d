// Values that go to one server without being asked for (Core 1.2.1 §6.4.5): one message at a time, measurements in as many as they
// need, and where the caller is patient, also when the server can be reached again.
import { ClosedError, TimeoutError } from '@lapwing/kernel';
import type { Entry } from '@lapwing/lwm2m';
import { SendError } from '../errors.ts';
import { longestPart, parts } from './parts.ts';

export interface SendOptions {
  /** Withdraws it, also while it is under way. */
  readonly signal?: AbortSignal;
  /** Content-Format; default by version, and for values with times SenML. */
  readonly format?: number;
  /** Waits until the server can be reached, and goes again when it was not acknowledged; default false. */
  readonly queue?: boolean;
}

/** How many values of patient callers wait, and who gives way to whom. */
export interface SendStorage {
  readonly limit: number;
  readonly drop: 'oldest' | 'newest';
}

/** What waits, without whoever waits for it. */
export interface QueuedSend {
  readonly entries: readonly Entry[];
  readonly format?: number;
}

interface Sending {
  /** What the server has not acknowledged. */
  entries: readonly Entry[];
  readonly options: SendOptions;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface SendsOptions {
  /** Whether something can go to the server now. */
  readonly isOpen: () => boolean;
  /** Sends one message, or throws what is wrong with it. */
  readonly transmit: (entries: readonly Entry[], options: SendOptions) => Promise<void>;
  /** Bytes that the message would have of payload. */
  readonly sizeOf: (entries: readonly Entry[], options: SendOptions) => number;
  /** Something waits for the server. */
  readonly wanted: () => void;
  readonly storage: SendStorage;
  /** What waits is another. */
  readonly changed: (waiting: readonly QueuedSend[]) => void;
}

export class Sends implements Disposable {
  private readonly options: SendsOptions;
  private readonly waiting: Sending[] = [];
  private busy = false;

  constructor(options: SendsOptions) {
    this.options = options;
  }

  /** Of patient callers, under way or not. */
  get size(): number {
    return this.waiting.length;
  }

  /** At once, in as many messages as it takes; `left` hears what remains after each but the last. */
  async now(
    entries: readonly Entry[],
    options: SendOptions,
    left: (entries: readonly Entry[]) => void = () => undefined,
  ): Promise<void> {
    const messages = this.parts(entries, options);
    for (const [at, message] of messages.entries()) {
      await this.options.transmit(message, options);
      if (at + 1 < messages.length) left(messages.slice(at + 1).flat());
    }
  }

  /** When its turn comes; rejects with SendError `dropped` when it gives way to others. */
  async later(entries: readonly Entry[], options: SendOptions): Promise<void> {
    const { signal } = options;
    signal?.throwIfAborted();
    let withdrawn = (): void => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const sending: Sending = { entries, options, resolve, reject };
        withdrawn = () => this.withdraw(sending, signal?.reason);
        signal?.addEventListener('abort', withdrawn, { once: true });
        this.queue(sending);
      });
    } finally {
      signal?.removeEventListener('abort', withdrawn);
    }
  }

  /** What waited before a restart goes first, and nobody hears what becomes of it. */
  restore(waiting: readonly QueuedSend[]): void {
    const nobody = (): void => undefined;
    this.waiting.unshift(
      ...waiting.map(({ entries, format }) => ({
        entries,
        options: format === undefined ? {} : { format },
        resolve: nobody,
        reject: nobody,
      })),
    );
  }

  /** The server can be reached: everything that waits goes, in order. */
  async flush(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      for (let sending = this.waiting[0]; sending !== undefined; sending = this.waiting[0]) {
        if (!this.options.isOpen()) break;
        try {
          const current = sending;
          await this.now(current.entries, current.options, (entries) => {
            current.entries = entries;
            this.tell();
          });
          this.withdraw(sending);
        } catch (error) {
          // Nobody has heard it: it goes again when the device is registered anew, unless it was withdrawn meanwhile.
          if (isLost(error) && this.waiting.includes(sending)) break;
          this.withdraw(sending, error);
        }
      }
    } finally {
      this.busy = false;
    }
  }

  [Symbol.dispose](): void {
    const error = new ClosedError('the client was closed');
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }

  private queue(sending: Sending): void {
    const { storage, wanted, isOpen } = this.options;
    this.waiting.push(sending);
    // The one under way is not dropped.
    while (this.waiting.length > storage.limit) {
      const at = storage.drop === 'newest' ? this.waiting.length - 1 : this.busy && this.waiting.length > 1 ? 1 : 0;
      const [gone] = this.waiting.splice(at, 1);
      gone?.reject(new SendError('dropped', `more than ${storage.limit} wait to be sent`));
    }
    this.tell();
    if (isOpen()) void this.flush();
    else if (this.waiting.includes(sending)) wanted();
  }

  private tell(): void {
    this.options.changed(
      this.waiting.map(({ entries, options: { format } }) =>
        format === undefined ? { entries } : { entries, format },
      ),
    );
  }

  private withdraw(sending: Sending, error?: unknown): void {
    const at = this.waiting.indexOf(sending);
    if (at < 0) return;
    this.waiting.splice(at, 1);
    this.tell();
    if (error === undefined) sending.resolve();
    else sending.reject(error);
  }

  /** Measurements go in messages that every server takes; values without times belong together. */
  private parts(entries: readonly Entry[], options: SendOptions): readonly (readonly Entry[])[] {
    const isPast = entries.some(({ time }) => time !== undefined);
    return isPast ? parts(entries, (part) => this.options.sizeOf(part, options) <= longestPart) : [entries];
  }
}

const isLost = (error: unknown): boolean =>
  error instanceof TimeoutError ||
  error instanceof ClosedError ||
  (error instanceof SendError && error.problem === 'not-registered');
