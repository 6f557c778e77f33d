// The messages in a modem's memory: each is handed on once, and deleted when it has been dealt with. What is not deleted when we end is
// received again after the next start.
import { FormatError, fromHex } from '@lapwing/kernel';
import type { Deliver } from '../pdu/deliver.ts';
import { decodeIncoming } from '../pdu/frame.ts';
import type { StatusReport } from '../pdu/status-report.ts';
import { deleteMessage, listedOf, listMessages, readMessage } from './commands.ts';
import type { Command, InformationLine } from './dialogue.ts';

export interface InboxRoad {
  receive(message: Deliver, settle: () => void): void;
  report(report: StatusReport): void;
  malformed(): void;
  failed(cause: unknown): void;
  /** Undefined when the modem will not; rejects when it does not answer, or is not set up. */
  ask(command: Command): Promise<readonly InformationLine[] | undefined>;
}

interface Held {
  readonly pdu: string;
  isSettled: boolean;
  /** The modem would not delete it: left alone until everything is listed again. */
  isStuck: boolean;
}

/** Places that are kept free, so that the network can go on. */
const ROOM = 1;
/** Places that are told of and not read yet; beyond, everything is listed. */
const MOST_ANNOUNCED = 64;

export class Inbox {
  /** Of the memory; undefined when the modem does not say. */
  places: number | undefined;
  private readonly road: InboxRoad;
  /** By place, oldest first: handed on, and still in the memory. */
  private readonly held = new Map<number, Held>();
  private readonly announced = new Set<number>();
  private isToBeListed = false;
  private isWorking = false;

  constructor(road: InboxRoad) {
    this.road = road;
  }

  /** The modem has told of one at that place. */
  announce(index: number): void {
    if (this.announced.size < MOST_ANNOUNCED) this.announced.add(index);
    else this.isToBeListed = true;
    this.work();
  }

  /** Reads all there are: those that came before we listened, or were told of in vain. */
  sweep(): void {
    this.isToBeListed = true;
    this.work();
  }

  /** One that was never in the memory. Throws FormatError. */
  take(bytes: Uint8Array): void {
    this.handOn(bytes, () => undefined);
  }

  /** One command after the other. Without an answer it ends; what is left is done with the next message or the next start. */
  private work(): void {
    if (this.isWorking) return;
    this.isWorking = true;
    this.workOff().catch((error: unknown) => {
      this.isWorking = false;
      this.road.failed(error);
    });
  }

  private async workOff(): Promise<void> {
    for (;;) {
      const [announced] = this.announced;
      const done = this.toDelete();
      if (this.isToBeListed) {
        this.isToBeListed = false;
        this.announced.clear();
        this.listed((await this.road.ask(listMessages)) ?? []);
      } else if (done !== undefined) {
        const [index, held] = done;
        if ((await this.road.ask(deleteMessage(index))) === undefined) held.isStuck = true;
        else this.held.delete(index);
      } else if (announced !== undefined) {
        this.announced.delete(announced);
        const [line] = (await this.road.ask(readMessage(announced))) ?? [];
        if (line?.pdu !== undefined) this.stored(announced, line.pdu);
      } else {
        this.isWorking = false;
        return;
      }
    }
  }

  /**
   * What has been dealt with; and where the memory is nearly full, the oldest of what has not: the parts of a message that is not whole
   * yet would stop the network, and are kept here alone, then.
   */
  private toDelete(): readonly [index: number, held: Held] | undefined {
    const { places, held } = this;
    const movable = [...held].filter(([, { isStuck }]) => !isStuck);
    const isCrowded = places !== undefined && held.size > places - ROOM;
    return movable.find(([, { isSettled }]) => isSettled) ?? (isCrowded ? movable[0] : undefined);
  }

  private listed(lines: readonly InformationLine[]): void {
    for (const held of this.held.values()) held.isStuck = false;
    for (const { text, pdu } of lines) {
      const listed = listedOf(text);
      if (listed?.isIncoming && pdu !== undefined) this.stored(listed.index, pdu);
    }
  }

  private handOn(bytes: Uint8Array, settle: () => void): void {
    const { pdu } = decodeIncoming(bytes);
    if (pdu.kind === 'deliver') {
      this.road.receive(pdu, settle);
      return;
    }
    this.road.report(pdu);
    settle();
  }

  private stored(index: number, pdu: string): void {
    if (this.held.get(index)?.pdu === pdu) return;
    const held: Held = { pdu, isSettled: false, isStuck: false };
    this.held.set(index, held);
    const settle = (): void => {
      // Another message may have its place by now.
      if (this.held.get(index) !== held) return;
      held.isSettled = true;
      this.work();
    };
    try {
      this.handOn(fromHex(pdu), settle);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.road.malformed();
      settle();
    }
  }
}
