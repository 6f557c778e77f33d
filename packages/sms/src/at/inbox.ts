// The messages in a modem's memory: each is handed on once, and deleted when that is asked for. What is not deleted when we end is received
// again after the next start. What the modem refuses for now is tried again; what it lists is what is there.
import { FormatError, fromHex } from '@lapwing/kernel';
import { type Settle, settled } from '../modem.ts';
import type { Deliver } from '../pdu/deliver.ts';
import { decodeIncoming } from '../pdu/frame.ts';
import type { StatusReport } from '../pdu/status-report.ts';
import { deleteMessage, listedOf, listMessages, type Memory, memory, memoryOf, readMessage } from './commands.ts';
import type { Command, InformationLine } from './dialogue.ts';
import { type Crowd, ModemError } from './failures.ts';

export interface InboxRoad {
  receive(message: Deliver, settle: Settle): void;
  report(report: StatusReport): void;
  malformed(): void;
  failed(cause: unknown): void;
  /** Rejects when the modem will not, does not answer, or is not set up. */
  ask(command: Command): Promise<readonly InformationLine[]>;
  /** Rejects when the modem is no longer as it was set up: a place might be one of another memory. */
  check(): Promise<void>;
  /** Something stays in the memory for now; `doubted`, as if the modem were not set up any more. */
  left(why: { readonly isDoubtful: boolean }): void;
  /** All was listed, and nothing left. */
  swept(): void;
  /** No message can come in. Told once, until one can. */
  full(crowd: Crowd): void;
}

interface Held {
  readonly pdu: string;
  index: number;
  isSettled: boolean;
  /** The modem would not delete it: left alone until everything is listed again. */
  isStuck: boolean;
  /** Waits for its being deleted. */
  done: (() => void) | undefined;
}

/** Places that are kept free, so that the network can go on. */
const ROOM = 1;
/** Messages that are known of, whatever the modem says of its memory. */
const MOST_HELD = 1024;
/** Places that are told of and not read yet; beyond, everything is listed. */
const MOST_ANNOUNCED = 64;
/** Memories whose messages are known while another is read from. */
const MOST_AWAY = 4;

export class Inbox {
  private readonly road: InboxRoad;
  /** By place, oldest first: handed on, and still in the memory. */
  private held = new Map<number, Held>();
  /** The same of memories that are not read from now. */
  private readonly away = new Map<string, Map<number, Held>>();
  /** Of the memory; empty and undefined while the modem does not say. */
  private name = '';
  private places: number | undefined;
  private foreign = 0;
  private readonly announced = new Set<number>();
  private isToBeListed = false;
  private isWorking = false;
  /** In this run: the modem is known to be set up; all was listed; nothing was refused since. */
  private isSure = false;
  private isListed = false;
  private isClean = false;
  /** The modem says that there is no room. */
  private isPressed = false;
  private isFull = false;

  constructor(road: InboxRoad) {
    this.road = road;
  }

  /** What is in the memory: handed on, not for us, and places in all. */
  stats(): { readonly held: number; readonly foreign: number; readonly places: number | undefined } {
    return { held: this.held.size, foreign: this.foreign, places: this.places };
  }

  /** The modem is set up: all is listed. What was handed on out of another memory is still known when that is read from again. */
  start(found: Memory | undefined): void {
    const name = found?.names[0] ?? this.name;
    if (this.name !== '' && name !== this.name) {
      for (const each of this.held.values()) release(each);
      this.away.set(this.name, this.held);
      this.held = this.away.get(name) ?? new Map();
      this.away.delete(name);
      const [oldest = ''] = this.away.keys();
      if (this.away.size > MOST_AWAY) this.away.delete(oldest);
    }
    this.name = name;
    this.places = found?.places;
    this.sweep();
  }

  /** The modem has told of one at that place. */
  announce(name: string, index: number): void {
    // Of another memory, or of one that makers call by several names: if it is ours it will be listed.
    const isElsewhere = this.name !== '' && name !== this.name;
    if (isElsewhere || this.announced.size >= MOST_ANNOUNCED) this.isToBeListed = true;
    else this.announced.add(index);
    this.work();
  }

  /** Reads all there are: those that came before we listened, or were told of in vain. */
  sweep(): void {
    this.isToBeListed = true;
    this.work();
  }

  /** How full the modem says its memory is; where more is in it than is known of, all is listed. */
  measured({ used, places }: Memory): void {
    this.places = places;
    if (this.isWorking) return;
    const foreign = used - this.held.size;
    if (foreign > this.foreign) {
      this.sweep();
      return;
    }
    this.foreign = Math.max(0, foreign);
    this.judge();
  }

  /** The modem says that it has no place left. */
  filled(): void {
    this.isPressed = true;
    this.sweep();
  }

  /** One that was never in the memory. Throws FormatError. */
  take(bytes: Uint8Array): void {
    this.handOn(bytes, settled);
  }

  /** One command after the other. Without an answer it ends; what is left is done with the next message or the next start. */
  private work(): void {
    if (this.isWorking) return;
    this.isWorking = true;
    this.isSure = false;
    this.isListed = false;
    this.workOff().catch((error: unknown) => {
      this.isWorking = false;
      this.road.failed(error);
    });
  }

  private async workOff(): Promise<void> {
    for (;;) {
      const [announced] = this.announced;
      const done = this.toDelete();
      if (this.isToBeListed) await this.list();
      else if (done !== undefined) await this.delete(done);
      else if (announced !== undefined) await this.read(announced);
      else break;
    }
    this.isWorking = false;
    if (this.isListed && this.isClean) this.road.swept();
    this.judge();
  }

  private async list(): Promise<void> {
    this.isToBeListed = false;
    this.isClean = true;
    this.announced.clear();
    const lines = await this.tryTo(listMessages);
    if (lines === undefined) return;
    const others = this.listed(lines);
    this.isListed = true;
    this.isSure = true;
    const [line] = (await this.tryTo(memory, () => undefined)) ?? [];
    const found = memoryOf(line?.text ?? '');
    this.places = found?.places ?? this.places;
    const known = this.held.size + this.announced.size;
    this.foreign = Math.max(others, (found?.used ?? 0) - known);
  }

  private async read(index: number): Promise<void> {
    this.announced.delete(index);
    const lines = await this.tryTo(readMessage(index));
    if (lines === undefined) return;
    const [line] = lines;
    if (line?.pdu === undefined) {
      // In text mode it would be no PDU; and nothing at all is of a place that is not filled yet, or that was told of twice.
      this.leave({ isDoubtful: line !== undefined });
      return;
    }
    this.isSure = true;
    this.stored(index, line.pdu);
  }

  private async delete(held: Held): Promise<void> {
    if (!this.isSure) await this.road.check();
    this.isSure = true;
    if ((await this.tryTo(deleteMessage(held.index))) === undefined) held.isStuck = true;
    else {
      this.held.delete(held.index);
      this.isPressed = false;
    }
    release(held);
  }

  /**
   * What has been dealt with; and where the memory is nearly full, the oldest of what has not: the parts of a message that is not whole
   * yet would stop the network, and are kept here alone, then.
   */
  private toDelete(): Held | undefined {
    const { held, places = MOST_HELD, foreign, isPressed } = this;
    const isCrowded = isPressed || held.size > Math.min(places - foreign, MOST_HELD) - ROOM;
    let oldest: Held | undefined;
    for (const each of held.values()) {
      if (each.isStuck) continue;
      if (each.isSettled) return each;
      oldest ??= each;
    }
    return isCrowded ? oldest : undefined;
  }

  /**
   * What is listed is what there is: the rest is gone, though we were not told that it was deleted, and what was handed on may have
   * another place now. Gives how many are not ours.
   */
  private listed(lines: readonly InformationLine[]): number {
    const found = new Map<number, string>();
    let others = 0;
    for (const { text, pdu } of lines) {
      const listed = listedOf(text);
      if (listed?.isIncoming && pdu !== undefined) found.set(listed.index, pdu);
      else others += 1;
      if (listed === undefined) this.leave({ isDoubtful: true });
    }
    const placesOf = new Map([...found].map(([index, pdu]) => [pdu, index]));
    const before = [...this.held.values()];
    this.held = new Map();
    for (const each of before) {
      if (found.get(each.index) !== each.pdu) each.index = placesOf.get(each.pdu) ?? -1;
      if (found.get(each.index) !== each.pdu || this.held.has(each.index)) {
        release(each);
        continue;
      }
      each.isStuck = false;
      this.held.set(each.index, each);
    }
    for (const [index, pdu] of found) {
      this.announced.delete(index);
      this.stored(index, pdu);
    }
    return others;
  }

  private stored(index: number, pdu: string): void {
    if (this.held.get(index)?.pdu === pdu) return;
    const held: Held = { pdu, index, isSettled: false, isStuck: false, done: undefined };
    this.held.set(index, held);
    const settle: Settle = (done) => {
      held.isSettled = true;
      held.done = done;
      // Another message may have its place by now.
      if (this.held.get(held.index) === held && !held.isStuck) this.work();
      else release(held);
    };
    try {
      this.handOn(fromHex(pdu), settle);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.road.malformed();
      settle();
    }
  }

  private handOn(bytes: Uint8Array, settle: Settle): void {
    const { pdu } = decodeIncoming(bytes);
    if (pdu.kind === 'deliver') {
      this.road.receive(pdu, settle);
      return;
    }
    this.road.report(pdu);
    settle();
  }

  /** Tells when nothing can come in any more: neither places of others nor what the modem will not delete are ours to empty. */
  private judge(): void {
    const { places, foreign, isPressed } = this;
    const stuck = [...this.held.values()].filter(({ isStuck }) => isStuck).length;
    const isFull = isPressed || (places !== undefined && foreign + stuck >= places);
    this.isPressed = false;
    if (isFull && !this.isFull) this.road.full({ places, foreign, stuck });
    this.isFull = isFull;
  }

  /** Undefined when the modem will not; by default what it was about is left for now, then. */
  private async tryTo(
    command: Command,
    refused = (error: ModemError): void => this.leave(error),
  ): Promise<readonly InformationLine[] | undefined> {
    try {
      return await this.road.ask(command);
    } catch (error) {
      if (!(error instanceof ModemError) || error.problem !== 'refused') throw error;
      refused(error);
      return undefined;
    }
  }

  private leave(why: { readonly isDoubtful: boolean }): void {
    this.isClean = false;
    this.road.left(why);
  }
}

/** Whoever waits for its being deleted waits no longer. */
function release(held: Held): void {
  const { done } = held;
  held.done = undefined;
  done?.();
}
