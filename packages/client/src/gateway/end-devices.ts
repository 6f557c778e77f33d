// The device as a gateway: end devices that speak something else, each with a tree of objects of its own (Gateway 1.1.1 §6, §8.2).
// Servers learn of them by object 25, one instance for each, and reach them under their prefix; no registration names their objects.
import { Emitter, type Events } from '@lapwing/kernel';
import { formatObjectList, isName, isPrefix, longestPrefix, maxId, type Path, rootPath, under } from '@lapwing/lwm2m';
import { Gateway } from '@lapwing/lwm2m/objects/gateway';
import { EndDeviceError } from '../errors.ts';
import type { ObjectStore } from '../objects/store.ts';
import { objectList } from '../operations/discover.ts';

export interface EndDeviceFields {
  /** Unique behind this gateway, and better everywhere: a URN; 1 to 252 bytes. */
  readonly id: string;
  /** Of object 25; default the lowest free one. */
  readonly instance?: number;
  /** Letters, digits and `- : . _`, no number, 1 to 64 characters; default `d` and the instance. */
  readonly prefix?: string;
  /** What the end device has; more can be added while it is there. */
  readonly objects: ObjectStore;
}

export type EndDevice = Required<EndDeviceFields>;

export interface EndDeviceEvents {
  /** Values of end devices, with their prefixes; the root of one that is gone. */
  changed: { readonly paths: readonly Path[] };
  /** Instances of an end device came or went. */
  'list-changed': Record<string, never>;
}

export interface EndDevicesOptions {
  /** End devices at once; default 4096. */
  readonly limit?: number;
}

interface Held extends EndDevice, Disposable {}

export class EndDevices implements Iterable<EndDevice> {
  /** What the gateway itself has, where object 25 is. */
  readonly gateway: ObjectStore;
  private readonly held = new Map<string, Held>();
  private readonly emitter = new Emitter<EndDeviceEvents>();
  private readonly limit: number;

  constructor(gateway: ObjectStore, { limit = 4096 }: EndDevicesOptions = {}) {
    this.gateway = gateway;
    this.limit = limit;
    gateway.define(Gateway);
    gateway.events.on('list-changed', () => this.restore());
  }

  get events(): Events<EndDeviceEvents> {
    return this.emitter;
  }

  get size(): number {
    return this.held.size;
  }

  [Symbol.iterator](): Iterator<EndDevice> {
    return this.held.values();
  }

  get(prefix: string): EndDevice | undefined {
    return this.held.get(prefix);
  }

  /** It can be reached from now on, and servers are told by an Update. Throws EndDeviceError. */
  add({ id, objects, ...chosen }: EndDeviceFields): EndDevice {
    if (this.held.size >= this.limit) throw new EndDeviceError('full', `there are ${this.limit} end devices already`);
    const instance = chosen.instance ?? this.lowestFree();
    const prefix = chosen.prefix ?? `d${instance}`;
    this.check({ id, instance, prefix, objects });
    this.show({ id, instance, prefix, objects });
    const subscriptions = [
      objects.events.on('changed', ({ paths }) =>
        this.emitter.emit('changed', { paths: paths.map((path) => under(prefix, path)) }),
      ),
      objects.events.on('list-changed', () => {
        this.gateway.get(Gateway, instance)?.set({ ioTDeviceObjects: linksOf(objects) });
        this.emitter.emit('list-changed', {});
      }),
    ];
    const held: Held = {
      id,
      instance,
      prefix,
      objects,
      [Symbol.dispose]: () => {
        for (const subscription of subscriptions) subscription[Symbol.dispose]();
      },
    };
    this.held.set(prefix, held);
    return held;
  }

  /** It is gone: observations of it end, and servers are told. False when nobody has the prefix. */
  remove(prefix: string): boolean {
    const held = this.held.get(prefix);
    if (held === undefined) return false;
    held[Symbol.dispose]();
    this.held.delete(prefix);
    this.emitter.emit('changed', { paths: [under(prefix, rootPath)] });
    this.gateway.remove(Gateway.id, held.instance);
    return true;
  }

  private show({ id, instance, prefix, objects }: EndDevice): void {
    this.gateway.add(Gateway, instance, { deviceId: id, prefix, ioTDeviceObjects: linksOf(objects) });
  }

  /** A bootstrap that empties the device takes instances of object 25 away, but no end device (Gateway 1.1.1 §8.1). */
  private restore(): void {
    for (const held of this.held.values()) if (this.gateway.get(Gateway, held.instance) === undefined) this.show(held);
  }

  private check({ id, instance, prefix, objects }: EndDevice): void {
    if (!isName(id)) throw new EndDeviceError('id', 'id: not 1 to 252 bytes without control characters');
    if (!isPrefix(prefix))
      throw new EndDeviceError(
        'prefix',
        `prefix: not 1 to ${longestPrefix} of letters, digits and - : . _ that begin with a letter or digit and are no number`,
      );
    if (objects === this.gateway) throw new EndDeviceError('objects', 'objects: those of the gateway itself');
    for (const other of this.held.values()) {
      if (other.id === id) throw new EndDeviceError('id-taken', `id: ${id} is at /25/${other.instance}`);
      if (other.prefix === prefix)
        throw new EndDeviceError('prefix-taken', `prefix: ${prefix} is that of /25/${other.instance}`);
      if (other.objects === objects)
        throw new EndDeviceError('objects', `objects: those of the end device at /25/${other.instance}`);
    }
    if (this.gateway.get(Gateway, instance) !== undefined)
      throw new EndDeviceError('instance', `instance: /25/${instance} is there already`);
  }

  private lowestFree(): number {
    const taken = this.gateway.objects.get(Gateway.id)?.instances;
    for (let instance = 0; instance <= maxId; instance += 1) if (taken?.has(instance) !== true) return instance;
    throw new EndDeviceError('full', 'object 25 is full');
  }
}

/** As a registration would say it, from 1.1 on: what a gateway has to speak at least (Gateway 1.1.1 §8). */
const linksOf = (objects: ObjectStore): string => formatObjectList({ objects: objectList(objects, '1.1') });
