// Changes that happen together or not at all. Everything is staged on copies and checked; `commit` swaps them in and
// tells which paths changed, once.
import { Code, ResponseError } from '@lapwing/coap';
import {
  type Action,
  instancePath,
  maxId,
  objectPath,
  type Path,
  resourcePath,
  resourcesOf,
  type Value,
} from '@lapwing/lwm2m';

import { refusePromise } from './at-once.ts';
import {
  type Approve,
  type Content,
  type Contents,
  type InstanceNode,
  isMany,
  type Measuring,
  none,
  type ObjectNode,
  type Proposal,
} from './tree.ts';

export interface Changes {
  /** Resources whose content changed, instances that came, instances that went. */
  readonly paths: readonly Path[];
  /** The object list is another one. */
  readonly instances: boolean;
}

/** What is to become of an instance, and who is asked. */
export interface Proposed {
  readonly approve: Approve;
  readonly proposal: Proposal;
}

interface Staged {
  readonly object: ObjectNode;
  readonly contents: Map<number, Content>;
  readonly touched: Set<number>;
  readonly actions: ReadonlyMap<number, Action>;
  /** Who makes it now; undefined when it is there already. */
  readonly creator: Creator | undefined;
  readonly measuring: Measuring | undefined;
}

/** What a server creates may lack the values that only the application can give. */
export type Creator = 'application' | 'server';

export class Transaction {
  private readonly objects: Map<number, ObjectNode>;
  private readonly staged = new Map<string, Staged>();
  private readonly deleted = new Map<string, { readonly object: ObjectNode; readonly instance: number }>();
  private readonly mostResourceInstances: number;

  constructor(objects: Map<number, ObjectNode>, mostResourceInstances: number) {
    this.objects = objects;
    this.mostResourceInstances = mostResourceInstances;
  }

  /** Throws ResponseError 4.00 for an id that is taken or cannot be. An object that is not known becomes so with the commit. */
  create(
    object: ObjectNode,
    instance: number,
    actions: ReadonlyMap<number, Action>,
    creator: Creator,
    measuring?: Measuring,
  ): void {
    const { id, many } = object.definition;
    const key = `${id}/${instance}`;
    if (!Number.isInteger(instance) || instance < 0 || instance > maxId)
      throw ResponseError.badRequest(`/${key} is not a path`);
    if (many !== true && instance !== 0) throw ResponseError.badRequest(`/${id} has one instance, 0`);
    if (object.instances.has(instance) || this.staged.has(key)) throw ResponseError.badRequest(`/${key} exists`);
    this.staged.set(key, { object, contents: new Map(), touched: new Set(), actions, creator, measuring });
  }

  delete(object: ObjectNode, instance: number): void {
    this.deleted.set(`${object.definition.id}/${instance}`, { object, instance });
  }

  /** The content as it would be after the commit. */
  read(object: number, instance: number, resource: number): Content | undefined {
    return this.stage(object, instance).contents.get(resource);
  }

  contents(object: number, instance: number): ReadonlyMap<number, Content> {
    return this.stage(object, instance).contents;
  }

  put(object: number, instance: number, resource: number, content: Content): void {
    const staged = this.stage(object, instance);
    const declared = resourcesOf(staged.object.definition).get(resource)?.resource;
    if (declared === undefined) throw new ResponseError(Code.NotFound);
    if ((declared.many === true) !== isMany(content)) {
      throw ResponseError.badRequest(
        `/${object}/${instance}/${resource} ${declared.many === true ? 'has instances' : 'has no instances'}`,
      );
    }
    if (isMany(content) && content.size > this.mostResourceInstances)
      throw ResponseError.badRequest(`/${object}/${instance}/${resource} has room for ${this.mostResourceInstances}`);
    staged.contents.set(resource, owned(content));
    staged.touched.add(resource);
  }

  remove(object: number, instance: number, resource: number): void {
    const staged = this.stage(object, instance);
    if (staged.contents.delete(resource)) staged.touched.add(resource);
  }

  /** Throws ResponseError 4.00 when a mandatory resource would be missing or the object's check fails. */
  check(): void {
    for (const [key, { object, contents, touched, actions, creator }] of this.staged) {
      if (this.deleted.has(key)) continue;
      const outcome: unknown = object.check?.(
        (resource) => contents.get(resource),
        (id) => this.instancesOf(id),
        touched,
      );
      refusePromise(
        outcome,
        `the check of object ${object.definition.id}: who needs time for it approves (ObjectPolicy.approve)`,
      );
      for (const { key: name, resource } of resourcesOf(object.definition).values()) {
        const there = resource.access === 'E' ? actions.has(resource.id) : contents.has(resource.id);
        // What only servers write need not be there from the start, nor what they cannot write where they create.
        const optional = resource.required !== true || resource.access === 'W';
        const lacking = creator === 'server' && resource.access === 'R';
        if (!optional && !lacking && !there)
          throw ResponseError.badRequest(`/${key}/${resource.id} (${name}) is mandatory`);
      }
    }
  }

  /** What is wanted of objects that are to approve it. */
  proposed(): readonly Proposed[] {
    const all: Proposed[] = [];
    const touchedNothing: ReadonlySet<number> = new Set();
    for (const [key, { object, contents, touched, creator }] of this.staged) {
      const { approve } = object;
      if (approve === undefined || this.deleted.has(key)) continue;
      const kind = creator === undefined ? 'write' : 'create';
      if (kind === 'create' || touched.size > 0)
        all.push({
          approve,
          proposal: { kind, instance: idIn(key), valueOf: (resource) => contents.get(resource), touched },
        });
    }
    for (const { object, instance } of this.deleted.values()) {
      const contents = object.instances.get(instance)?.contents ?? none;
      if (object.approve === undefined) continue;
      const valueOf = (resource: number): Content | undefined => contents.get(resource);
      all.push({ approve: object.approve, proposal: { kind: 'delete', instance, valueOf, touched: touchedNothing } });
    }
    return all;
  }

  /** Throws as `check`, and then changes nothing. */
  commit(): Changes {
    this.check();
    const paths: Path[] = [];
    let instances = false;
    for (const [key, staged] of this.staged) {
      const object = staged.object.definition.id;
      const id = idIn(key);
      const there = staged.object.instances.get(id);
      if (staged.creator !== undefined || there === undefined) {
        const { contents, actions, measuring } = staged;
        const node: InstanceNode = { id, contents, actions, measuring };
        if (!this.objects.has(object)) this.objects.set(object, staged.object);
        staged.object.instances.set(id, node);
        instances = true;
        paths.push(instancePath(object, id));
      } else if (staged.touched.size > 0) there.contents = staged.contents;
      for (const resource of staged.touched) {
        staged.object.fetchers.get(resource)?.forget(id);
        paths.push(resourcePath(object, id, resource));
      }
    }
    for (const { object, instance } of this.deleted.values()) {
      if (!object.instances.delete(instance)) continue;
      for (const fetcher of object.fetchers.values()) fetcher.forget(instance);
      instances = true;
      paths.push(objectPath(object.definition.id), instancePath(object.definition.id, instance));
    }
    return { paths, instances };
  }

  /** Contents as they would be after the commit. */
  private instancesOf(objectId: number): readonly Contents[] {
    const instances = new Map<string, Contents>();
    for (const { id, contents } of this.objects.get(objectId)?.instances.values() ?? [])
      instances.set(`${objectId}/${id}`, contents);
    for (const [key, { object, contents }] of this.staged)
      if (object.definition.id === objectId) instances.set(key, contents);
    for (const key of this.deleted.keys()) instances.delete(key);
    return [...instances.values()];
  }

  private stage(objectId: number, instanceId: number): Staged {
    const key = `${objectId}/${instanceId}`;
    const known = this.staged.get(key);
    if (known !== undefined) return known;
    const object = this.objects.get(objectId);
    const instance = object?.instances.get(instanceId);
    if (object === undefined || instance === undefined) throw new ResponseError(Code.NotFound);
    const staged: Staged = {
      object,
      contents: new Map(instance.contents),
      touched: new Set(),
      actions: instance.actions,
      creator: undefined,
      measuring: instance.measuring,
    };
    this.staged.set(key, staged);
    return staged;
  }
}

/** Of an instance's key. */
const idIn = (key: string): number => Number(key.slice(key.indexOf('/') + 1));

/** Bytes belong to whom they came from: a message's buffer, or an application that goes on writing to them. */
function owned(content: Content): Content {
  if (isMany(content)) return new Map([...content].map(([id, value]) => [id, copied(value)]));
  return copied(content);
}

const copied = (value: Value): Value =>
  value.type === 'opaque' ? { type: 'opaque', value: new Uint8Array(value.value) } : value;
