// The end devices behind a gateway, as its object 25 tells them (Gateway 1.1.1 §6): one instance for each, with its id, its prefix and
// its object list. A gateway may say anything: what cannot be is left out, and told one by one.
import type { Link } from '@lapwing/coap';
import { encodeUtf8 } from '@lapwing/kernel';
import type { Entry } from './entry.ts';
import { type ObjectListLimits, parseObjectList } from './object-list.ts';
import { Gateway } from './objects/gateway.ts';
import { isPrefix } from './prefix.ts';
import { isName } from './registration.ts';

export interface EndDevice {
  /** Of object 25. */
  readonly instance: number;
  /** Unique behind its gateway, and as a rule everywhere; 1 to 252 bytes. */
  readonly id: string;
  readonly prefix: string;
  /** `/3303`, `/3303/0`, …: without the prefix, attributes kept. Frozen. */
  readonly objects: readonly Link[];
}

/** What is wrong with an instance: it is missing, it cannot be, or an instance before it has the same. */
export interface EndDeviceProblem {
  readonly instance: number;
  readonly problem: 'id' | 'id-taken' | 'prefix' | 'prefix-taken' | 'objects' | 'too-many';
}

export interface EndDeviceLimits extends Partial<ObjectListLimits> {
  /** End devices of one gateway; default 4096. */
  readonly devices?: number;
}

export interface EndDeviceReport {
  /** By instance. */
  readonly devices: readonly EndDevice[];
  /** By instance. */
  readonly problems: readonly EndDeviceProblem[];
}

const mostDevices = 4096;

/** From what a Read of object 25 gave. Of two with the same prefix, or the same id, the lower instance has it. Linear in the content. */
export function readEndDevices(entries: readonly Entry[], limits: EndDeviceLimits = {}): EndDeviceReport {
  const texts = new Map<number, Map<number, string>>();
  for (const { path, value } of entries) {
    if (path.prefix !== undefined || path.kind === 'root' || path.object !== Gateway.id || path.kind === 'object')
      continue;
    const own = texts.get(path.instance) ?? new Map<number, string>();
    texts.set(path.instance, own);
    if (path.kind === 'resource' && (value?.type === 'string' || value?.type === 'corelnk'))
      own.set(path.resource, value.value);
  }
  const reading = new Reading(limits);
  for (const [instance, own] of [...texts].sort(([a], [b]) => a - b)) reading.take(instance, own);
  return reading;
}

class Reading implements EndDeviceReport {
  readonly devices: EndDevice[] = [];
  readonly problems: EndDeviceProblem[] = [];
  private readonly ids = new Set<string>();
  private readonly prefixes = new Set<string>();
  private readonly most: number;
  private readonly lists: ObjectListLimits;

  constructor({ devices = mostDevices, links = 1000, bytes = 65_536 }: EndDeviceLimits) {
    this.most = devices;
    this.lists = { links, bytes };
  }

  take(instance: number, texts: ReadonlyMap<number, string>): void {
    const found = this.read(instance, texts);
    if (typeof found === 'string') {
      this.problems.push({ instance, problem: found });
      return;
    }
    this.ids.add(found.id);
    this.prefixes.add(found.prefix);
    this.devices.push(found);
  }

  private read(instance: number, texts: ReadonlyMap<number, string>): EndDevice | EndDeviceProblem['problem'] {
    const { deviceId, prefix: named, ioTDeviceObjects } = Gateway.resources;
    if (this.devices.length >= this.most) return 'too-many';
    const id = texts.get(deviceId.id);
    if (id === undefined || !isName(id)) return 'id';
    if (this.ids.has(id)) return 'id-taken';
    const prefix = texts.get(named.id);
    if (prefix === undefined || !isPrefix(prefix)) return 'prefix';
    if (this.prefixes.has(prefix)) return 'prefix-taken';
    // Gateways of version 1.0 of the object have none there.
    const list = parseObjectList(encodeUtf8(texts.get(ioTDeviceObjects.id) ?? ''), this.lists);
    if (list.kind === 'problem') return 'objects';
    return Object.freeze({ instance, id, prefix, objects: list.objects });
  }
}
