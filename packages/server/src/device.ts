// A device by name, not by connection: valid while it sleeps or is gone. Machines use `perform`; people use the typed
// calls that stand on it, which throw ResponseError for a refusal.
import type { Link } from '@lapwing/coap';
import { ClosedError, type Duration } from '@lapwing/kernel';
import {
  type AttributePatch,
  type ContentResult,
  type Entry,
  type ExecutableKey,
  type InstancePath,
  instancePath,
  type ObjectDefinition,
  type Operation,
  objectPath,
  type Path,
  type PathText,
  parsePath,
  type ReadableKey,
  type Result,
  resourcePath,
  resourcesOf,
  type TypeLookup,
  type ValueOf,
  type WritableValues,
} from '@lapwing/lwm2m';
import { entriesOf, refuse, resourceNamed, valueOf } from './calls.ts';
import type { QueueOptions } from './queue.ts';
import type { QueuedCommand } from './queued.ts';
import { Watch } from './watch.ts';
import type { Keep } from './wishes.ts';

export interface PerformOptions {
  /** Withdraws the operation, also while it is under way. */
  readonly signal?: AbortSignal;
  /** Comes back with every notification of an observe. */
  readonly tag?: unknown;
  /** `now` waits neither for the device to wake nor for the operation before it; default `queued`. */
  readonly order?: 'queued' | 'now';
  /** Longest wait in the queue, in ms. */
  readonly ttl?: Duration;
  /** The types of values, where the caller knows better than the definitions that the device registered with. */
  readonly typeOf?: TypeLookup;
  /** Hears that the device has the request and will answer separately (RFC 7252 §5.2.2). */
  readonly acknowledged?: () => void;
  /** Of an observe that succeeds: it is wanted for good, until it is cancelled. With a note, its tag is made of that. */
  readonly keep?: Keep;
}

export interface Notification {
  readonly entries: readonly Entry[];
  /** Value of the Observe option (RFC 7641 §3.4). */
  readonly sequence: number | undefined;
}

/** Asks devices by name. A server does. */
export interface Asker {
  perform(name: string, operation: Operation, options?: PerformOptions): Promise<Result>;
  /** See `Device.queue`. */
  queue?(name: string, operation: Operation, options?: QueueOptions): Promise<QueuedCommand>;
}

/** Any name: whether it is registered matters only when something is asked of it. */
export class Device {
  readonly name: string;
  private readonly asker: Asker;

  constructor(name: string, asker: Asker) {
    this.name = name;
    this.asker = asker;
  }

  /**
   * Asks the device. A refusal is a result (`refused`), not an error. Rejects with NotRegisteredError, LimitError (queue
   * full), TimeoutError (no answer, or not sent within `ttl`), ResetError, FormatError (an answer that cannot be
   * decoded), or the signal's reason.
   */
  perform(operation: Operation, options?: PerformOptions): Promise<Result> {
    return this.asker.perform(this.name, operation, options);
  }

  /**
   * For a device that sleeps, or is not there: the operation waits in order, over restarts where the server has a store, and is
   * done at most once unless `retry` says otherwise. Resolves once it is kept; its outcome comes later. Rejects with LimitError.
   */
  queue(operation: Operation, options?: QueueOptions): Promise<QueuedCommand> {
    if (this.asker.queue === undefined) return Promise.reject(new ClosedError('nobody queues commands here'));
    return this.asker.queue(this.name, operation, options);
  }

  /** One typed value, or everything at a path. An optional resource that is not there throws ResponseError 4.04. */
  read<D extends ObjectDefinition, K extends ReadableKey<D>>(
    definition: D,
    instance: number,
    resource: K,
    options?: PerformOptions,
  ): Promise<ValueOf<D['resources'][K]>>;
  read(path: PathText, options?: PerformOptions): Promise<readonly Entry[]>;
  async read(
    target: ObjectDefinition | PathText,
    second?: number | PerformOptions,
    key?: string,
    last?: PerformOptions,
  ): Promise<unknown> {
    if (typeof target === 'string')
      return (await this.content({ op: 'read', path: parsePath(target) }, second as PerformOptions)).entries;
    const resource = resourceNamed(target, key as string);
    const path = resourcePath(target.id, second as number, resource.id);
    const typeOf = (object: number, id: number) =>
      object === target.id ? resourcesOf(target).get(id)?.resource.type : undefined;
    const { entries } = await this.content({ op: 'read', path }, { ...last, typeOf });
    return valueOf(resource, entries);
  }

  /** Some values of an instance; what is not given stays as it is. */
  async write<D extends ObjectDefinition>(
    definition: D,
    instance: number,
    values: WritableValues<D>,
    options?: PerformOptions,
  ): Promise<void> {
    const path = instancePath(definition.id, instance);
    await this.done({ op: 'write', path, mode: 'update', entries: entriesOf(definition, instance, values) }, options);
  }

  async execute<D extends ObjectDefinition>(
    definition: D,
    instance: number,
    resource: ExecutableKey<D>,
    args?: string,
    options?: PerformOptions,
  ): Promise<void> {
    const path = resourcePath(definition.id, instance, resourceNamed(definition, resource).id);
    await this.done(args === undefined ? { op: 'execute', path } : { op: 'execute', path, args }, options);
  }

  /** At `instance`, or at an id of the device's choice. Resolves with the path, where the device said it. */
  async create<D extends ObjectDefinition>(
    definition: D,
    values: WritableValues<D>,
    options: PerformOptions & { readonly instance?: number } = {},
  ): Promise<Path | undefined> {
    const { instance, ...rest } = options;
    const entries = entriesOf(definition, instance ?? 0, values);
    const path = objectPath(definition.id);
    const result = await this.done(
      instance === undefined ? { op: 'create', path, entries } : { op: 'create', path, instance, entries },
      rest,
    );
    return result.location;
  }

  async delete(path: PathText, options?: PerformOptions): Promise<void> {
    await this.done({ op: 'delete', path: parsePath(path) as InstancePath }, options);
  }

  async discover(path: PathText, options?: PerformOptions): Promise<readonly Link[]> {
    const result = await this.perform({ op: 'discover', path: parsePath(path) }, options);
    return result.kind === 'links' ? result.links : refuse(result);
  }

  async writeAttributes(path: PathText, attributes: AttributePatch, options?: PerformOptions): Promise<void> {
    await this.done({ op: 'write-attributes', path: parsePath(path), attributes }, options);
  }

  /**
   * The value now, then each notification; leaving the loop or aborting the signal cancels. Ends when the observation
   * does: with the registration, or when somebody else observes the same path. Throws ResponseError when the device
   * refuses. A reader that falls behind loses the oldest beyond 1000. With `lasting` it goes on when the device registers anew,
   * and when it has forgotten the observation: the server observes again, and the value then comes as the next one.
   */
  async *observe(
    path: PathText,
    { lasting = false, ...options }: PerformOptions & { readonly lasting?: boolean } = {},
  ): AsyncGenerator<Notification, void> {
    const { signal } = options;
    const watch = new Watch({ lasting });
    const operation = { op: 'observe', path: parsePath(path) } as const;
    let live = false;
    try {
      const keep = lasting ? { keep: {} } : {};
      const first = await this.content(operation, { ...options, ...keep, tag: watch });
      live = first.sequence !== undefined;
      yield { entries: first.entries, sequence: first.sequence };
      if (!live) return;
      for (let next = await watch.next(signal); next !== undefined; next = await watch.next(signal))
        yield { entries: next.entries, sequence: next.sequence };
    } finally {
      if (live && !watch.isOver) {
        // Over here at once. Nobody waits for the device to hear of it, since it may sleep: it is told by a reset later.
        const cancel = { op: 'cancel-observe', path: operation.path } as const;
        void this.perform(cancel, { order: 'now' }).catch(() => undefined);
      }
    }
  }

  private async content(operation: Operation, options?: PerformOptions): Promise<ContentResult> {
    const result = await this.perform(operation, options);
    return result.kind === 'content' ? result : refuse(result);
  }

  private async done(operation: Operation, options?: PerformOptions): Promise<Extract<Result, { kind: 'done' }>> {
    const result = await this.perform(operation, options);
    return result.kind === 'done' ? result : refuse(result);
  }
}
