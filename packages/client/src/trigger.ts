// A server that wakes the device by text message (Core 1.2.1 §6.4.4, Transport 1.1 §6.6; trigger mode): heard from its number alone, an
// Execute on its own instance of object 1 and nothing else, once in a minute at most, and never answered on this road.
import { Code, decodeMessage, type Message } from '@lapwing/coap';
import { type Clock, type Duration, FormatError, type Instant, minutes, type Transport } from '@lapwing/kernel';
import type { AccountSettings } from './accounts.ts';
import type { Settings } from './settings.ts';

export interface TriggerOptions {
  /** Open on the server's number, secured or not. */
  readonly road: Transport;
  /** Instance of object 1. */
  readonly instance: number;
  /** Path under which the objects stand, '' for none. */
  readonly rootPath: string;
  /** Whether the server may do so now (/1/x/21). */
  readonly isAllowed: () => boolean;
  readonly act: (what: Trigger) => void;
  readonly clock: Clock;
}

export type Trigger = 'update' | 'bootstrap';

export interface TriggerStats {
  readonly heard: number;
  /** Other operations, other paths, what is no CoAP, and everything while triggers are off. */
  readonly refused: number;
  /** Too soon after another. */
  readonly held: number;
}

/** What replayed messages can do at most: one Update in so long. */
const PAUSE: Duration = minutes(1);

export class Triggers implements AsyncDisposable {
  private readonly options: TriggerOptions;
  private readonly tally = { heard: 0, refused: 0, held: 0 };
  private next: Instant = Number.NEGATIVE_INFINITY;

  private constructor(options: TriggerOptions) {
    this.options = options;
  }

  /** Rejects as the road does. */
  static async open(options: TriggerOptions): Promise<Triggers> {
    const triggers = new Triggers(options);
    await options.road.open({ receive: ({ bytes }) => triggers.hear(bytes), lost: () => undefined });
    return triggers;
  }

  stats(): TriggerStats {
    return { ...this.tally };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.options.road[Symbol.asyncDispose]();
  }

  private hear(bytes: Uint8Array): void {
    const { instance, rootPath, isAllowed, act, clock } = this.options;
    const what = isAllowed() ? triggerIn(bytes, instance, rootPath) : undefined;
    const now = clock.now();
    if (what === undefined) this.tally.refused += 1;
    else if (now < this.next) this.tally.held += 1;
    else {
      this.tally.heard += 1;
      this.next = now + PAUSE;
      act(what);
    }
  }
}

/** Undefined where no number may wake the device. Rejects as the road does. */
export async function awaitTriggers(
  { waking, instance }: AccountSettings,
  { clock, random, rootPath }: Settings,
  heeding: Pick<TriggerOptions, 'isAllowed' | 'act'>,
): Promise<Triggers | undefined> {
  if (waking === undefined) return undefined;
  const heeds = (bytes: Uint8Array): boolean => triggerIn(bytes, instance, rootPath) !== undefined;
  const road = await waking.connector({ ...waking, heeds, clock, random });
  const triggers = await Triggers.open({ ...heeding, road, instance, rootPath, clock });
  // Under DTLS it is the device that begins, while the server cannot: so it does now, and what comes of it is heard or not.
  if (waking.credentials !== undefined) road.connect(waking.address).catch(() => undefined);
  return triggers;
}

/** Undefined for everything but an Execute of /1/x/8 or /1/x/9. */
export function triggerIn(bytes: Uint8Array, instance: number, rootPath: string): Trigger | undefined {
  let message: Message;
  try {
    message = decodeMessage(bytes);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
  if (message.code !== Code.Post) return undefined;
  const path = `/${message.options.path.join('/')}`;
  if (path === `${rootPath}/1/${instance}/8`) return 'update';
  return path === `${rootPath}/1/${instance}/9` ? 'bootstrap' : undefined;
}
