// Object 9 (LwM2M Software Management 1.0): an instance for each piece of software that the device has a place for.
import { ResponseError } from '@lapwing/coap';
import { SoftwareManagement as SoftwareObject } from '@lapwing/lwm2m/objects/software-management';
import { Behind } from '../objects/behind.ts';
import type { Instance } from '../objects/instance.ts';
import type { ObjectPolicy, ObjectStore } from '../objects/store.ts';
import type { SoftwareStatus } from '../software/machine.ts';
import { Software, type SoftwareOptions, type SoftwareView } from '../software/software.ts';
import { Traffic } from '../traffic.ts';

export interface SoftwareManagementOptions extends SoftwareOptions {
  readonly objects: ObjectStore;
  /** Each with a store of its own; default 0. */
  readonly instance?: number;
}

const places = new Behind<Software>();

export class SoftwareManagement implements AsyncDisposable {
  private readonly objects: ObjectStore;
  private readonly software: Software;
  private readonly instance: Instance<typeof SoftwareObject>;

  private constructor({ objects, instance = 0 }: SoftwareManagementOptions, software: Software) {
    this.objects = objects;
    this.software = software;
    objects.define(SoftwareObject, policyOf(objects));
    this.instance = objects.add(SoftwareObject, instance, {
      ...software.view,
      install: () => software.install(),
      uninstall: (args) => software.uninstall(args),
      activate: () => software.activate(),
      deactivate: () => software.deactivate(),
      updateSupportedObjects: false,
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
      packageUri: { value: (instance, { value }) => at(instance).takeUri(String(value)) },
    },
  };
}
