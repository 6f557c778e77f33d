// Object 20 (LwM2M Event Log 2.1): a log that servers start and stop. It holds as much as it has room for; the oldest goes first.
import { Code, ResponseError } from '@lapwing/coap';
import { type Clock, concatBytes, FormatError, noBytes, systemClock } from '@lapwing/kernel';
import { type Entry, parseArguments, resourcePath } from '@lapwing/lwm2m';
import { EventLog as EventLogObject } from '@lapwing/lwm2m/objects/event-log';
import { Behind } from '../objects/behind.ts';
import type { Instance } from '../objects/instance.ts';
import type { ObjectPolicy } from '../objects/policy.ts';
import type { ObjectStore } from '../objects/store.ts';
import { onWritten } from '../objects/written.ts';
import { LogIncrements } from './log-increments.ts';

/** Bits of resource 4013. */
export const LogStatus = { Stopped: 1, Valid: 2, Error: 4 } as const;

export interface EventLogOptions {
  readonly objects: ObjectStore;
  readonly instance?: number;
  /** 0 generic, 1 system, 2 security, 3 event, 4 trace, 5 panic, 6 charging, from 100 a vendor's; default 0. */
  readonly logClass?: number;
  /** Bytes that are kept; default 16,384. */
  readonly room?: number;
  /** The server wants events of another class or in another format. */
  readonly steered?: (wanted: { readonly logClass: number; readonly format: number }) => void;
  /**
   * Sends values to the server, as `Client.send` does: then servers may have what happens sent to them as it happens (resources 4016 and
   * 4017). Default: they may not.
   */
  readonly send?: (entries: readonly Entry[]) => Promise<void>;
  readonly clock?: Clock;
}

const { logClass: classResource, logDataFormat, logDataIncremental } = EventLogObject.resources;
/** Seconds. */
const longestInterval = 0xffff_ffff;

const logs = new Behind<EventLog>();

export class EventLog implements Disposable {
  private readonly objects: ObjectStore;
  private readonly instance: Instance<typeof EventLogObject>;
  private readonly room: number;
  private readonly subscription: Disposable;
  private readonly increments: LogIncrements | undefined;
  private events: Uint8Array[] = [];
  private running = false;
  private failed = false;

  constructor(options: EventLogOptions) {
    const { objects, instance = 0, logClass = 0, room = 16_384, steered, send, clock = systemClock } = options;
    this.objects = objects;
    this.room = room;
    const path = resourcePath(EventLogObject.id, instance, logDataIncremental.id);
    this.increments =
      send && new LogIncrements({ room, clock, send: (value) => send([{ path, value: { type: 'opaque', value } }]) });
    objects.define(EventLogObject, policy(objects));
    this.instance = objects.add(EventLogObject, instance, {
      logClass,
      logData: noBytes,
      logDataFormat: 0,
      logStatus: LogStatus.Stopped,
      logStart: (args) => this.start(args),
      logStop: (args) => this.stop(args),
      ...(send === undefined ? {} : { logDataIncrementalMinimumSendInterval: 0 }),
    });
    logs.set(objects, instance, this);
    this.subscription = onWritten(objects, EventLogObject.id, instance, (resources) => {
      if (!resources.has(classResource.id) && !resources.has(logDataFormat.id)) return;
      steered?.({ logClass: this.instance.get('logClass') ?? 0, format: this.instance.get('logDataFormat') ?? 0 });
    });
  }

  /** Whether what happens is collected. */
  get isRunning(): boolean {
    return this.running;
  }

  /** Something has happened, as bytes in the format of the log; not kept while the log is stopped. */
  append(event: Uint8Array): void {
    const kept = event.length > this.room ? event.slice(-this.room) : new Uint8Array(event);
    this.increments?.append(kept);
    if (!this.running) return;
    this.events.push(kept);
    while (this.size > this.room) this.events.shift();
    this.show();
  }

  /** The log could not be kept. */
  fail(): void {
    this.failed = true;
    this.show();
  }

  /** Lets go of the instance. */
  [Symbol.dispose](): void {
    this.subscription[Symbol.dispose]();
    this.increments?.[Symbol.dispose]();
    logs.delete(this.objects, this.instance.id);
    this.objects.remove(EventLogObject.id, this.instance.id);
  }

  /** As a server does by resource 4017: how often at most what has happened is sent, in seconds; 0 for never. Throws ResponseError. */
  sendEvery(interval: number): void {
    if (this.increments === undefined) throw new ResponseError(Code.MethodNotAllowed);
    if (!(interval >= 0 && interval <= longestInterval)) throw ResponseError.badRequest('not a number of seconds');
    this.instance.set({ logDataIncrementalMinimumSendInterval: interval });
    this.increments.every(interval);
  }

  private get size(): number {
    return this.events.reduce((size, { length }) => size + length, 0);
  }

  /** Empties the log first, unless argument 0 is 1. */
  private start(args: string | undefined): void {
    if (!isSet(args)) this.events = [];
    this.running = true;
    this.failed = false;
    this.show();
  }

  /** Keeps the log, unless argument 0 is 1. */
  private stop(args: string | undefined): void {
    if (isSet(args)) this.events = [];
    this.running = false;
    this.show();
  }

  private show(): void {
    this.instance.set({
      logData: concatBytes(...this.events),
      logStatus:
        (this.running ? 0 : LogStatus.Stopped) |
        (this.events.length > 0 ? LogStatus.Valid : 0) |
        (this.failed ? LogStatus.Error : 0),
    });
  }
}

function policy(objects: ObjectStore): ObjectPolicy {
  const at = (instance: number): EventLog => {
    const log = logs.get(objects, instance);
    if (log === undefined) throw ResponseError.badRequest(`/20/${instance} has nothing behind it`);
    return log;
  };
  return {
    takers: {
      logDataIncrementalMinimumSendInterval: {
        value: (instance, { value }) => at(instance).sendEvery(Number(value)),
      },
    },
  };
}

/** Argument 0. Throws ResponseError 4.00 for anything else than 0 and 1. */
function isSet(args: string | undefined): boolean {
  try {
    const value = parseArguments(args ?? '').get(0) ?? '0';
    if (value !== '0' && value !== '1') throw new FormatError(`argument 0 is '${value.slice(0, 16)}', not 0 or 1`);
    return value === '1';
  } catch (error) {
    if (error instanceof FormatError) throw ResponseError.badRequest(error.message);
    throw error;
  }
}
