// Object 33629, which is not registered: several components of the firmware that are updated one by one or together. Each has the state machine
// of object 5; an update of several is installed whole or not at all.
import { Code, ResponseError } from '@lapwing/coap';
import { type Clock, ConfigError, FormatError, systemClock } from '@lapwing/kernel';
import { type Action, defineObject, parseArguments, parsePath } from '@lapwing/lwm2m';
import type { ArrivalOptions } from '../download/arrival.ts';
import type { PackageLabel, StoredPackage } from '../download/stored-package.ts';
import { type ComponentOptions, type ComponentView, FirmwareComponent } from '../firmware/component.ts';
import { FirmwareState, type FirmwareStatus, UpdateResult } from '../firmware/machine.ts';
import type { Instance } from '../objects/instance.ts';
import type { ObjectStore } from '../objects/store.ts';
import { Traffic } from '../traffic.ts';

export const AdvancedFirmwareObject = defineObject({
  id: 33_629,
  name: 'Advanced Firmware Update',
  version: '1.0',
  lwm2mVersion: '1.1',
  urn: 'urn:oma:lwm2m:x:33629',
  many: true,
  resources: {
    package: { id: 0, type: 'opaque', access: 'W', required: true },
    packageUri: { id: 1, type: 'string', access: 'RW', required: true, range: '0..255' },
    update: { id: 2, access: 'E', required: true },
    state: { id: 3, type: 'integer', access: 'R', required: true, range: '0..3' },
    updateResult: { id: 5, type: 'integer', access: 'R', required: true, range: '0..13' },
    pkgName: { id: 6, type: 'string', access: 'R', range: '0..255' },
    pkgVersion: { id: 7, type: 'string', access: 'R', range: '0..255' },
    firmwareUpdateProtocolSupport: { id: 8, type: 'integer', access: 'R', many: true, range: '0..5' },
    firmwareUpdateDeliveryMethod: { id: 9, type: 'integer', access: 'R', required: true, range: '0..2' },
    cancel: { id: 10, access: 'E' },
    severity: { id: 11, type: 'integer', access: 'RW', range: '0..2' },
    lastStateChangeTime: { id: 12, type: 'time', access: 'R' },
    maximumDeferPeriod: { id: 13, type: 'unsigned', access: 'RW', unit: 's' },
    componentName: { id: 14, type: 'string', access: 'R' },
    currentVersion: { id: 15, type: 'string', access: 'R', required: true },
    linkedInstances: { id: 16, type: 'objlnk', access: 'R', many: true },
    conflictingInstances: { id: 17, type: 'objlnk', access: 'R', many: true },
  },
});

export interface FirmwarePart extends ArrivalOptions, Pick<ComponentOptions, 'verify' | 'outcome'> {
  /** Instance id. */
  readonly instance: number;
  readonly name: string;
  /** That runs now. */
  readonly version: string;
  /** Instances that are updated with it, unless a server says otherwise. */
  readonly linked?: readonly number[];
}

/** By instance. */
export type PartUpdates = ReadonlyMap<number, StoredPackage & PackageLabel>;

export interface AdvancedFirmwareOptions {
  readonly objects: ObjectStore;
  readonly parts: readonly FirmwarePart[];
  /** Puts all of them in place, or none: rejects when the old ones go on. One that ends the process never settles. */
  readonly install: (updates: PartUpdates) => Promise<void>;
  /** Instances that do not go together with these versions as they are; default none. */
  readonly conflicts?: (updates: ReadonlyMap<number, PackageLabel>) => readonly number[];
  readonly clock?: Clock;
}

/** Both push and pull (resource 9). */
const deliveryBoth = 2;

interface Part {
  readonly component: FirmwareComponent;
  readonly instance: Instance<typeof AdvancedFirmwareObject>;
  readonly linked: readonly number[];
}

export class AdvancedFirmwareUpdate implements AsyncDisposable {
  private readonly options: AdvancedFirmwareOptions;
  private readonly parts = new Map<number, Part>();

  private constructor(options: AdvancedFirmwareOptions) {
    this.options = options;
  }

  /** As `FirmwareUpdate.open`, of each part. */
  static async open(options: AdvancedFirmwareOptions): Promise<AdvancedFirmwareUpdate> {
    const ids = new Set(options.parts.map(({ instance }) => instance));
    const problems = options.parts.flatMap(({ instance, linked = [] }, i) =>
      linked
        .filter((each) => !ids.has(each) || each === instance)
        .map((each) => `parts.${i}.linked: there is no other part ${each}`),
    );
    if (ids.size !== options.parts.length) problems.push('parts: two have the same instance');
    if (problems.length > 0) throw new ConfigError(problems);
    const update = new AdvancedFirmwareUpdate(options);
    options.objects.define(AdvancedFirmwareObject, {
      takers: {
        package: { body: (instance, body) => update.part(instance).component.takePackage(body) },
        packageUri: { value: (instance, { value }) => update.part(instance).component.takeUri(String(value)) },
      },
    });
    for (const part of options.parts) await update.add(part);
    return update;
  }

  status(instance: number): FirmwareStatus | undefined {
    return this.parts.get(instance)?.component.status;
  }

  /** Lets go of the object; downloads go on at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const [id, { component }] of this.parts) {
      await component[Symbol.asyncDispose]();
      this.options.objects.remove(AdvancedFirmwareObject.id, id);
    }
    this.parts.clear();
  }

  private part(instance: number): Part {
    const part = this.parts.get(instance);
    if (part === undefined) throw ResponseError.badRequest(`there is no part ${instance}`);
    return part;
  }

  private async add(options: FirmwarePart): Promise<void> {
    const { instance: id, name, version, linked = [] } = options;
    let show: (view: ComponentView) => void = () => undefined;
    const alone = (whole: StoredPackage & PackageLabel) => this.options.install(new Map([[id, whole]]));
    const { clock } = this.options;
    const component = await FirmwareComponent.open(
      {
        traffic: new Traffic(this.options.objects),
        ...options,
        ...(clock === undefined ? {} : { clock }),
        install: alone,
      },
      (view) => show(view),
    );
    const update: Action = (args) => this.update(id, args);
    const { pkgName, pkgVersion, ...view } = component.view;
    const instance = this.options.objects.add(AdvancedFirmwareObject, id, {
      ...view,
      ...(pkgName === undefined ? {} : { pkgName }),
      ...(pkgVersion === undefined ? {} : { pkgVersion }),
      firmwareUpdateProtocolSupport: component.protocols,
      firmwareUpdateDeliveryMethod: deliveryBoth,
      componentName: name,
      currentVersion: version,
      linkedInstances: linksOf(linked),
      conflictingInstances: new Map(),
      update,
      cancel: () => component.cancel(),
    });
    this.parts.set(id, { component, instance, linked });
    show = (changed) => instance.set({ ...changed });
    await component.resume();
  }

  /** Throws ResponseError 4.05 where a part is not there yet, 4.00 for other arguments than links to parts. */
  private async update(id: number, args: string | undefined): Promise<void> {
    const group = this.groupOf(id, args);
    if (group.some((each) => this.part(each).component.status.state !== FirmwareState.Downloaded))
      throw new ResponseError(Code.MethodNotAllowed);
    const labels = new Map(group.map((each): [number, PackageLabel] => [each, this.labelOf(each)]));
    const conflicting = this.options.conflicts?.(labels) ?? [];
    this.part(id).instance.set({ conflictingInstances: linksOf(conflicting) });
    if (conflicting.length > 0) return this.part(id).component.refuse(UpdateResult.ConflictingState);
    const updates = new Map<number, StoredPackage & PackageLabel>();
    for (const each of group) {
      const whole = await this.part(each).component.start();
      if (whole !== undefined) updates.set(each, whole);
      else return this.settle([...updates.keys()], UpdateResult.DependencyError);
    }
    const { clock = systemClock } = this.options;
    const installing = (): Promise<void> =>
      this.options.install(updates).then(
        () => this.settle(group, undefined),
        () => this.settle(group, UpdateResult.UpdateFailed),
      );
    // Not before the answer to the Execute is on its way: an installation may end the process.
    clock.at(clock.now(), () => void installing().catch(() => undefined));
  }

  /** Without arguments, the part and those linked that have a package; argument 0 lists others, or without a value none. */
  private groupOf(id: number, args: string | undefined): readonly number[] {
    try {
      const parsed = parseArguments(args ?? '');
      if (parsed.size > 1 || (parsed.size === 1 && !parsed.has(0))) throw new FormatError('only argument 0 is known');
      const listed = parsed.get(0);
      if (listed !== undefined) return [...new Set([id, ...listed.split(',').map(instanceOf)])];
      if (parsed.has(0)) return [id];
    } catch (error) {
      if (error instanceof FormatError) throw ResponseError.badRequest(error.message);
      throw error;
    }
    const isThere = (each: number): boolean => this.part(each).component.status.state === FirmwareState.Downloaded;
    return [id, ...this.part(id).linked.filter(isThere)];
  }

  private labelOf(id: number): PackageLabel {
    const { pkgName, pkgVersion } = this.part(id).component.view;
    return {
      ...(pkgName === undefined ? {} : { name: pkgName }),
      ...(pkgVersion === undefined ? {} : { version: pkgVersion }),
    };
  }

  private async settle(group: readonly number[], result: UpdateResult | undefined): Promise<void> {
    for (const each of group) await this.parts.get(each)?.component.settle(result);
  }
}

const linksOf = (instances: readonly number[]) =>
  new Map(instances.map((instance, i) => [i, { object: AdvancedFirmwareObject.id, instance }]));

/** `</33629/1>`. Throws FormatError. */
function instanceOf(link: string): number {
  const [, path] = /^<(\/[0-9/]+)>$/.exec(link) ?? [];
  const parsed = path === undefined ? undefined : parsePath(path as `/${number}`);
  if (parsed?.kind !== 'instance' || parsed.object !== AdvancedFirmwareObject.id)
    throw new FormatError('not a link to a part of the firmware');
  return parsed.instance;
}
