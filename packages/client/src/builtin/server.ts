// Object 1, one instance for each account: what a server may read and change about its own registration
// (Core 1.2.1 Appendix E.2). Which resources do nothing here is said in docs/reference/objects.md.
import { type Duration, days, seconds } from '@lapwing/kernel';
import {
  type Action,
  type Attributes,
  asSpoken,
  defineObject,
  type Lwm2mVersion,
  type ObjectLink,
  versionTraits,
} from '@lapwing/lwm2m';
import { flagAt, linkAt, linksAt, numberAt, textAt, textsAt } from '../objects/reading.ts';
import type { ObjectStore } from '../objects/store.ts';
import type { Contents } from '../objects/tree.ts';
import type { RetryPolicy } from '../registration/backoff.ts';
import { Server } from './account-objects.ts';
import { alertIn } from './alerts.ts';
import { checkServer } from './server-rules.ts';

/** An account speaks it as the enabler has it that its server speaks. */
export const ServerObject = defineObject(asSpoken(Server));

const { resources } = ServerObject;
const { shortServerId, lifetime, defaultMinimumPeriod, defaultMaximumPeriod, disableTimeout, binding } = resources;

/** What a server can make the engine do by executing a resource of its instance of object 1. */
export interface ServerTriggers {
  update(instance: number): void;
  disable(instance: number): void;
  /** Throws ResponseError 4.05 where there is no bootstrap server. */
  bootstrap(instance: number): void;
  /** What is spoken with the server of that short server id; undefined while nothing is. */
  version(server: number): Lwm2mVersion | undefined;
}

/** Instances outlive the engine that made them, as after a restart on the same objects: they find the one that runs now. */
const engines = new WeakMap<ObjectStore, ServerTriggers>();

export function defineServerObject(store: ObjectStore, triggers: ServerTriggers): void {
  store.define(ServerObject, {
    check: (...change) => checkServer((server) => engines.get(store)?.version(server), ...change),
  });
  engines.set(store, triggers);
}

export function serverActions(store: ObjectStore, instance: number): ReadonlyMap<number, Action> {
  return new Map<number, Action>([
    [resources.registrationUpdateTrigger.id, () => engines.get(store)?.update(instance)],
    [resources.disable.id, () => engines.get(store)?.disable(instance)],
    [resources.bootstrapRequestTrigger.id, () => engines.get(store)?.bootstrap(instance)],
  ]);
}

const noAttributes: Attributes = {};

/** The account's instance of object 1, read anew at each use: a server may have written to it. */
export class ServerInstance {
  private readonly store: ObjectStore;
  readonly id: number;

  constructor(store: ObjectStore, id: number) {
    this.store = store;
    this.id = id;
  }

  get lifetime(): Duration {
    const written = numberAt(this.contents, lifetime.id) ?? 86_400;
    return written === 0 ? Number.POSITIVE_INFINITY : seconds(written);
  }

  /** Letters of the roads, without what is said of queue mode; undefined where nothing is written. */
  get roads(): string | undefined {
    return textAt(this.contents, binding.id)?.replace('Q', '') || undefined;
  }

  /** Queue mode, as it is written before 1.1. */
  get isQueueing(): boolean {
    return textAt(this.contents, binding.id)?.includes('Q') ?? false;
  }

  /** Makes what is written say so, as before 1.1 it has to. */
  writeQueueMode(isQueueing: boolean): void {
    const roads = this.roads ?? '';
    if (isQueueing === this.isQueueing || roads === '') return;
    const written = isQueueing ? `${roads.charAt(0)}Q${roads.slice(1)}` : roads;
    this.store.get(ServerObject, this.id)?.set({ binding: written });
  }

  /** Nothing is to be lost while the server cannot be reached (Core 1.2.1 Appendix E.2). */
  get isStoring(): boolean {
    return flagAt(this.contents, resources.notificationStoringWhenDisabledOrOffline.id) ?? false;
  }

  /** The server wants to be sent nothing (Core 1.2.1 Appendix E.2). */
  get isMuted(): boolean {
    return flagAt(this.contents, resources.muteSend.id) ?? false;
  }

  /** A text message from the server's number is to be heeded (Core 1.2.1 Appendix E.2); `version` 1.0 says it by its binding. */
  isTriggered(version: Lwm2mVersion): boolean {
    if (version === '1.0') return textAt(this.contents, binding.id)?.includes('S') ?? false;
    return flagAt(this.contents, resources.trigger.id) ?? false;
  }

  /** What notifications are where nothing is written of them (Core 1.2.1 Appendix E.2); undefined for the device's own way. */
  get notificationMode(): 'con' | 'auto' | undefined {
    const written = numberAt(this.contents, resources.defaultNotificationMode.id);
    return written === undefined ? undefined : written === 1 ? 'con' : 'auto';
  }

  /** What the server has found wrong with a handshake or a connection: a bootstrap server may want to know (/1/x/11, from 1.1 on). */
  noteAlert(cause: Error, version: Lwm2mVersion): void {
    const alert = alertIn(cause);
    if (alert === undefined || !versionTraits[version].objectVersions.has(ServerObject.id)) return;
    if (numberAt(this.contents, resources.tlsDtlsAlertCode.id) !== alert)
      this.store.get(ServerObject, this.id)?.set({ tlsDtlsAlertCode: alert });
  }

  /** What notifications inherit where nothing is written (Core 1.2.1 §7.3.2). */
  get defaults(): Attributes {
    const pmin = numberAt(this.contents, defaultMinimumPeriod.id) ?? 0;
    const pmax = numberAt(this.contents, defaultMaximumPeriod.id) ?? 0;
    if (pmin <= 0 && pmax <= 0) return noAttributes;
    return { ...(pmin > 0 ? { pmin } : {}), ...(pmax > 0 ? { pmax } : {}) };
  }

  /** Core 1.2.1 Appendix E.2: a day, unless written. */
  get disableTimeout(): Duration {
    const written = numberAt(this.contents, disableTimeout.id);
    return written === undefined ? days(1) : seconds(written);
  }

  /** What is written of it now (/1/x/17 to /1/x/20). */
  get retry(): Partial<RetryPolicy> {
    return readServer(this.contents).retry;
  }

  private get contents(): Contents {
    return this.store.objects.get(ServerObject.id)?.instances.get(this.id)?.contents ?? empty;
  }
}

const empty: Contents = new Map();

/** Of an instance, whether in force or only written: what an account needs to begin. */
export interface ServerRecord {
  readonly shortServerId: number | undefined;
  readonly lifetime: number | undefined;
  readonly binding: string | undefined;
  /** The letter of the road that is taken first where there are two (/1/x/22). */
  readonly preferredTransport: string | undefined;
  /** To profiles of object 11, the most wanted first (/1/x/10, /1/x/24). */
  readonly apnLinks: readonly ObjectLink[];
  /** Of the enabler, that the server speaks, as written (/1/x/25). */
  readonly versions: readonly string[];
  readonly bootstrapOnRegistrationFailure: boolean;
  /** Place among the servers; undefined: none (/1/x/13). */
  readonly priority: number | undefined;
  /** Before the first Register (/1/x/14). */
  readonly delay: Duration;
  /** Whether the servers after it wait for it also when it fails (/1/x/15). */
  readonly blocks: boolean;
  /** What is written of it (Core 1.2.1 §6.2.1.1). */
  readonly retry: Partial<RetryPolicy>;
}

export function readServer(contents: Contents): ServerRecord {
  const retryCount = numberAt(contents, resources.communicationRetryCount.id);
  const retryTimer = numberAt(contents, resources.communicationRetryTimer.id);
  const sequenceDelay = numberAt(contents, resources.communicationSequenceDelayTimer.id);
  const sequenceCount = numberAt(contents, resources.communicationSequenceRetryCount.id);
  const apn = linkAt(contents, resources.apnLink.id);
  const others = linksAt(contents, resources.alternateApnLinks.id);
  return {
    shortServerId: numberAt(contents, shortServerId.id),
    lifetime: numberAt(contents, lifetime.id),
    binding: textAt(contents, binding.id),
    preferredTransport: textAt(contents, resources.preferredTransport.id),
    apnLinks: apn === undefined ? others : [apn, ...others],
    versions: textsAt(contents, resources.supportedServerVersions.id),
    bootstrapOnRegistrationFailure: flagAt(contents, resources.bootstrapOnRegistrationFailure.id) ?? true,
    priority: numberAt(contents, resources.registrationPriorityOrder.id),
    delay: seconds(Math.max(0, numberAt(contents, resources.initialRegistrationDelayTimer.id) ?? 0)),
    blocks: flagAt(contents, resources.registrationFailureBlock.id) ?? false,
    retry: {
      ...(retryCount === undefined ? {} : { retryCount: Math.max(1, retryCount) }),
      ...(retryTimer === undefined ? {} : { retryTimer: seconds(Math.max(1, retryTimer)) }),
      ...(sequenceDelay === undefined ? {} : { sequenceDelay: seconds(Math.max(1, sequenceDelay)) }),
      ...(sequenceCount === undefined ? {} : { sequenceCount: Math.max(1, sequenceCount) }),
    },
  };
}
