// How many confirmable messages may be open with one peer at once, and the queue of those that wait for their turn,
// in order (RFC 7252 §4.7).
import { Fifo } from './fifo.ts';
import type { Transmission } from './transmission.ts';

/** Messages that may wait for one peer. */
export const LONGEST_QUEUE = 10_000;

export class Window {
  private open = 0;
  private waiting: Fifo<Transmission> | undefined = undefined;

  get idle(): boolean {
    return this.open === 0 && (this.waiting?.size ?? 0) === 0;
  }

  /** `start`: it may go now; `wait`: its turn comes; `full`: too many wait already. */
  enter(transmission: Transmission, nstart: number): 'start' | 'wait' | 'full' {
    if (this.open < nstart) {
      this.open += 1;
      return 'start';
    }
    this.waiting ??= new Fifo();
    if (this.waiting.size >= LONGEST_QUEUE) return 'full';
    this.waiting.push(transmission);
    return 'wait';
  }

  /** Goes now, whatever is open and whoever waits. */
  pass(): 'start' {
    this.open += 1;
    return 'start';
  }

  /** One that was open is done; the one that may go in its place. */
  leave(nstart: number): Transmission | undefined {
    this.open -= 1;
    const next = this.open < nstart ? this.waiting?.shift() : undefined;
    if (next !== undefined) this.open += 1;
    return next;
  }

  /** Those that wait, who wait no more. */
  clear(): readonly Transmission[] {
    const waiting: Transmission[] = [];
    for (let next = this.waiting?.shift(); next !== undefined; next = this.waiting?.shift()) waiting.push(next);
    this.open = 0;
    return waiting;
  }

  /** One that waits gives up its turn. */
  withdraw(transmission: Transmission): void {
    this.waiting?.remove(transmission);
  }
}
