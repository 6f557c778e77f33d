// A device by name, not by connection: valid while it sleeps or is gone. Machines use `perform`; people use the typed
// calls that stand on it, which throw ResponseError for a refusal.
import { Code, type Link } from '@lapwing/coap';
import { ClosedError, type Duration } from '@lapwing/kernel';
import {
  type AttributePatch,
  type ContentResult,
  checkPrefix,
  type EndDevice,
  type Entry,
  type ExecutableKey,
  entriesUnder,
  type InstancePath,
  type InstanceValues,
  instancePath,
  type ObjectDefinition,
  type Operation,
  objectPath,
  operationUnder,
  type Path,
  type PathText,
  parsePath,
  type ReadableKey,
  type Result,
  readEndDevices,
  resourcePath,
  resultUnder,
  type TypeLookup,
  type Value,
  type ValueOf,
  type WritableValues,
} from '@lapwing/lwm2m';
import { Gateway } from '@lapwing/lwm2m/objects/gateway';
import { entriesOf, instanceValues, refuse, resourceNamed, typesOf, valueOf } from './calls.ts';
import type { QueueOptions } from './queue.ts';
import type { QueuedCommand } from './queued.ts';
import { Watch } from './watch.ts';
import type { Keep } from './wish.ts';

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

/** What of an instance can be read, as far as it is there. */
export type ReadValues<D extends ObjectDefinition> = Partial<
  Pick<InstanceValues<D>, ReadableKey<D> & keyof InstanceValues<D>>
>;

export interface FormatOptions extends PerformOptions {
  /** Content-Format of what goes up; default by version and path. */
  readonly format?: number;
  /** Content-Format of the answer; default the best that the device has announced. */
  readonly accept?: number;
}

interface Lasting {
  /** Goes on when the device registers anew, and when it has forgotten the observation; default false. */
  readonly lasting?: boolean;
}

export interface ObserveOptions extends PerformOptions, Lasting {
  readonly accept?: number;
  /** Count for this observation before what is written; from 1.2 on (Core 1.2.1 §6.4.1). */
  readonly attributes?: AttributePatch;
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
  /** Of an end device behind the device of that name. */
  readonly prefix: string | undefined;
  private readonly asker: Asker;

  constructor(name: string, asker: Asker, prefix?: string) {
    this.name = name;
    this.asker = asker;
    this.prefix = prefix;
  }

  /** Those behind a gateway, as it tells now (Gateway 1.1.1 §6); of a device that is none, none. Rejects as `perform`. */
  async endDevices(options?: PerformOptions): Promise<readonly EndDevice[]> {
    const result = await this.perform({ op: 'read', path: objectPath(Gateway.id) }, options);
    if (result.kind === 'refused' && result.code === Code.NotFound) return [];
    return result.kind === 'content' ? readEndDevices(result.entries).devices : refuse(result);
  }

  /** One behind a gateway, by its prefix: everything that a device can be asked. Throws FormatError for what is no prefix. */
  endDevice(prefix: string): Device {
    checkPrefix(prefix);
    return new Device(this.name, this.asker, prefix);
  }

  /**
   * Asks the device. A refusal is a result (`refused`), not an error. Rejects with NotRegisteredError, LimitError (queue
   * full), TimeoutError (no answer, or not sent within `ttl`), ResetError, FormatError (an answer that cannot be
   * decoded), or the signal's reason.
   */
  perform(operation: Operation, options?: PerformOptions): Promise<Result> {
    const { prefix } = this;
    if (prefix === undefined) return this.asker.perform(this.name, operation, options);
    const asked = this.asker.perform(this.name, operationUnder(prefix, operation), options);
    return asked.then((result) => resultUnder(undefined, result));
  }

  /**
   * For a device that sleeps, or is not there: the operation waits in order, over restarts where the server has a store, and is
   * done at most once unless `retry` says otherwise. Resolves once it is kept; its outcome comes later. Rejects with LimitError. A
   * kept observation is not wanted any more as soon as its cancel is in the queue, and stays so when that is withdrawn or expires.
   */
  queue(operation: Operation, options?: QueueOptions): Promise<QueuedCommand> {
    if (this.asker.queue === undefined) return Promise.reject(new ClosedError('nobody queues commands here'));
    const asked = this.prefix === undefined ? operation : operationUnder(this.prefix, operation);
    return this.asker.queue(this.name, asked, options);
  }

  /**
   * One typed value, the values of an instance, or everything at a path. An optional resource that is not there throws
   * ResponseError 4.04.
   */
  read<D extends ObjectDefinition, K extends ReadableKey<D>>(
    definition: D,
    instance: number,
    resource: K,
    options?: PerformOptions,
  ): Promise<ValueOf<D['resources'][K]>>;
  read<D extends ObjectDefinition>(definition: D, instance: number): Promise<ReadValues<D>>;
  read(path: PathText, options?: Omit<FormatOptions, 'format'>): Promise<readonly Entry[]>;
  async read(
    target: ObjectDefinition | PathText,
    second?: number | FormatOptions,
    key?: string,
    last?: PerformOptions,
  ): Promise<unknown> {
    if (typeof target === 'string') {
      const { accept, ...options } = (second ?? {}) as FormatOptions;
      const path = parsePath(target);
      return (await this.content(accept === undefined ? { op: 'read', path } : { op: 'read', path, accept }, options))
        .entries;
    }
    const options = { ...last, typeOf: typesOf(target) };
    if (key === undefined) {
      const path = instancePath(target.id, second as number);
      return instanceValues(target, (await this.content({ op: 'read', path }, options)).entries);
    }
    const resource = resourceNamed(target, key);
    const path = resourcePath(target.id, second as number, resource.id);
    return valueOf(resource, (await this.content({ op: 'read', path }, options)).entries);
  }

  /**
   * Some values of an instance, what is not given stays as it is; or what is at a path, which replaces everything that was
   * there. A path of a resource or a resource instance takes its one value.
   */
  write<D extends ObjectDefinition>(
    definition: D,
    instance: number,
    values: WritableValues<D>,
    options?: PerformOptions,
  ): Promise<void>;
  write(path: PathText, content: Value | readonly Entry[], options?: Omit<FormatOptions, 'accept'>): Promise<void>;
  async write(
    target: ObjectDefinition | PathText,
    second: number | Value | readonly Entry[],
    third?: object,
    last?: PerformOptions,
  ): Promise<void> {
    if (typeof target !== 'string') {
      const instance = second as number;
      const entries = entriesOf(target, instance, third ?? {});
      await this.done({ op: 'write', path: instancePath(target.id, instance), mode: 'update', entries }, last);
      return;
    }
    const path = parsePath(target);
    if (path.kind === 'root' || path.kind === 'object') throw new RangeError(`${target} cannot be written`);
    const { format, ...options } = (third ?? {}) as FormatOptions;
    const entries = 'type' in (second as object) ? [{ path, value: second as Value }] : (second as readonly Entry[]);
    const chosen = format === undefined ? {} : { format };
    await this.done({ op: 'write', path, mode: 'replace', entries, ...chosen }, options);
  }

  /** Everything that is there at several paths, in one answer of one moment (Core 1.2.1 §6.3.8). From 1.1 on. */
  async readComposite(paths: readonly PathText[], options: FormatOptions = {}): Promise<readonly Entry[]> {
    const { format, accept, ...rest } = options;
    const operation = { op: 'read-composite', paths: paths.map(parsePath) } as const;
    return (await this.content({ ...operation, ...given({ format, accept }) }, rest)).entries;
  }

  /** Several values wherever they are, all or none (Core 1.2.1 §6.3.9). From 1.1 on. */
  async writeComposite(entries: readonly Entry[], options: Omit<FormatOptions, 'accept'> = {}): Promise<void> {
    const { format, ...rest } = options;
    await this.done({ op: 'write-composite', entries, ...given({ format }) }, rest);
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

  /** `depth`: levels to look down, 0 to 3; default by path. From 1.2 on (Core 1.2.1 §6.3.2). */
  async discover(path: PathText, options: PerformOptions & { readonly depth?: number } = {}): Promise<readonly Link[]> {
    const { depth, ...rest } = options;
    const result = await this.perform({ op: 'discover', path: parsePath(path), ...given({ depth }) }, rest);
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
  observe(path: PathText, options?: ObserveOptions): AsyncGenerator<Notification, void>;
  observe<D extends ObjectDefinition, K extends ReadableKey<D>>(
    definition: D,
    instance: number,
    resource: K,
    options?: ObserveOptions,
  ): AsyncGenerator<ValueOf<D['resources'][K]>, void>;
  observe(
    target: ObjectDefinition | PathText,
    second?: number | ObserveOptions,
    key?: string,
    last: ObserveOptions = {},
  ): AsyncGenerator<unknown, void> {
    if (typeof target !== 'string') return this.observeValue(target, second as number, key as string, last);
    const { accept, attributes, ...options } = (second ?? {}) as ObserveOptions;
    const operation = { op: 'observe', path: parsePath(target), ...given({ accept, attributes }) } as const;
    return this.watch(operation, { op: 'cancel-observe', path: operation.path }, options);
  }

  /** Several paths as one observation: what changes together is told together (Core 1.2.1 §6.4.3). From 1.1 on. */
  observeComposite(
    paths: readonly PathText[],
    options: ObserveOptions & Pick<FormatOptions, 'format'> = {},
  ): AsyncGenerator<Notification, void> {
    const { accept, format, attributes, ...rest } = options;
    const selection = { paths: paths.map(parsePath), ...given({ accept, format }) };
    const operation = { op: 'observe-composite', ...selection, ...given({ attributes }) } as const;
    return this.watch(operation, { op: 'cancel-observe-composite', ...selection }, rest);
  }

  private async *observeValue(
    definition: ObjectDefinition,
    instance: number,
    key: string,
    { accept, attributes, ...options }: ObserveOptions,
  ): AsyncGenerator<unknown, void> {
    const resource = resourceNamed(definition, key);
    const path = resourcePath(definition.id, instance, resource.id);
    const operation = { op: 'observe', path, ...given({ accept, attributes }) } as const;
    for await (const { entries } of this.watch(operation, { op: 'cancel-observe', path }, options))
      yield valueOf(resource, entries);
  }

  private async *watch(
    operation: Operation,
    cancel: Operation,
    { lasting = false, ...options }: PerformOptions & Lasting,
  ): AsyncGenerator<Notification, void> {
    const { signal } = options;
    const watch = new Watch({ lasting });
    let live = false;
    try {
      const keep = lasting ? { keep: {} } : {};
      const first = await this.content(operation, { ...options, ...keep, tag: watch });
      // Without a number it is one where the server takes it for one, and has not ended it.
      live = first.sequence !== undefined || (!lasting && !watch.isOver);
      yield { entries: first.entries, sequence: first.sequence };
      if (!live) return;
      for (let next = await watch.next(signal); next !== undefined; next = await watch.next(signal))
        yield {
          entries: this.prefix === undefined ? next.entries : entriesUnder(undefined, next.entries),
          sequence: next.sequence,
        };
    } finally {
      if (live && !watch.isOver) {
        // Over here at once. Nobody waits for the device to hear of it, since it may sleep: it is told by a reset later.
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

/** Without what is undefined. */
function given<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
