// A server that wakes the device by text message (Core 1.2.1 §6.4.4, Transport 1.1 §6.6; trigger mode): heard from its number alone, and
// under DTLS from whoever has its key, an Execute on its own instance of object 1 and nothing else, once in a minute at most, and never
// answered on this road (shell).
import { Code, decodeMessage, encodeEmpty, type Message, Type } from '@lapwing/coap';
import {
  type Address,
  type Clock,
  Driver,
  type Duration,
  FormatError,
  type Instant,
  minutes,
  type Peer,
  type Transport,
} from '@lapwing/kernel';
import type { AccountSettings } from './accounts.ts';
import { areThere } from './associations.ts';
import { type Callee, Calls, type Trigger } from './calls.ts';
import type { AssociationRecords } from './connect.ts';
import type { Settings } from './settings.ts';
import { TriggerSession, type TriggerSessionEffect, type TriggerSessionInput } from './trigger-session.ts';
import type { Shut } from './valve.ts';

export interface TriggerOptions {
  /** On the server's number. */
  readonly road: Transport;
  /** Where the device makes an association, so that the server has one; undefined where triggers come in the open. */
  readonly secured: Address | undefined;
  /** It has made one before a restart. */
  readonly isKnown: boolean;
  /** Instance of object 1. */
  readonly instance: number;
  /** Path under which the objects stand, '' for none. */
  readonly rootPath: string;
  /** Whether the server may do so now (/1/x/21). */
  readonly isAllowed: () => boolean;
  /** Who does what it says. */
  readonly callee: Callee;
  readonly clock: Clock;
}

export interface TriggerStats {
  readonly heard: number;
  /** Other operations, other paths, what is no CoAP, and everything while triggers are off. */
  readonly refused: number;
  /** Too soon after another. */
  readonly held: number;
  /** Whether they come under DTLS, and can: `open`, or `secured` and `unsecured` with and without an association. */
  readonly road: 'open' | 'secured' | 'unsecured';
}

/** What replayed messages can do at most: one Update in so long. */
const PAUSE: Duration = minutes(1);

export class Triggers implements AsyncDisposable {
  private readonly options: TriggerOptions;
  private readonly tally = { heard: 0, refused: 0, held: 0 };
  private readonly calls: Calls;
  private readonly session = new TriggerSession();
  private readonly driver: Driver<TriggerSessionInput, TriggerSessionEffect> | undefined;
  private readonly closing = new AbortController();
  private server: Peer | undefined;
  /** No handshake is needed yet. */
  private isKnown: boolean;
  private asked = 0;
  private next: Instant = Number.NEGATIVE_INFINITY;

  private constructor(options: TriggerOptions) {
    this.options = options;
    const { secured, isKnown, callee, clock } = options;
    this.isKnown = isKnown;
    this.calls = new Calls(callee);
    if (secured === undefined) return;
    this.driver = new Driver(this.session, clock, (effect: TriggerSessionEffect) => this.run(effect, secured));
  }

  /** Rejects as the road does. */
  static async open(options: TriggerOptions): Promise<Triggers> {
    const triggers = new Triggers(options);
    await options.road.open({
      receive: ({ bytes }) => triggers.hear(bytes),
      lost: (peer) => triggers.lost(peer),
    });
    triggers.driver?.handle({ kind: 'open' });
    return triggers;
  }

  stats(): TriggerStats {
    const road = this.driver === undefined ? 'open' : this.session.isThere ? 'secured' : 'unsecured';
    return { ...this.tally, road };
  }

  /** When it acts by itself. */
  get deadline(): Instant | undefined {
    return this.driver === undefined ? undefined : this.session.deadline;
  }

  /** Of what others hear too: a trigger for this server, and the answer to what was asked here. */
  isMeant(bytes: Uint8Array): boolean {
    const { instance, rootPath } = this.options;
    const message = messageIn(bytes);
    if (message?.type === Type.Rst) return this.session.isAsking && message.id === this.asked;
    return message !== undefined && triggerIn(message, instance, rootPath) !== undefined;
  }

  registered(): void {
    this.driver?.handle({ kind: 'registered' });
  }

  /** Who stands still has no timers either. */
  suspended(how: Shut): void {
    if (how === 'deaf') this.driver?.handle({ kind: 'pause' });
  }

  resumed(): void {
    this.calls.resumed();
    this.driver?.handle({ kind: 'resume' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closing.abort();
    this.driver?.[Symbol.dispose]();
    await this.options.road[Symbol.asyncDispose]();
  }

  private run({ kind }: TriggerSessionEffect, address: Address): void {
    const { road } = this.options;
    const { server } = this;
    if (kind === 'shake') void this.shake(address);
    else if (server === undefined) return;
    else if (kind === 'drop') road.close?.(server);
    else {
      this.asked = (this.asked + 1) & 0xffff;
      road.send(server, encodeEmpty(Type.Con, this.asked));
    }
  }

  private async shake(address: Address): Promise<void> {
    const kind = this.isKnown ? 'found' : 'made';
    this.isKnown = false;
    try {
      this.server = await this.options.road.connect(address, this.closing.signal);
      this.driver?.handle({ kind });
    } catch {
      this.driver?.handle({ kind: 'failed' });
    }
  }

  private lost(peer: Peer): void {
    if (peer.key === this.server?.key) this.driver?.handle({ kind: 'lost' });
  }

  private hear(bytes: Uint8Array): void {
    const { instance, rootPath, isAllowed, clock } = this.options;
    this.driver?.handle({ kind: 'heard' });
    const message = messageIn(bytes);
    if (message?.type === Type.Rst) return;
    const what = message !== undefined && isAllowed() ? triggerIn(message, instance, rootPath) : undefined;
    const now = clock.now();
    if (what === undefined) this.tally.refused += 1;
    else if (now < this.next) this.tally.held += 1;
    else {
      this.tally.heard += 1;
      this.next = now + PAUSE;
      this.calls.called(what);
    }
  }
}

/** Undefined where no number may wake the device. `associations`: of the road for triggers. Rejects as the road does. */
export async function awaitTriggers(
  { waking, instance, serverName }: AccountSettings,
  { clock, random, rootPath }: Settings,
  associations: AssociationRecords | undefined,
  heeding: Pick<TriggerOptions, 'isAllowed' | 'callee'>,
): Promise<Triggers | undefined> {
  if (waking === undefined) return undefined;
  const { address, credentials, connector } = waking;
  let opened: Triggers | undefined;
  const road = await connector({
    ...{ address, credentials, heeds: (bytes) => opened?.isMeant(bytes) ?? false, clock, random },
    ...(serverName === undefined ? {} : { serverName }),
    ...(associations === undefined ? {} : { associations }),
  });
  const secured = credentials === undefined ? undefined : address;
  const isKnown = associations !== undefined && areThere(associations);
  opened = await Triggers.open({ ...heeding, road, secured, isKnown, instance, rootPath, clock });
  return opened;
}

/** Undefined for what is none. */
function messageIn(bytes: Uint8Array): Message | undefined {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Undefined for everything but an Execute of /1/x/8 or /1/x/9. */
export function triggerIn({ code, options }: Message, instance: number, rootPath: string): Trigger | undefined {
  if (code !== Code.Post) return undefined;
  const path = `/${options.path.join('/')}`;
  if (path === `${rootPath}/1/${instance}/8`) return 'update';
  return path === `${rootPath}/1/${instance}/9` ? 'bootstrap' : undefined;
}
