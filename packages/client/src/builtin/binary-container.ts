// Object 19 (LwM2M BinaryAppDataContainer 1.0): bytes that an application on the device and one behind the server exchange.
import { ResponseError } from '@lapwing/coap';
import { type Clock, systemClock } from '@lapwing/kernel';
import { BinaryAppDataContainer as ContainerObject } from '@lapwing/lwm2m/objects/binary-app-data-container';
import { within } from '../objects/checks.ts';
import type { ObjectStore } from '../objects/store.ts';
import { isMany } from '../objects/tree.ts';

export interface BinaryContainerOptions {
  readonly objects: ObjectStore;
  /** Bytes of one piece of data; default 65,536. */
  readonly mostBytes?: number;
  /** Hears what a server has written: everything that the instance now holds. */
  readonly received?: (instance: number, data: ReadonlyMap<number, Uint8Array>) => void;
  readonly clock?: Clock;
}

/** What goes along with data. */
export interface ContainerLabel {
  /** 0 immediate, 1 best effort, 2 latest. */
  readonly dataPriority?: number;
  readonly dataDescription?: string;
  readonly dataFormat?: string;
  readonly appId?: number;
}

const { data: dataResource, dataPriority, dataDescription, dataFormat, appId } = ContainerObject.resources;
const longestText = 32;
const checkNumbers = within([dataPriority.id, 'priority', 0, 0xff], [appId.id, 'application id', 0, 0xffff]);

export class BinaryContainer implements Disposable {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly subscription: Disposable;

  constructor({ objects, mostBytes = 65_536, received, clock = systemClock }: BinaryContainerOptions) {
    this.objects = objects;
    this.clock = clock;
    objects.define(ContainerObject, {
      creatable: {},
      check: (valueOf, instancesOf, touched) => {
        const data = valueOf(dataResource.id);
        for (const value of data !== undefined && isMany(data) ? data.values() : [])
          if (value.type === 'opaque' && value.value.length > mostBytes)
            throw ResponseError.badRequest(`data has more than ${mostBytes} bytes`);
        const textOf = (id: number): string => {
          const value = valueOf(id);
          return value === undefined || isMany(value) ? '' : String(value.value);
        };
        checkNumbers(valueOf, instancesOf, touched);
        for (const { id } of [dataDescription, dataFormat])
          if (new TextEncoder().encode(textOf(id)).length > longestText)
            throw ResponseError.badRequest(`resource ${id} has more than ${longestText} bytes`);
      },
    });
    this.subscription = objects.events.on('changed', ({ paths, origin }) => {
      if (origin === 'application' || received === undefined) return;
      for (const path of paths) {
        if (path.kind !== 'resource' || path.object !== ContainerObject.id || path.resource !== dataResource.id)
          continue;
        const data = objects.get(ContainerObject, path.instance)?.get('data');
        if (data !== undefined) received(path.instance, data);
      }
    });
  }

  /** What the device has to say; the instance is made where it is not there yet. Its creation time is now. */
  put(instance: number, data: ReadonlyMap<number, Uint8Array>, label: ContainerLabel = {}): void {
    const values = { ...label, data, dataCreationTime: Math.floor(this.clock.wall() / 1000) };
    const own = this.objects.get(ContainerObject, instance);
    if (own === undefined) this.objects.add(ContainerObject, instance, values);
    else own.set(values);
  }

  /** Hears of nothing any more; what is there stays. */
  [Symbol.dispose](): void {
    this.subscription[Symbol.dispose]();
  }
}
