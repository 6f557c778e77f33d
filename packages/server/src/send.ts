// What devices report by themselves: POST /dp (Core 1.2.1 §6.4.5). Taken from whom is registered, about the instances that he
// has registered, and nothing else; what it says is told to the applications once the answer is on its way.
import {
  Code,
  type Endpoint,
  type Link,
  makeResponse,
  type Request,
  type Response,
  ResponseError,
} from '@lapwing/coap';
import type { Clock, Peer } from '@lapwing/kernel';
import {
  type Entry,
  entriesByPrefix,
  formatPath,
  instancePath,
  isHiddenObject,
  readSend,
  withAbsoluteTimes,
} from '@lapwing/lwm2m';
import type { Contact } from './contact.ts';
import { isGateway } from './end-devices.ts';
import type { Models } from './models.ts';
import { mayContinue } from './registration/identity.ts';
import type { Registry } from './registration/registry.ts';
import { endpointOf } from './security/ownership.ts';
import type { SecurityStore } from './security/store.ts';

export interface Report {
  /** Of the end device whose values they are. */
  readonly prefix?: string;
  readonly entries: readonly Entry[];
  readonly format: number;
}

export class SendInterface {
  private readonly settings: { readonly clock: Clock; readonly security: SecurityStore | undefined };
  private readonly registry: Registry;
  private readonly models: Models;
  private readonly sent: (contact: Contact, report: Report) => void;
  private readonly tally = { sent: 0, 'send-refused': 0 };
  /** Devices of a fleet share their object list. */
  private readonly instances = new WeakMap<readonly Link[], ReadonlySet<string>>();

  constructor(
    settings: { readonly clock: Clock; readonly security: SecurityStore | undefined },
    registry: Registry,
    models: Models,
    sent: (contact: Contact, report: Report) => void,
  ) {
    this.settings = settings;
    this.registry = registry;
    this.models = models;
    this.sent = sent;
  }

  /** Requests by outcome since the start. */
  outcomes(): Readonly<Record<string, number>> {
    return { ...this.tally };
  }

  /** Rejects with the ResponseError to answer: 4.04 for whom is not registered, and for what he has not registered. */
  async serve(request: Request, peer: Peer, endpoint: Endpoint): Promise<Response> {
    try {
      const response = await this.take(request, peer, endpoint);
      this.tally.sent += 1;
      return response;
    } catch (error) {
      this.tally['send-refused'] += 1;
      throw error;
    }
  }

  private async take(request: Request, peer: Peer, endpoint: Endpoint): Promise<Response> {
    const contact = await this.sender(peer);
    if (contact === undefined || contact.endpoint !== endpoint) throw new ResponseError(Code.NotFound);
    const { registration } = contact;
    const { entries, format } = readSend(request, this.models.typesOf(registration), registration.rootPath);
    this.check(entries, registration.objects);
    this.sent(contact, { entries: withAbsoluteTimes(entries, this.settings.clock), format });
    return makeResponse(Code.Changed);
  }

  /** The registration of the very peer; of a device that has a new connection, that of its identity. */
  private async sender(peer: Peer): Promise<Contact | undefined> {
    const known = this.registry.byPeer(peer.key);
    if (known !== undefined || peer.identity.kind === 'none') return known;
    const name = await endpointOf(peer.identity, this.settings.security);
    const contact = name === undefined ? undefined : this.registry.byName(name);
    return contact !== undefined && mayContinue(contact.registration.peer, peer) ? contact : undefined;
  }

  private check(entries: readonly Entry[], objects: readonly Link[]): void {
    const instances = this.instancesOf(objects);
    const hasBehind = entries.some(({ path }) => path.prefix !== undefined) && isGateway(objects);
    for (const { path } of entries) {
      if (path.kind === 'root' || path.kind === 'object') throw new ResponseError(Code.BadRequest);
      if (isHiddenObject(path.object)) throw new ResponseError(Code.BadRequest);
      // The objects of end devices are in no registration (Gateway 1.1.1 §8.3.3).
      if (path.prefix !== undefined) {
        if (!hasBehind) throw new ResponseError(Code.NotFound);
        continue;
      }
      if (!instances.has(formatPath(instancePath(path.object, path.instance)))) throw new ResponseError(Code.NotFound);
    }
  }

  private instancesOf(objects: readonly Link[]): ReadonlySet<string> {
    const known = this.instances.get(objects);
    if (known !== undefined) return known;
    const instances = new Set(objects.map(({ target }) => target));
    this.instances.set(objects, instances);
    return instances;
  }
}

/** A report for the gateway and for each end device that it speaks for (Gateway 1.1.1 §8.3.3). */
export function byTree(report: Report): readonly Report[] {
  if (report.entries.every(({ path }) => path.prefix === undefined)) return [report];
  return [...entriesByPrefix(report.entries)].map(([prefix, entries]) =>
    prefix === undefined ? { ...report, entries } : { ...report, prefix, entries },
  );
}
