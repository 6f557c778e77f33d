// What the applications hear: in order, and never from within the handling of a message. Events of one turn of the event
// loop are kept in a list and told after it, so that a listener that is slow, or that asks devices for something, holds
// up neither the answer that is being sent nor the datagrams that are waiting.
import { afterTurn, type Emitter } from '@lapwing/kernel';
import type { ServerEvents } from './events.ts';

export class Telling {
  private readonly emitter: Emitter<ServerEvents>;
  /** Two lists side by side, since one of pairs would cost an object for each event. */
  private names: (keyof ServerEvents | undefined)[] = [];
  private events: unknown[] = [];
  private closed = false;

  constructor(emitter: Emitter<ServerEvents>) {
    this.emitter = emitter;
  }

  emit<K extends keyof ServerEvents>(name: K, event: ServerEvents[K]): void {
    if (this.emitter.has(name)) this.add(name, event);
  }

  /** Something else that is done between the events. */
  between(act: () => void): void {
    this.add(undefined, act);
  }

  /** Nothing is told any more. */
  close(): void {
    this.closed = true;
    this.names = [];
    this.events = [];
  }

  private add(name: keyof ServerEvents | undefined, event: unknown): void {
    if (this.closed) return;
    if (this.names.length === 0) afterTurn(this.tell);
    this.names.push(name);
    this.events.push(event);
  }

  private readonly tell = (): void => {
    const { names, events } = this;
    this.names = [];
    this.events = [];
    for (let i = 0; i < names.length; i += 1) {
      const name = names[i];
      if (name === undefined) (events[i] as () => void)();
      else this.emitter.emit(name, events[i] as ServerEvents[typeof name]);
    }
  };
}
