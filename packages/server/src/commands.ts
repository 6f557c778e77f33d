// One queue of commands for each device: in order, the next when the device has the one before, held back while it
// sleeps; a command that fails makes room for the next. Bounded in number; each has its own time to live.
import { type Clock, type Duration, LimitError, TimeoutError } from '@lapwing/kernel';
import type { Contact } from './contact.ts';
import { NotRegisteredError } from './errors.ts';

export interface CommandOptions {
  /** Withdraws the command, also while it is under way. */
  readonly signal?: AbortSignal;
  /** Longest wait in the queue in ms; then it fails with TimeoutError. Default: no end but that of the registration. */
  readonly ttl?: Duration;
}

/** Sends the command. */
export type Work<T> = (contact: Contact, command: Underway) => Promise<T>;

/** A command on its way, as seen by who sends it. */
export interface Underway {
  /** Goes out whatever else is unacknowledged. */
  readonly urgent: boolean;
  /** Set by who sends it: stops it on its way. */
  withdraw: ((reason: unknown) => void) | undefined;
  /** The device has it and will answer later: the next command need not wait for that (RFC 7252 §4.7). */
  taken(): void;
}

/** Settles once; what comes of it after that is of no interest to anybody. */
export class Command<T = unknown> implements Underway {
  /** Whose queue it is in. */
  contact: Contact;
  readonly work: Work<T>;
  readonly resolve: (outcome: T) => void;
  readonly reject: (error: unknown) => void;
  readonly urgent: boolean;
  running = false;
  isTaken = false;
  withdraw: ((reason: unknown) => void) | undefined = undefined;
  timer: Disposable | undefined = undefined;
  /** Takes the caller's signal off again. */
  released: (() => void) | undefined = undefined;

  private readonly queues: Commands;

  constructor(
    { contact, work, urgent, queues }: Pick<Command<T>, 'contact' | 'work' | 'urgent'> & { readonly queues: Commands },
    resolve: (outcome: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.contact = contact;
    this.work = work;
    this.urgent = urgent;
    this.queues = queues;
    this.resolve = resolve;
    this.reject = reject;
  }

  taken(): void {
    this.isTaken = true;
    this.queues.pump(this.contact);
  }

  release(): void {
    this.released?.();
    this.timer?.[Symbol.dispose]();
    this.released = undefined;
    this.timer = undefined;
  }
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
  enqueue<T>(contact: Contact, work: Work<T>, options: CommandOptions): Promise<T> {
    const { signal, ttl } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (contact.ended) return Promise.reject(new NotRegisteredError(`${contact.registration.name} is not registered`));
    const length = contact.commands?.length ?? 0;
    if (length >= this.limit) {
      const { name } = contact.registration;
      return Promise.reject(new LimitError(`${name}: ${length} commands wait already`, this.limit));
    }
    return new Promise<T>((resolve, reject) => {
      const command = new Command<T>({ contact, work, urgent: false, queues: this }, resolve, reject);
      if (signal !== undefined) this.listen(command as Command, signal);
      if (ttl !== undefined) {
        command.timer = this.clock.at(this.clock.now() + ttl, () => {
          if (command.running) return;
          const { registration, awakeUntil } = command.contact;
          const phase = registration.queueMode && awakeUntil === undefined ? 'sleep' : 'queue';
          this.drop(command as Command, new TimeoutError('the command was not sent in time', ttl, phase));
        });
      }
      this.held += 1;
      // An array of one, where a push makes room for seventeen: seldom does more than one command wait.
      if (contact.commands === undefined) contact.commands = [command as Command];
      else contact.commands.push(command as Command);
      this.pump(contact);
    });
  }

  /** Does `work` at once, past whatever waits. */
  runNow<T>(contact: Contact, work: Work<T>, { signal }: CommandOptions): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise<T>((resolve, reject) => {
      const command = new Command<T>({ contact, work, urgent: true, queues: this }, resolve, reject);
      if (signal !== undefined) this.listen(command as Command, signal);
      this.start(command as Command);
    });
  }

  /** Sends the next command if the device may be spoken to. */
  pump(contact: Contact): void {
    if (contact.commands === undefined || contact.ended) return;
    if (contact.record.queueMode && contact.awakeUntil === undefined) return;
    for (const command of contact.commands) {
      if (command.running && command.isTaken) continue;
      if (!command.running) this.start(command);
      return;
    }
  }

  private start(command: Command): void {
    command.running = true;
    command.work(command.contact, command).then(
      (outcome) => {
        command.resolve(outcome);
        this.finish(command);
      },
      (error: unknown) => {
        command.reject(error);
        this.finish(command);
      },
    );
  }

  /** The registration ended: nothing of it can be sent any more. */
  abandon(contact: Contact, error: Error): void {
    for (const command of [...(contact.commands ?? [])]) this.drop(command, error);
  }

  /** The device came back under a new registration: what waits goes there, in order; what was under way fails. */
  move(from: Contact, to: Contact, error: Error): void {
    const queue = from.commands ?? [];
    const waiting = queue.filter((command) => !command.running);
    for (const command of queue) if (command.running) this.drop(command, error);
    // What is under way is not counted any more: its end finds no queue.
    this.held -= queue.length - waiting.length;
    from.commands = undefined;
    if (waiting.length > 0) to.commands = waiting;
    for (const command of waiting) command.contact = to;
  }

  private listen(command: Command, signal: AbortSignal): void {
    const aborted = (): void => this.drop(command, signal.reason);
    command.released = () => signal.removeEventListener('abort', aborted);
    signal.addEventListener('abort', aborted, { once: true });
  }

  private finish(command: Command): void {
    command.release();
    this.remove(command);
    this.pump(command.contact);
  }

  private drop(command: Command, error: unknown): void {
    command.release();
    // Its caller hears this and not what the way out may still throw.
    command.reject(error);
    if (command.running) command.withdraw?.(error);
    else this.remove(command);
  }

  private remove(command: Command): void {
    const { contact } = command;
    const queue = contact.commands;
    const at = queue?.indexOf(command) ?? -1;
    if (queue === undefined || at < 0) return;
    this.held -= 1;
    if (queue.length === 1) contact.commands = undefined;
    else queue.splice(at, 1);
  }
}
