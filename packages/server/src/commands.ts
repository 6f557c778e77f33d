// One queue of commands for each device: in order, one at a time, held back while the device sleeps; a command that
// fails makes room for the next. Bounded in number; each has its own time to live.
import { type Clock, type Duration, LimitError, TimeoutError } from '@lapwing/kernel';
import type { Contact } from './contact.ts';
import { NotRegisteredError } from './errors.ts';

export interface CommandOptions {
  /** Withdraws the command, also while it is under way. */
  readonly signal?: AbortSignal;
  /** Longest wait in the queue in ms; then it fails with TimeoutError. Default: no end but that of the registration. */
  readonly ttl?: Duration;
}

export interface Command {
  /** Sends it. Never rejects: the outcome goes to who asked. */
  readonly run: () => Promise<void>;
  readonly fail: (error: unknown) => void;
  /** Aborts when it was withdrawn or the registration ended. */
  readonly stop: AbortController;
  /** Whose queue it is in. */
  contact: Contact;
  timer: Disposable | undefined;
  running: boolean;
}

export class Commands {
  private readonly clock: Clock;
  private readonly limit: number;
  private held = 0;

  /** `limit` is the number of commands of one device, the one under way included. */
  constructor(clock: Clock, limit: number) {
    this.clock = clock;
    this.limit = limit;
  }

  /** Commands under way or waiting, of all devices. */
  get size(): number {
    return this.held;
  }

  /**
   * Does `work` when it is the command's turn. Rejects at once with LimitError when the queue is full, and with
   * NotRegisteredError when the registration has ended.
   */
  enqueue<T>(
    contact: Contact,
    work: (contact: Contact, signal: AbortSignal) => Promise<T>,
    options: CommandOptions,
  ): Promise<T> {
    const { signal, ttl } = options;
    const { name } = contact.registration;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (contact.ended) return Promise.reject(new NotRegisteredError(`${name} is not registered`));
    const length = contact.commands?.length ?? 0;
    if (length >= this.limit)
      return Promise.reject(new LimitError(`${name}: ${length} commands wait already`, this.limit));
    return new Promise<T>((resolve, reject) => {
      const stop = new AbortController();
      const withdrawn = (): void => {
        stop.abort(signal?.reason);
        if (!command.running) this.drop(command, signal?.reason);
      };
      const settled = (): void => {
        signal?.removeEventListener('abort', withdrawn);
        command.timer?.[Symbol.dispose]();
      };
      const fail = (error: unknown): void => {
        settled();
        reject(error);
      };
      const command: Command = {
        run: async () => {
          try {
            const outcome = await work(command.contact, stop.signal);
            settled();
            resolve(outcome);
          } catch (error) {
            fail(error);
          }
        },
        fail,
        stop,
        contact,
        timer: undefined,
        running: false,
      };
      if (ttl !== undefined) {
        command.timer = this.clock.at(this.clock.now() + ttl, () => {
          if (!command.running) this.drop(command, new TimeoutError('the command was not sent in time', ttl));
        });
      }
      signal?.addEventListener('abort', withdrawn, { once: true });
      this.held += 1;
      contact.commands ??= [];
      contact.commands.push(command);
      this.pump(contact);
    });
  }

  /** Sends the next command if the device may be spoken to. */
  pump(contact: Contact): void {
    const command = contact.commands?.[0];
    if (command === undefined || command.running || contact.ended) return;
    if (contact.registration.queueMode && contact.awakeUntil === undefined) return;
    command.running = true;
    void command.run().then(() => {
      this.remove(command);
      this.pump(command.contact);
    });
  }

  /** The registration ended: nothing of it can be sent any more. */
  abandon(contact: Contact, error: Error): void {
    for (const command of [...(contact.commands ?? [])]) {
      command.stop.abort(error);
      if (!command.running) this.drop(command, error);
    }
  }

  /** The device came back under a new registration: what waits goes there, in order; what was under way fails. */
  move(from: Contact, to: Contact, error: Error): void {
    const queue = from.commands ?? [];
    const waiting = queue.filter((command) => !command.running);
    from.commands = undefined;
    this.held -= queue.length - waiting.length;
    if (waiting.length > 0) to.commands = waiting;
    for (const command of waiting) command.contact = to;
    if (queue[0]?.running) queue[0].stop.abort(error);
  }

  private drop(command: Command, error: unknown): void {
    this.remove(command);
    command.fail(error);
  }

  private remove(command: Command): void {
    const { contact } = command;
    const queue = contact.commands;
    const at = queue?.indexOf(command) ?? -1;
    if (queue === undefined || at < 0) return;
    queue.splice(at, 1);
    this.held -= 1;
    if (queue.length === 0) contact.commands = undefined;
  }
}
