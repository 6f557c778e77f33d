// Object 7 (Core 1.2.1 Appendix E.8): what has been sent and received since a server said Start, until it says Stop or the period is over.
import { ResponseError } from '@lapwing/coap';
import { type Clock, seconds, systemClock } from '@lapwing/kernel';
import { ConnectivityStatistics as StatisticsObject } from '@lapwing/lwm2m/objects/connectivity-statistics';
import type { Instance } from '../objects/instance.ts';
import type { ObjectStore } from '../objects/store.ts';
import { isMany } from '../objects/tree.ts';
import { onWritten } from '../objects/written.ts';

export interface ConnectivityStatisticsOptions {
  readonly objects: ObjectStore;
  /** In seconds (resource 8); default 0: until Stop. */
  readonly collectionPeriod?: number;
  readonly clock?: Clock;
}

const { collectionPeriod: period } = StatisticsObject.resources;
const longestPeriod = 0xffff_ffff;

export class ConnectivityStatistics implements Disposable {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly instance: Instance<typeof StatisticsObject>;
  private readonly subscription: Disposable;
  private tally = { ...nothing };
  private collecting = false;
  private end: Disposable | undefined;

  constructor({ objects, collectionPeriod = 0, clock = systemClock }: ConnectivityStatisticsOptions) {
    this.objects = objects;
    this.clock = clock;
    objects.define(StatisticsObject, {
      check: (valueOf) => {
        const written = valueOf(period.id);
        if (written === undefined || isMany(written)) return;
        if (!(Number(written.value) >= 0 && Number(written.value) <= longestPeriod))
          throw ResponseError.badRequest('the collection period is not a number of seconds');
      },
    });
    this.instance = objects.add(StatisticsObject, 0, {
      ...shown(nothing),
      collectionPeriod,
      start: () => this.start(),
      stop: () => this.stop(),
    });
    this.subscription = onWritten(objects, StatisticsObject.id, 0, (resources) => {
      if (this.collecting && resources.has(period.id)) this.arm();
    });
  }

  /** Whether what is sent and received is counted now. */
  get isCollecting(): boolean {
    return this.collecting;
  }

  /** A message of so many bytes was sent. */
  sent(bytes: number): void {
    this.count({ tx: bytes, messages: 1, bytes, longest: bytes });
  }

  received(bytes: number): void {
    this.count({ rx: bytes, messages: 1, bytes, longest: bytes });
  }

  smsSent(): void {
    this.count({ smsTx: 1 });
  }

  smsReceived(): void {
    this.count({ smsRx: 1 });
  }

  /** As a server does by resource 6: begins anew from nothing. */
  start(): void {
    this.collecting = true;
    this.tally = { ...nothing };
    this.instance.set(shown(this.tally));
    this.arm();
  }

  /** As a server does by resource 7; what was counted stays to be read. */
  stop(): void {
    this.collecting = false;
    this.end?.[Symbol.dispose]();
  }

  /** Lets go of the object. */
  [Symbol.dispose](): void {
    this.stop();
    this.subscription[Symbol.dispose]();
    this.objects.remove(StatisticsObject.id, 0);
  }

  /** 0 is until Stop. */
  private arm(): void {
    this.end?.[Symbol.dispose]();
    const written = this.instance.get('collectionPeriod') ?? 0;
    if (written > 0) this.end = this.clock.at(this.clock.now() + seconds(written), () => this.stop());
  }

  private count({ longest = 0, ...more }: Partial<Tally>): void {
    if (!this.collecting) return;
    const { tally } = this;
    for (const [name, by] of Object.entries(more) as [keyof Tally, number][]) tally[name] += by;
    tally.longest = Math.max(tally.longest, longest);
    this.instance.set(shown(tally));
  }
}

interface Tally {
  smsTx: number;
  smsRx: number;
  /** Bytes. */
  tx: number;
  rx: number;
  messages: number;
  bytes: number;
  longest: number;
}

const nothing: Tally = { smsTx: 0, smsRx: 0, tx: 0, rx: 0, messages: 0, bytes: 0, longest: 0 };

/** Data in kilobytes, messages in bytes. */
const shown = ({ smsTx, smsRx, tx, rx, messages, bytes, longest }: Tally) => ({
  smsTxCounter: smsTx,
  smsRxCounter: smsRx,
  txData: Math.floor(tx / 1000),
  rxData: Math.floor(rx / 1000),
  maxMessageSize: longest,
  averageMessageSize: messages === 0 ? 0 : Math.round(bytes / messages),
});
