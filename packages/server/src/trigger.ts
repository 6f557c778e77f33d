// Wakes devices in queue mode by text message when something waits for them (Core 1.2.1 §6.4.4; trigger mode of Transport 1.1 §6.6): an
// Execute of the Registration Update Trigger that is not answered; the Update that it causes comes by the device's own road. Who has
// shown a key by text message is written to under DTLS, and never in the open (Transport 1.1 §5.3; shell).
import { Code, encodeMessage, makeRequest, Option, OptionSet, type Request, Type } from '@lapwing/coap';
import {
  type Clock,
  Driver,
  type Instant,
  minutes,
  noBytes,
  type Random,
  randomInteger,
  seconds,
  systemClock,
  systemRandom,
} from '@lapwing/kernel';
import type { Registration } from './registration/registration.ts';
import type { Server } from './server.ts';
import { Waking, type WakingEffect, type WakingInput } from './waking.ts';

/** Sends octets to a number, such as a Messenger of @lapwing/sms. */
export interface WakingMessenger {
  send(to: string, bytes: Uint8Array): void;
  /** When a message to the number would go: now, or when to ask again. Default always now; what is dropped then is tried again after the next pause. */
  freeAt?(to: string): Instant;
}

/** One modem, or one centre. */
export interface WakingRoad {
  readonly messenger: WakingMessenger;
  /**
   * Name of the listener that hears devices by the same number: who is registered by it, or has proved who he is there, is woken by it. Default
   * none: triggers go in the open.
   */
  readonly listener?: string;
  /** Devices that have shown no key to the listener are written to in the open; default true. */
  readonly plain?: boolean;
}

export type WakeBySmsOptions = {
  /**
   * Instance of object 1 that stands for this server on the device, which it does not say; default: the lowest that it registered. A
   * device heeds its trigger only under the right one.
   */
  readonly instanceOf?: (registration: Registration) => number;
  readonly clock?: Clock;
  readonly random?: Random;
} & (
  | WakingRoad
  /** Several: a device is woken by one of them, where it is known which it heeds by that one. */
  | { readonly roads: readonly WakingRoad[] }
);

export interface WakingStats {
  /** Devices that are to be woken as soon as budget, modem or association allow it. */
  readonly waiting: number;
  /** Triggers that were sent, in the open and under DTLS. */
  readonly plain: number;
  readonly secured: number;
}

export interface WakingHandle extends Disposable {
  stats(): WakingStats;
}

/** Until disposed of. Devices that register without a number (`sms`), or with more digits than one has, are left alone. */
export function wakeBySms(server: Server, options: WakeBySmsOptions): WakingHandle {
  return new Waker(server, options);
}

/** After the start. */
const settling = seconds(1);
/** How soon is looked again for an association that only the device can make. */
const patience = minutes(5);

class Waker implements WakingHandle {
  private readonly server: Server;
  private readonly roads: readonly WakingRoad[];
  private readonly instanceOf: (registration: Registration) => number;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly core = new Waking();
  private readonly driver: Driver<WakingInput, WakingEffect>;
  private readonly subscriptions: readonly Disposable[];
  /** Names of those who have proved themselves by text message since they registered. */
  private readonly shown = new Set<string>();
  /** By name, where there are several: the road of the last trigger, and the one after which a device came. */
  private readonly tried = new Map<string, { readonly road: number; readonly at: Instant }>();
  private readonly heeded = new Map<string, number>();
  private readonly tally = { plain: 0, secured: 0 };
  private isClosed = false;

  constructor(server: Server, options: WakeBySmsOptions) {
    const { instanceOf = lowestServer, clock = systemClock, random = systemRandom } = options;
    this.server = server;
    this.roads = 'roads' in options ? options.roads : [options];
    this.instanceOf = instanceOf;
    this.clock = clock;
    this.random = random;
    this.driver = new Driver(this.core, clock, (effect: WakingEffect) => this.wake(effect));
    const { events } = server;
    const gone = ({ registration }: { readonly registration: Registration }): void => this.gone(registration);
    this.subscriptions = [
      events.on('wanted', ({ registration }) => this.wanted(registration)),
      events.on('awake', ({ registration }) => this.came(registration)),
      events.on('deregistered', gone),
      events.on('expired', gone),
      this.driver,
      // Not in the instant in which associations were taken up: their record numbers may have been used in it.
      clock.at(clock.now() + settling, () => this.begin()),
    ];
  }

  stats(): WakingStats {
    return { waiting: this.core.waiting, ...this.tally };
  }

  [Symbol.dispose](): void {
    this.isClosed = true;
    for (const subscription of this.subscriptions) subscription[Symbol.dispose]();
  }

  /** What waits since before a restart. */
  private begin(): void {
    const { server } = this;
    for (const registration of server.registrations())
      if (!server.isAwake(registration.name) && server.queued(registration.name).length > 0) this.wanted(registration);
  }

  private wanted(registration: Registration): void {
    if (smsNumberOf(registration) !== undefined) this.driver.handle({ kind: 'wanted', name: registration.name });
  }

  private came({ name }: Registration): void {
    const tried = this.tried.get(name);
    if (tried !== undefined && tried.at + patience > this.clock.now()) this.heeded.set(name, tried.road);
    this.tried.delete(name);
    this.driver.handle({ kind: 'settled', name });
  }

  private gone({ name }: Registration): void {
    this.shown.delete(name);
    this.tried.delete(name);
    this.heeded.delete(name);
    this.driver.handle({ kind: 'settled', name });
  }

  private wake({ name, attempt }: WakingEffect): void {
    const { server } = this;
    const registration = server.registration(name);
    const number = registration === undefined ? undefined : smsNumberOf(registration);
    const isOver =
      registration === undefined || server.isAwake(name) || (attempt === 1 && !server.sleepers.waits(name));
    if (number === undefined || isOver) this.driver.handle({ kind: 'settled', name });
    // The second message is for what is written down: whoever asked without that has given up, perhaps.
    else if (attempt > 1 && server.queued(name).length === 0) this.driver.handle({ kind: 'written', name });
    else if (registration.peer.address.via === 'sms') this.call(registration, registration.peer.address.msisdn);
    else if (this.roads.every((road) => !this.isSecured(road))) this.writePlain(registration, number, attempt);
    else void this.write(registration, number, attempt);
  }

  /** Who is registered by text message is executed like any other: under DTLS where he has come so. */
  private call(registration: Registration, number: string): void {
    const { name } = registration;
    const { sleepers } = this.server;
    const listener = sleepers.listenerOf(name);
    const own = this.roads.find((road) => road.listener === listener);
    const road = own ?? (this.roads.length === 1 && this.roads[0]?.listener === undefined ? this.roads[0] : undefined);
    if (road === undefined) this.driver.handle({ kind: 'settled', name });
    else if (this.isFree(name, [road], number)) {
      sleepers.execute(name, this.executeFor(registration));
      this.tally[listener !== undefined && sleepers.isSecured(listener) ? 'secured' : 'plain'] += 1;
      this.driver.handle({ kind: 'written', name });
    }
  }

  /** Under DTLS where there is an association; in the open where there never was one. */
  private async write(registration: Registration, number: string, attempt: number): Promise<void> {
    const { name } = registration;
    const { sleepers } = this.server;
    // Nobody is looked for who could not be written to.
    if (!this.isFree(name, this.roads, number)) return;
    for (const [i, road] of this.roads.entries()) {
      if (road.listener === undefined || !this.isSecured(road)) continue;
      const peer = await sleepers.associationOf(road.listener, registration).catch(() => undefined);
      // It may have come meanwhile, or have gone.
      if (this.isClosed || this.server.registration(name)?.id !== registration.id || this.server.isAwake(name)) return;
      if (peer === undefined) continue;
      this.shown.add(name);
      if (!this.isFree(name, [road], number)) return;
      sleepers.write(road.listener, peer, this.messageFor(registration));
      this.tally.secured += 1;
      this.written(name, i);
      return;
    }
    if (this.shown.has(name)) this.putOff(name, this.clock.now() + patience);
    else this.writePlain(registration, number, attempt);
  }

  private writePlain(registration: Registration, number: string, attempt: number): void {
    const { name } = registration;
    const open = [...this.roads.entries()].filter(([, { plain = true }]) => plain);
    if (open.length === 0) {
      this.putOff(name, this.clock.now() + patience);
      return;
    }
    const heeded = open.findIndex(([i]) => i === this.heeded.get(name));
    // Which number a device heeds it does not say: after one that brought nothing the next has its turn.
    const first = (Math.max(heeded, 0) + attempt - 1) % open.length;
    const turns = [...open.slice(first), ...open.slice(0, first)];
    const those = heeded >= 0 && attempt === 1 ? turns.slice(0, 1) : turns;
    const isReady = ([, road]: (typeof open)[number]): boolean => this.freeAt(road, number) <= this.clock.now();
    const [i, road] = those.find(isReady) ?? [];
    if (road === undefined || i === undefined) {
      this.putOff(name, Math.min(...those.map(([, each]) => this.freeAt(each, number))));
      return;
    }
    road.messenger.send(number, this.messageFor(registration));
    this.tally.plain += 1;
    this.written(name, i);
  }

  private written(name: string, road: number): void {
    if (this.roads.length > 1) this.tried.set(name, { road, at: this.clock.now() });
    this.driver.handle({ kind: 'written', name });
  }

  private putOff(name: string, until: Instant): void {
    this.driver.handle({ kind: 'put-off', name, until });
  }

  /** False, and it is put off, while none of them has room. */
  private isFree(name: string, roads: readonly WakingRoad[], number: string): boolean {
    const at = Math.min(...roads.map((road) => this.freeAt(road, number)));
    const isFree = at <= this.clock.now();
    if (!isFree) this.putOff(name, at);
    return isFree;
  }

  private freeAt({ messenger }: WakingRoad, number: string): Instant {
    return messenger.freeAt?.(number) ?? this.clock.now();
  }

  private isSecured({ listener }: WakingRoad): boolean {
    return listener !== undefined && this.server.sleepers.isSecured(listener);
  }

  /** Of the Registration Update Trigger. */
  private executeFor(registration: Registration): Request {
    const root = registration.rootPath.split('/').filter((segment) => segment !== '');
    const path = [...root, '1', `${this.instanceOf(registration)}`, '8'];
    return makeRequest(Code.Post, OptionSet.of(...path.map((segment) => [Option.UriPath, segment] as const)));
  }

  /** Ten octets and the alternate path: nothing comes back, so that neither token nor confirmation is of use. */
  private messageFor(registration: Registration): Uint8Array {
    const { code, options, payload } = this.executeFor(registration);
    const id = randomInteger(this.random, 65_536);
    return encodeMessage({ type: Type.Non, id, token: noBytes, code, options, payload });
  }
}

/** As it is dialled: an MSISDN has no `+` and up to 15 digits (3GPP TS 23.003 §3.3), numbers of up to six are short codes. */
function smsNumberOf({ smsNumber }: Registration): string | undefined {
  const [, digits] = /^\+?(\d{1,15})$/.exec(smsNumber ?? '') ?? [];
  return digits !== undefined && digits.length > 6 ? `+${digits}` : digits;
}

function lowestServer({ objects }: Registration): number {
  const instances = objects.flatMap(({ target }) => {
    const [, instance] = /^\/1\/(\d+)$/.exec(target) ?? [];
    return instance === undefined ? [] : [Number(instance)];
  });
  return instances.length === 0 ? 0 : Math.min(...instances);
}
