// The queue of commands that outlives the process (shell): one lane for each device, in order, bounded, each command written down
// before it may be sent. By default a device does a command at most once: that it goes out is written before it goes, and what was
// under way when the process ended is told as `unknown` and not sent again.
//
//   waiting ──its turn, written──▶ sent ──answered · failed──▶ settled ──told──▶ forgotten
//      ▲                            │
//      └── not seen, or may repeat ─┘        waiting ──withdrawn · too old──▶ settled
import { type Clock, Deadlines, type Duration, LimitError, type Random, seconds, toHex } from '@lapwing/kernel';
import type { Operation, Result } from '@lapwing/lwm2m';
import type { CommandOptions, Underway, Work } from './commands.ts';
import { type Contact, isAwake } from './contact.ts';
import { NotRegisteredError } from './errors.ts';
import { failureOfCommand, isSafe, nextStep, UnwrittenError, type Withdrawal } from './failure.ts';
import { beyond } from './obstacle.ts';
import { QueuedCommand } from './queued.ts';
import type { CommandChange, CommandStore, KeptCommand, Outcome, RetryPolicy } from './stores/command-store.ts';
import { WriteBehind } from './stores/write-behind.ts';

export interface QueueOptions {
  /** Default: a random one. A command with an id that is in the queue already is not queued twice: its handle comes back. */
  readonly id?: string;
  /** Longest wait until it is sent, in ms; default no end. */
  readonly ttl?: Duration;
  /** Default: three times at most, and only when the device has certainly not seen it. Operations that change nothing may always be repeated. */
  readonly retry?: Partial<RetryPolicy>;
  /** What comes back with the outcome, after a restart too. */
  readonly note?: string;
  /** A device that is not registered, now or later: `wait` for it (default), or `fail`. */
  readonly unregistered?: 'wait' | 'fail';
}

/** Who wants to know what becomes of queued commands. */
export interface CommandReceiver {
  /** The device has it and will answer separately. */
  acknowledged?(command: QueuedCommand): void;
  /** Once for each command. When it rejects, or the process ends before it resolves, it is told again at the next start. */
  settled(command: QueuedCommand, outcome: Outcome): Promise<void> | void;
}

export interface QueueHost {
  contactOf(name: string): Contact | undefined;
  /** Among all that is asked of the device, when it is awake. */
  enqueue(contact: Contact, work: Work<Result>, options: CommandOptions): Promise<Result>;
  ask(contact: Contact, command: QueuedCommand, acknowledged: () => void, underway: Underway): Promise<Result>;
  /** It is in the store now: nobody can lose it any more. */
  added(command: QueuedCommand): void;
  /** After this turn, when others can hear. */
  soon(work: () => void): void;
}

export interface CommandQueueOptions {
  readonly store: CommandStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: { readonly queued: number; readonly queuedInAll: number };
  readonly receiver: CommandReceiver | undefined;
  readonly host: QueueHost;
  readonly failed: (error: unknown) => void;
}

const standardRetry: RetryPolicy = { attempts: 3, pause: seconds(10), unless: 'seen' };
const longestPause: Duration = seconds(600);

/** The commands of one device. */
class Lane {
  readonly name: string;
  readonly commands: QueuedCommand[] = [];
  paused = false;

  constructor(name: string) {
    this.name = name;
  }
}

export class CommandQueue {
  private readonly options: CommandQueueOptions;
  private readonly writes: WriteBehind<CommandChange>;
  private readonly lanes = new Map<string, Lane>();
  private readonly ids = new Map<string, QueuedCommand>();
  /** Ends of commands and of pauses. */
  private readonly deadlines = new Deadlines<QueuedCommand | Lane>();
  private readonly withdrawals = new WeakMap<QueuedCommand, Withdrawal>();
  private timer: Disposable | undefined;
  private armedFor: number | undefined;
  private closed = false;

  constructor(options: CommandQueueOptions) {
    this.options = options;
    const { store, clock, failed } = options;
    this.writes = new WriteBehind({ write: (changes) => store.write(changes), clock, failed });
  }

  /** Commands that have no outcome, or one that is not told yet. */
  get size(): number {
    return this.ids.size;
  }

  get pending(): number {
    return this.writes.pending;
  }

  /** Those that wait or are under way, in order. */
  of(name: string): readonly QueuedCommand[] {
    return [...(this.lanes.get(name)?.commands ?? [])];
  }

  find(id: string): QueuedCommand | undefined {
    return this.ids.get(id);
  }

  /** Resolves once it is kept for good. Rejects with LimitError when the queue is full, or with what the store rejects with. */
  async add(name: string, operation: Operation, options: QueueOptions = {}): Promise<QueuedCommand> {
    const { clock, random, limits, store, host } = this.options;
    const { id = toHex(random.bytes(12)), ttl, note, unregistered = 'wait' } = options;
    const known = this.ids.get(id);
    if (known !== undefined) return known;
    const length = this.lanes.get(name)?.commands.length ?? 0;
    if (length >= limits.queued) throw new LimitError(`${name}: ${length} commands are queued`, limits.queued);
    if (this.ids.size >= limits.queuedInAll)
      throw new LimitError(`${this.ids.size} commands are queued in all`, limits.queuedInAll);
    const enqueuedAt = clock.wall();
    const command = this.put({
      id,
      name,
      operation,
      note,
      enqueuedAt,
      expiresAt: ttl === undefined ? undefined : enqueuedAt + ttl,
      retry: { ...standardRetry, ...options.retry },
      unregistered,
      attempts: 0,
      state: 'waiting',
      outcome: undefined,
    });
    command.progress.isKept = false;
    try {
      const [added] = await store.write([{ kind: 'add', command: command.toKept() }]);
      if (added === false) throw new LimitError(`${id}: there is a command of that id`, 1);
    } catch (error) {
      this.takeOut(command);
      this.ids.delete(id);
      // What came behind it has waited for it.
      this.pump(name);
      throw error;
    }
    command.progress.isKept = true;
    host.added(command);
    if (unregistered === 'fail') this.ended(name);
    this.pump(name);
    return command;
  }

  /** What was kept, in its order, once the registrations are there. */
  load(kept: Iterable<KeptCommand>): void {
    for (const each of kept) {
      const command = this.put(each);
      const { progress } = command;
      if (progress.state === 'settled') continue;
      if (progress.state === 'sent' && (command.retry.unless === 'answered' || isSafe(command.operation)))
        progress.state = 'waiting';
    }
  }

  /** After `load`, when others are ready to hear. */
  start(): void {
    for (const command of [...this.ids.values()]) {
      const { state, outcome } = command.progress;
      if (state === 'settled' && outcome !== undefined) void this.tell(command, outcome);
      else if (state === 'sent')
        this.settle(command, {
          kind: 'failed',
          failure: { kind: 'interrupted', delivered: 'unsure', reason: 'the server ended while it was under way' },
        });
      else if (command.unregistered === 'fail' && this.options.host.contactOf(command.name) === undefined)
        this.fail(command, new NotRegisteredError(`${command.name} is not registered`));
    }
    for (const name of [...this.lanes.keys()]) this.pump(name);
  }

  /** Hands the first command to the device's commands, where it waits for the device to wake. */
  pump(name: string): void {
    const lane = this.lanes.get(name);
    const [command] = lane?.commands ?? [];
    if (lane === undefined || command === undefined || lane.paused || this.closed) return;
    const { progress } = command;
    if (!progress.isKept || progress.submitted !== undefined || progress.state !== 'waiting') return;
    const { host, clock } = this.options;
    if (command.expiresAt !== undefined && command.expiresAt <= clock.wall()) {
      this.takeBack(command, this.overdue(command));
      return;
    }
    const contact = host.contactOf(name);
    if (contact === undefined) return;
    progress.submitted = new AbortController();
    const { signal } = progress.submitted;
    host
      .enqueue(contact, (target, underway) => this.carry(command, target, underway), { signal })
      .then(
        (result) => this.settle(command, { kind: 'answered', result }),
        (error: unknown) => this.fail(command, error),
      );
  }

  /** Where there is no registration, what does not wait for another fails. */
  ended(name: string): void {
    const { host } = this.options;
    // After what was under way has failed: outcomes are told in order.
    host.soon(() => {
      if (host.contactOf(name) !== undefined) return;
      for (const command of this.of(name))
        if (command.unregistered === 'fail' && command.progress.isKept && command.progress.submitted === undefined)
          this.fail(command, new NotRegisteredError(`${name} is not registered`));
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.timer?.[Symbol.dispose]();
    await this.writes.close();
  }

  private put(kept: KeptCommand): QueuedCommand {
    const command = new QueuedCommand(kept, this.withdraw);
    this.ids.set(command.id, command);
    if (kept.state === 'settled') return command;
    const lane = this.lanes.get(command.name) ?? new Lane(command.name);
    this.lanes.set(command.name, lane);
    lane.commands.push(command);
    const { clock } = this.options;
    if (command.expiresAt !== undefined) this.wake(command, clock.now() + command.expiresAt - clock.wall());
    return command;
  }

  /** Its turn has come, and the device listens. */
  private async carry(command: QueuedCommand, contact: Contact, underway: Underway): Promise<Result> {
    const { progress } = command;
    const { host, receiver } = this.options;
    const obstacle = beyond(contact, command.operation);
    if (obstacle !== undefined) throw obstacle;
    let withdrawn: { readonly reason: unknown } | undefined;
    underway.withdraw = (reason) => {
      withdrawn = { reason };
    };
    progress.state = 'sent';
    if (command.retry.unless === 'seen' && !isSafe(command.operation)) {
      await this.mark(command);
    }
    if (withdrawn !== undefined) throw withdrawn.reason;
    if (contact.ended || this.closed) throw new NotRegisteredError(`${command.name} is not registered`);
    progress.attempts += 1;
    progress.onTheWay = true;
    const acknowledged = (): void => {
      progress.acknowledged = true;
      receiver?.acknowledged?.(command);
    };
    return host.ask(contact, command, acknowledged, underway);
  }

  /** Writes down that it goes out, after what came of the one before: of one device, one command at most is on its way. */
  private async mark({ id, progress }: QueuedCommand): Promise<void> {
    if (!(await this.writes.drained())) throw new UnwrittenError('could not be written down');
    const move = { kind: 'move', id, from: 'waiting', to: 'sent', attempts: progress.attempts + 1 } as const;
    let written: readonly boolean[];
    try {
      written = await this.options.store.write([move]);
    } catch (cause) {
      this.options.failed(cause);
      throw new UnwrittenError('could not be written down', { cause });
    }
    if (written[0] !== true) throw new Error(`${id}: the store has it no more, or in another state`);
    progress.keptState = 'sent';
  }

  private fail(command: QueuedCommand, error: unknown): void {
    const { progress } = command;
    // A server that closes knows no more of it than the next one will.
    if (this.closed || progress.state === 'settled') return;
    const failure = failureOfCommand(error, progress, this.withdrawals.get(command));
    const step = nextStep(failure, command);
    if (step === 'give-up') {
      this.settle(command, { kind: 'failed', failure });
      return;
    }
    const { attempts } = progress;
    progress.state = 'waiting';
    progress.submitted = undefined;
    progress.onTheWay = false;
    progress.acknowledged = false;
    if (progress.keptState === 'sent') {
      progress.keptState = 'waiting';
      void this.writes.add({ kind: 'move', id: command.id, from: 'sent', to: 'waiting', attempts });
    }
    const { pause } = command.retry;
    const isAway = failure.kind === 'unreachable' && this.options.host.contactOf(command.name) === undefined;
    if (!isAway) this.rest(command.name, Math.min(pause * 2 ** Math.max(0, attempts - 1), longestPause));
  }

  private rest(name: string, pause: Duration): void {
    const lane = this.lanes.get(name);
    if (lane === undefined) return;
    lane.paused = true;
    this.wake(lane, this.options.clock.now() + pause);
  }

  /** The device is there, whatever was the matter. */
  resume(name: string): void {
    const lane = this.lanes.get(name);
    if (lane === undefined) return;
    lane.paused = false;
    this.deadlines.delete(lane);
    this.pump(name);
  }

  private settle(command: QueuedCommand, outcome: Outcome): void {
    const { progress } = command;
    if (this.closed || progress.state === 'settled') return;
    progress.state = 'settled';
    progress.outcome = outcome;
    this.takeOut(command);
    void this.keepAndTell(command, outcome);
    this.pump(command.name);
  }

  private async keepAndTell(command: QueuedCommand, outcome: Outcome): Promise<void> {
    const { attempts, keptState } = command.progress;
    await this.writes.add({ kind: 'move', id: command.id, from: keptState, to: 'settled', attempts, outcome });
    await this.tell(command, outcome);
  }

  private async tell(command: QueuedCommand, outcome: Outcome): Promise<void> {
    command.tell(outcome);
    try {
      await this.options.receiver?.settled(command, outcome);
    } catch (error) {
      this.options.failed(error);
      return;
    }
    this.ids.delete(command.id);
    if (!this.closed) await this.writes.add({ kind: 'remove', id: command.id });
  }

  private takeOut(command: QueuedCommand): void {
    this.deadlines.delete(command);
    const lane = this.lanes.get(command.name);
    const at = lane?.commands.indexOf(command) ?? -1;
    if (lane === undefined || at < 0) return;
    lane.commands.splice(at, 1);
    if (lane.commands.length > 0) return;
    this.lanes.delete(lane.name);
    this.deadlines.delete(lane);
  }

  private readonly withdraw = (command: QueuedCommand): boolean => this.takeBack(command, 'cancelled');

  private overdue({ name }: QueuedCommand): Withdrawal {
    const contact = this.options.host.contactOf(name);
    return contact !== undefined && !isAwake(contact) ? 'slept' : 'expired';
  }

  private takeBack(command: QueuedCommand, why: Withdrawal): boolean {
    const { progress } = command;
    if (progress.state === 'settled' || !progress.isKept) return false;
    this.withdrawals.set(command, why);
    const reason = why === 'cancelled' ? 'the command was withdrawn' : 'the command was not sent in time';
    if (progress.submitted !== undefined) progress.submitted.abort(new LimitError(reason, 0));
    else this.fail(command, new LimitError(reason, 0));
    return true;
  }

  private wake(item: QueuedCommand | Lane, at: number): void {
    this.deadlines.set(item, at);
    this.arm();
  }

  private arm(): void {
    const { earliest } = this.deadlines;
    if (this.closed || earliest === undefined || (this.armedFor !== undefined && this.armedFor <= earliest)) return;
    this.timer?.[Symbol.dispose]();
    this.armedFor = earliest;
    this.timer = this.options.clock.at(earliest, this.due);
  }

  private readonly due = (): void => {
    this.armedFor = undefined;
    const now = this.options.clock.now();
    for (let item = this.deadlines.take(now); item !== undefined; item = this.deadlines.take(now)) {
      if (item instanceof Lane) this.resume(item.name);
      // Sent is sent: then its own end counts.
      else if (item.state === 'waiting') this.takeBack(item, this.overdue(item));
    }
    this.arm();
  };
}
