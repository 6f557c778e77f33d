// The end devices of registered gateways (shell): object 25 of each is observed for as long as it is registered, and what it tells is
// compared with what was known (Gateway 1.1.1 §8.2). A list that is too long to come at once is read instance by instance, and again
// with each Update that brings another object list.
import { BodyLimitError, formatLinks, type Link, ResponseError } from '@lapwing/coap';
import {
  type EndDevice,
  type Entry,
  instancePath,
  type Operation,
  objectPath,
  type Result,
  readEndDevices,
} from '@lapwing/lwm2m';
import { Gateway } from '@lapwing/lwm2m/objects/gateway';
import type { Contact } from './contact.ts';
import type { PerformOptions } from './device.ts';
import { NotRegisteredError } from './errors.ts';
import type { ServerEvents } from './events.ts';

export interface EndDevicesHost {
  contactOf(name: string): Contact | undefined;
  perform(name: string, operation: Operation, options: PerformOptions): Promise<Result>;
  emit<K extends keyof ServerEvents>(kind: K, event: ServerEvents[K]): void;
}

export interface EndDevicesStats {
  /** Known now, of all gateways. */
  readonly known: number;
  /** Instances of object 25 that could not be taken, each time that they were told. */
  readonly refused: number;
  /** Object 25 could not be read or observed. */
  readonly failed: number;
}

interface Followed {
  readonly devices: Map<string, EndDevice>;
  /** Too long to be observed. */
  piecewise: boolean;
  /** Under way, and whether it is to be done again. */
  asking: 'no' | 'yes' | 'again';
}

const gatewayObject = objectPath(Gateway.id);
/** Marks the observation as nobody's else. */
const ownTag = Symbol('end devices');
/** Told in one event. */
const mostProblems = 100;

export class EndDevices {
  private readonly host: EndDevicesHost;
  private readonly limit: number;
  private readonly isFollowing: boolean;
  private readonly gateways = new Map<string, Followed>();
  private refused = 0;
  private failed = 0;
  private closed = false;

  constructor(host: EndDevicesHost, { limit, follow }: { readonly limit: number; readonly follow: boolean }) {
    this.host = host;
    this.limit = limit;
    this.isFollowing = follow;
  }

  of(name: string): readonly EndDevice[] {
    return [...(this.gateways.get(name)?.devices.values() ?? [])];
  }

  /** Its object list, where it is known. */
  objectsOf(name: string, prefix: string): readonly Link[] | undefined {
    return this.gateways.get(name)?.devices.get(prefix)?.objects;
  }

  stats(): EndDevicesStats {
    let known = 0;
    for (const { devices } of this.gateways.values()) known += devices.size;
    return { known, refused: this.refused, failed: this.failed };
  }

  /** A device is there, or has another object list. */
  seen({ registration: { name, objects } }: Contact): void {
    if (!this.isFollowing) return;
    const gateway = this.gateways.get(name);
    if (!isGateway(objects)) {
      if (gateway !== undefined) this.take(name, gateway, []);
      return;
    }
    if (gateway !== undefined && !gateway.piecewise) return;
    const followed = gateway ?? { devices: new Map(), piecewise: false, asking: 'no' };
    this.gateways.set(name, followed);
    void this.ask(name, followed);
  }

  /** The registration is over. */
  ended({ registration }: Contact): void {
    const gateway = this.gateways.get(registration.name);
    if (gateway === undefined) return;
    this.gateways.delete(registration.name);
    for (const endDevice of gateway.devices.values()) this.host.emit('end-device-removed', { registration, endDevice });
  }

  /** Of interest are notifications of object 25, whoever observes it. */
  heard<K extends keyof ServerEvents>(kind: K, event: ServerEvents[K]): void {
    if (this.gateways.size === 0 || (kind !== 'notify' && kind !== 'observation-renewed')) return;
    const { registration, observation, result } = event as ServerEvents['notify'];
    const { path } = observation;
    if (path.kind !== 'object' || path.object !== Gateway.id || path.prefix !== undefined) return;
    const gateway = this.gateways.get(registration.name);
    if (gateway !== undefined) this.take(registration.name, gateway, result.entries);
  }

  close(): void {
    this.closed = true;
  }

  private async ask(name: string, gateway: Followed): Promise<void> {
    if (gateway.asking !== 'no') {
      gateway.asking = 'again';
      return;
    }
    do {
      gateway.asking = 'yes';
      try {
        const entries = gateway.piecewise ? await this.read(name) : await this.observe(name, gateway);
        if (this.closed || this.gateways.get(name) !== gateway) return;
        this.take(name, gateway, entries);
      } catch (error) {
        if (!this.closed) this.missed(name, error);
      }
      // It may have been set meanwhile.
    } while ((gateway.asking as Followed['asking']) === 'again');
    gateway.asking = 'no';
  }

  private async observe(name: string, gateway: Followed): Promise<readonly Entry[]> {
    try {
      const operation = { op: 'observe', path: gatewayObject } as const;
      return entriesOf(await this.host.perform(name, operation, { tag: ownTag, keep: {} }));
    } catch (error) {
      if (!(error instanceof BodyLimitError)) throw error;
      gateway.piecewise = true;
      return this.read(name);
    }
  }

  /** What has gone meanwhile is passed over. */
  private async read(name: string): Promise<readonly Entry[]> {
    const entries: Entry[] = [];
    const instances = instancesOf(this.host.contactOf(name)?.registration.objects ?? []).slice(0, this.limit);
    for (const instance of instances) {
      if (this.closed) break;
      const result = await this.host.perform(name, { op: 'read', path: instancePath(Gateway.id, instance) }, {});
      if (result.kind === 'content') entries.push(...result.entries);
    }
    return entries;
  }

  private missed(name: string, error: unknown): void {
    const registration = this.host.contactOf(name)?.registration;
    // With the next registration it is asked for again.
    if (registration === undefined || error instanceof NotRegisteredError) return;
    this.failed += 1;
    this.host.emit('end-devices-failed', { registration, error: error as Error });
  }

  private take(name: string, gateway: Followed, entries: readonly Entry[]): void {
    const registration = this.host.contactOf(name)?.registration;
    if (registration === undefined) return;
    const { devices, problems } = readEndDevices(entries, { devices: this.limit });
    const now = new Map(devices.map((each) => [each.prefix, each]));
    for (const [prefix, endDevice] of gateway.devices) {
      // Another device under the same prefix is another device.
      if (now.get(prefix)?.id === endDevice.id) continue;
      gateway.devices.delete(prefix);
      this.host.emit('end-device-removed', { registration, endDevice });
    }
    for (const [prefix, endDevice] of now) {
      const previous = gateway.devices.get(prefix);
      if (previous !== undefined && isSame(previous, endDevice)) continue;
      gateway.devices.set(prefix, endDevice);
      if (previous === undefined) this.host.emit('end-device-added', { registration, endDevice });
      else this.host.emit('end-device-changed', { registration, endDevice, previous });
    }
    if (problems.length === 0) return;
    this.refused += problems.length;
    this.host.emit('end-devices-refused', {
      registration,
      refused: problems.length,
      problems: problems.slice(0, mostProblems),
    });
  }
}

function entriesOf(result: Result): readonly Entry[] {
  if (result.kind === 'content') return result.entries;
  throw new ResponseError(result.code, 'object 25 is not observed');
}

/** What was found out of lists that devices of a fleet share. */
const gatewayLists = new WeakMap<readonly Link[], boolean>();

/** Whether the registration names end devices, or may come to name some. */
export function isGateway(objects: readonly Link[]): boolean {
  const known = gatewayLists.get(objects);
  if (known !== undefined) return known;
  const found = objects.some(({ target }) => target === '/25' || target.startsWith('/25/'));
  gatewayLists.set(objects, found);
  return found;
}

const instancesOf = (objects: readonly Link[]): number[] =>
  objects.flatMap(({ target }) => (target.startsWith('/25/') ? [Number(target.slice('/25/'.length))] : []));

const isSame = (a: EndDevice, b: EndDevice): boolean =>
  a.instance === b.instance && formatLinks(a.objects) === formatLinks(b.objects);
