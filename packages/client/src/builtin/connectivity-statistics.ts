// Object 7 (Core 1.2.1 Appendix E.8): what has gone over the roads of the device since a server said Start, until it says Stop or the
// period is over. A client with the same objects counts by itself.
import { type Clock, seconds, systemClock } from '@lapwing/kernel';
import { ConnectivityStatistics as StatisticsObject } from '@lapwing/lwm2m/objects/connectivity-statistics';
import { Behind } from '../objects/behind.ts';
import { within } from '../objects/checks.ts';
import type { Instance } from '../objects/instance.ts';
import type { ObjectStore } from '../objects/store.ts';
import { onWritten } from '../objects/written.ts';
import { countTraffic, type Direction, longestPacket, type Meter } from '../traffic.ts';

export interface ConnectivityStatisticsOptions {
  readonly objects: ObjectStore;
  /** In seconds (resource 8); default 0: until Stop. */
  readonly collectionPeriod?: number;
  /** Text messages that the modem has sent and received so far, such as the parts of a `Messenger`; default none. */
  readonly texts?: () => TextCounts;
  readonly clock?: Clock;
}

export interface TextCounts {
  readonly sent: number;
  readonly received: number;
}

const { collectionPeriod: period } = StatisticsObject.resources;
const longestPeriod = 0xffff_ffff;

const all = new Behind<ConnectivityStatistics>();

export class ConnectivityStatistics implements Disposable {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly texts: () => TextCounts;
  private readonly instance: Instance<typeof StatisticsObject>;
  private readonly subscription: Disposable;
  private readonly meter: Meter = {
    carried: (direction, bytes, packets) => this.carried(direction, bytes, packets),
  };
  private tally = { ...nothing };
  /** What the modem had counted when it began. */
  private before: TextCounts = noTexts;
  private counting: Disposable | undefined;
  private end: Disposable | undefined;
  private telling: Disposable | undefined;

  /** Throws ResponseError for a period that is none, RangeError where the store has another object 7. */
  constructor({
    objects,
    collectionPeriod = 0,
    texts = () => noTexts,
    clock = systemClock,
  }: ConnectivityStatisticsOptions) {
    this.objects = objects;
    this.clock = clock;
    this.texts = texts;
    objects.define(StatisticsObject, policy(objects));
    this.instance = objects.add(StatisticsObject, 0, {
      ...this.shown,
      collectionPeriod,
      start: () => this.start(),
      stop: () => this.stop(),
    });
    all.set(objects, 0, this);
    this.subscription = onWritten(objects, StatisticsObject.id, 0, (resources) => {
      if (this.isCollecting && resources.has(period.id)) this.arm();
    });
  }

  /** Whether what is sent and received is counted now. */
  get isCollecting(): boolean {
    return this.counting !== undefined;
  }

  /** What has been counted, as the object says it: kilobytes of data, and bytes of the packets that they came in, headers of IP included. */
  get shown() {
    const { tx, rx, packets, longest } = this.tally;
    const { sent, received } = this.textsNow;
    return {
      smsTxCounter: sent,
      smsRxCounter: received,
      txData: Math.floor(tx / 1000),
      rxData: Math.floor(rx / 1000),
      maxMessageSize: longest,
      averageMessageSize: packets === 0 ? 0 : Math.round((tx + rx) / packets),
    };
  }

  /** Something else of the device was sent over IP: bytes of one packet with its headers. */
  sent(bytes: number): void {
    if (this.isCollecting) this.carried('sent', bytes, 1);
  }

  received(bytes: number): void {
    if (this.isCollecting) this.carried('received', bytes, 1);
  }

  /** As a server does by resource 6: begins anew from nothing. */
  start(): void {
    this.tally = { ...nothing };
    this.before = this.texts();
    this.counting ??= countTraffic(this.objects, this.meter);
    this.tell();
    this.arm();
  }

  /** As a server does by resource 7; what was counted stays to be read. */
  stop(): void {
    if (this.counting === undefined) return;
    Object.assign(this.tally, { smsTx: this.textsNow.sent, smsRx: this.textsNow.received });
    this.counting[Symbol.dispose]();
    this.counting = undefined;
    this.end?.[Symbol.dispose]();
    this.tell();
  }

  /** Lets go of the object. */
  [Symbol.dispose](): void {
    this.stop();
    this.telling?.[Symbol.dispose]();
    this.subscription[Symbol.dispose]();
    all.delete(this.objects, 0);
    this.objects.remove(StatisticsObject.id, 0);
  }

  /** 0 is until Stop. */
  private arm(): void {
    this.end?.[Symbol.dispose]();
    const written = this.instance.get('collectionPeriod') ?? 0;
    if (written > 0) this.end = this.clock.at(this.clock.now() + seconds(written), () => this.stop());
  }

  private get textsNow(): TextCounts {
    const { smsTx, smsRx } = this.tally;
    if (!this.isCollecting) return { sent: smsTx, received: smsRx };
    const { sent, received } = this.texts();
    return { sent: sent - this.before.sent, received: received - this.before.received };
  }

  private carried(direction: Direction, bytes: number, packets: number): void {
    const { tally } = this;
    const { longest } = tally;
    const which = direction === 'sent' ? 'tx' : 'rx';
    const before = tally[which];
    tally[which] += bytes;
    tally.packets += packets;
    tally.longest = Math.max(longest, packets > 1 ? longestPacket : bytes);
    if (tally.longest > longest || Math.floor(before / 1000) !== Math.floor(tally[which] / 1000)) this.tellSoon();
  }

  /** Not in the middle of what is being sent; a notification more is no kilobyte, so that what is told of comes to rest. */
  private tellSoon(): void {
    this.telling ??= this.clock.at(this.clock.now(), () => {
      this.telling = undefined;
      this.tell();
    });
  }

  private tell(): void {
    this.instance.set(this.shown);
  }
}

/** What is read is what has been counted until then; observers hear of each kilobyte. */
function policy(objects: ObjectStore) {
  const now = (key: keyof ConnectivityStatistics['shown']) => (instance: number) =>
    all.get(objects, instance)?.shown[key] ?? 0;
  return {
    readers: Object.fromEntries(
      (['smsTxCounter', 'smsRxCounter', 'txData', 'rxData', 'maxMessageSize', 'averageMessageSize'] as const).map(
        (key) => [key, now(key)],
      ),
    ),
    check: within([period.id, 'collection period in seconds', 0, longestPeriod]),
  };
}

/** Text messages, bytes over IP with their headers, and the packets of them. */
const nothing = { smsTx: 0, smsRx: 0, tx: 0, rx: 0, packets: 0, longest: 0 };
const noTexts: TextCounts = { sent: 0, received: 0 };
