// Which accounts may begin to register, and when (Core 1.2.1 Appendix E.2): those with a place in the order one after the other
// (/1/x/13), each when the one before is registered, or has failed and does not block the others (/1/x/15).
import type { Duration } from '@lapwing/kernel';

export interface Placed {
  /** Of object 1. */
  readonly instance: number;
  /** Lower goes first; undefined: whenever it likes (/1/x/13). */
  readonly priority: number | undefined;
  /** From the end of the one before (/1/x/14). */
  readonly delay: Duration;
  /** Those after it wait for as long as it fails (/1/x/15). */
  readonly blocks: boolean;
}

export type Progress =
  | 'begun'
  | 'registered'
  | 'failed' /** Wanted elsewhere for a while (/1/x/4): nobody waits for it. */
  | 'away';

export class RegistrationOrder {
  private readonly free: Placed[] = [];
  private readonly line: Placed[] = [];
  private readonly states = new Map<number, Progress>();

  constructor(accounts: readonly Placed[]) {
    for (const account of accounts) (account.priority === undefined ? this.free : this.line).push(account);
    this.line.sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0) || a.instance - b.instance);
  }

  /** Who may begin now and has not; from now on they have. */
  begin(): readonly Placed[] {
    const beginning = this.free.filter(({ instance }) => !this.states.has(instance));
    for (const account of this.line) {
      const state = this.states.get(account.instance);
      if (state === undefined) beginning.push(account);
      const isDone = state === 'registered' || state === 'away' || (state === 'failed' && !account.blocks);
      if (!isDone) break;
    }
    for (const { instance } of beginning) this.states.set(instance, 'begun');
    return beginning;
  }

  /** How far one has come; a failure counts after every attempt of its sequences. */
  note(instance: number, progress: Progress): void {
    this.states.set(instance, progress);
  }
}
