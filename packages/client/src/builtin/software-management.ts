// Object 9 (LwM2M Software Management 1.0): an instance for each piece of software that the device has a place for.
import { ResponseError } from '@lapwing/coap';
import type { ObjectLink } from '@lapwing/lwm2m';
import { SoftwareManagement as SoftwareObject } from '@lapwing/lwm2m/objects/software-management';
import type { PackageLogin } from '../download/source.ts';
import { Behind } from '../objects/behind.ts';
import type { Instance } from '../objects/instance.ts';
import type { ObjectPolicy } from '../objects/policy.ts';
import { textAt } from '../objects/reading.ts';
import type { ObjectStore } from '../objects/store.ts';
import type { SoftwareStatus } from '../software/machine.ts';
import { Software, type SoftwareOptions, type SoftwareView } from '../software/software.ts';
import { Traffic } from '../traffic.ts';

export interface SoftwareManagementOptions extends SoftwareOptions {
  readonly objects: ObjectStore;
  /** Each with a store of its own; default 0. */
  readonly instance?: number;
  /** What has to be so for an update, as an object of its own (resource 5); default none. */
  readonly checkpoint?: ObjectLink;
  /** How the software is set, likewise (resource 13); servers may put another in its place; default none. */
  readonly packageSettings?: ObjectLink;
  /** What the software consists of: instances of object 14 (resources 17, 18); default none. */
  readonly components?: readonly ObjectLink[];
}

const { userName, password } = SoftwareObject.resources;
const places = new Behind<Software>();

export class SoftwareManagement implements AsyncDisposable {
  private readonly objects: ObjectStore;
  private readonly software: Software;
  private readonly instance: Instance<typeof SoftwareObject>;

  private constructor(options: SoftwareManagementOptions, software: Software) {
    const { objects, instance = 0, checkpoint, packageSettings, components } = options;
    this.objects = objects;
    this.software = software;
    const { statusReason, ...view } = software.view;
    objects.define(SoftwareObject, policyOf(objects));
    this.instance = objects.add(SoftwareObject, instance, {
      ...view,
      ...(statusReason === undefined ? {} : { statusReason }),
      install: () => software.install(),
      uninstall: (args) => software.uninstall(args),
      activate: () => software.activate(),
      deactivate: () => software.deactivate(),
      updateSupportedObjects: false,
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...(packageSettings === undefined ? {} : { packageSettings }),
      ...(components === undefined ? {} : componentsOf(components)),
    });
    places.set(objects, instance, software);
  }

  /**
   * Makes object 9 known and goes on where the process before has ended. Rejects with ConfigError, and with PackageError where the store
   * does not work.
   */
  static async open(options: SoftwareManagementOptions): Promise<SoftwareManagement> {
    let show: (view: SoftwareView) => void = () => undefined;
    const software = await Software.open({ traffic: new Traffic(options.objects), ...options }, (view) => show(view));
    const management = new SoftwareManagement(options, software);
    show = (view) => management.instance.set({ ...view });
    await software.resume();
    return management;
  }

  get status(): SoftwareStatus {
    return this.software.status;
  }

  /** What the software consists of now. */
  consistsOf(components: readonly ObjectLink[]): void {
    this.instance.set(componentsOf(components));
  }

  /** Lets go of the instance; a download goes on at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.software[Symbol.asyncDispose]();
    places.delete(this.objects, this.instance.id);
    this.objects.remove(SoftwareObject.id, this.instance.id);
  }
}

function policyOf(objects: ObjectStore): ObjectPolicy {
  const at = (instance: number): Software => {
    const software = places.get(objects, instance);
    if (software === undefined) throw ResponseError.badRequest(`/9/${instance} has nothing behind it`);
    return software;
  };
  return {
    takers: {
      package: { body: (instance, body) => at(instance).takePackage(body) },
      packageUri: { value: (instance, { value }) => at(instance).takeUri(String(value), loginAt(objects, instance)) },
    },
  };
}

/** As servers have written it, before the URI or with it. */
function loginAt(objects: ObjectStore, instance: number): PackageLogin | undefined {
  const contents = objects.objects.get(SoftwareObject.id)?.instances.get(instance)?.contents ?? new Map();
  const [user, secret] = [textAt(contents, userName.id), textAt(contents, password.id)];
  return user === undefined || user === '' ? undefined : { user, password: secret ?? '' };
}

const componentsOf = (components: readonly ObjectLink[]) => ({
  softwareComponentLink: new Map(components.map((link, i) => [i, link])),
  softwareComponentTreeLength: components.length,
});
