// What the applications hear: in order, and never from within the handling of a message. Events of one turn of the event
// loop are kept in a list and told after it, so that a listener that is slow, or that asks devices for something, holds
// up neither the answer that is being sent nor the datagrams that are waiting.
import { afterTurn, type Emitter } from '@lapwing/kernel';
import { type Contact, isAwake } from './contact.ts';
import type { ServerEvents } from './events.ts';

/** Longer lists are made for a storm and not kept after it. */
const longestKept = 8192;

export class Telling {
  private readonly emitter: Emitter<ServerEvents>;
  /** Name and event by turns, since pairs would cost an object for each; the name of something to do is undefined. */
  private list: unknown[] = [];
  private length = 0;
  /** The list that was told last, empty, for the next turn but one: neither grows anew for each. */
  private spare: unknown[] = [];
  private closed = false;

  constructor(emitter: Emitter<ServerEvents>) {
    this.emitter = emitter;
  }

  /** Whether somebody listens. */
  has(name: keyof ServerEvents): boolean {
    return this.emitter.has(name);
  }

  /** Something was asked of a device that may be asleep. */
  wanted(contact: Contact | undefined): void {
    if (contact !== undefined && !isAwake(contact)) this.emit('wanted', { registration: contact.registration });
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
    this.list = [];
    this.length = 0;
  }

  private add(name: keyof ServerEvents | undefined, event: unknown): void {
    if (this.closed) return;
    if (this.length === 0) afterTurn(this.tell);
    this.list[this.length] = name;
    this.list[this.length + 1] = event;
    this.length += 2;
  }

  private readonly tell = (): void => {
    const { list, length } = this;
    this.list = this.spare;
    this.length = 0;
    for (let i = 0; i < length && !this.closed; i += 2) {
      const name = list[i] as keyof ServerEvents | undefined;
      const event = list[i + 1];
      list[i + 1] = undefined;
      if (name === undefined) (event as () => void)();
      else this.emitter.emit(name, event as ServerEvents[typeof name]);
    }
    this.spare = length <= longestKept ? list : [];
  };
}
