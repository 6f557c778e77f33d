// One command of the queue that outlives the process: what its owner sees of it, and where it stands.
import type { Operation } from '@lapwing/lwm2m';
import type { CommandState, KeptCommand, Outcome, RetryPolicy } from './stores/command-store.ts';

export class QueuedCommand {
  readonly id: string;
  /** Endpoint client name. */
  readonly name: string;
  readonly operation: Operation;
  readonly note: string | undefined;
  /** Unix times in ms. */
  readonly enqueuedAt: number;
  readonly expiresAt: number | undefined;
  readonly retry: RetryPolicy;
  readonly unregistered: 'wait' | 'fail';
  /** @internal */
  readonly progress: Progress;
  private readonly withdraw: (command: QueuedCommand) => boolean;
  private settling: { readonly promise: Promise<Outcome>; readonly resolve: (outcome: Outcome) => void } | undefined;

  constructor(kept: KeptCommand, withdraw: (command: QueuedCommand) => boolean) {
    this.id = kept.id;
    this.name = kept.name;
    this.operation = kept.operation;
    this.note = kept.note;
    this.enqueuedAt = kept.enqueuedAt;
    this.expiresAt = kept.expiresAt;
    this.retry = kept.retry;
    this.unregistered = kept.unregistered;
    this.progress = new Progress(kept);
    this.withdraw = withdraw;
  }

  /** `sent` while it is under way. */
  get state(): CommandState {
    return this.progress.state;
  }

  /** Times that it was sent. */
  get attempts(): number {
    return this.progress.attempts;
  }

  get outcome(): Outcome | undefined {
    return this.progress.outcome;
  }

  /** What came of it, as soon as that is written down; never rejects. */
  settled(): Promise<Outcome> {
    if (this.settling === undefined) {
      let resolve: (outcome: Outcome) => void = () => undefined;
      const promise = new Promise<Outcome>((done) => {
        resolve = done;
      });
      this.settling = { promise, resolve };
      if (this.progress.told && this.outcome !== undefined) resolve(this.outcome);
    }
    return this.settling.promise;
  }

  /** Withdraws it; on its way already, the device may still do it. False when it has its outcome. */
  cancel(): boolean {
    return this.withdraw(this);
  }

  /** @internal */
  tell(outcome: Outcome): void {
    this.progress.told = true;
    this.settling?.resolve(outcome);
  }

  /** As a store keeps it. */
  toKept(): KeptCommand {
    const { id, name, operation, note, enqueuedAt, expiresAt, retry, unregistered, attempts, state, outcome } = this;
    return { id, name, operation, note, enqueuedAt, expiresAt, retry, unregistered, attempts, state, outcome };
  }
}

/** What changes of a command. The queue's alone. */
export class Progress {
  state: CommandState;
  /** What the store says. */
  keptState: CommandState;
  attempts: number;
  outcome: Outcome | undefined;
  /** In the store: before that it may not be sent. */
  isKept = true;
  /** Handed to the device's commands, where it waits for its turn. */
  submitted: AbortController | undefined = undefined;
  /** The request has been handed to the network. */
  onTheWay = false;
  acknowledged = false;
  told = false;

  constructor({ state, attempts, outcome }: Pick<KeptCommand, 'state' | 'attempts' | 'outcome'>) {
    this.state = state;
    this.keptState = state;
    this.attempts = attempts;
    this.outcome = outcome;
  }
}
