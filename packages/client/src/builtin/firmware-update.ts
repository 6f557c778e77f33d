// Object 5 (Core 1.2.1 Appendix E.6): what servers write, execute and read of a component of the firmware.
import { ResponseError } from '@lapwing/coap';
import { FirmwareUpdate as FirmwareObject } from '@lapwing/lwm2m/objects/firmware-update';
import { type ComponentOptions, type ComponentView, FirmwareComponent } from '../firmware/component.ts';
import type { FirmwareStatus } from '../firmware/machine.ts';
import { Behind } from '../objects/behind.ts';
import { within } from '../objects/checks.ts';
import type { Instance } from '../objects/instance.ts';
import type { ObjectPolicy } from '../objects/policy.ts';
import type { ObjectStore } from '../objects/store.ts';
import { onWritten } from '../objects/written.ts';
import { Traffic } from '../traffic.ts';

/** With several instances, one for each component. The specification has one; servers that expect one see the first. */
const ManyFirmwareObject = { ...FirmwareObject, many: true } as const;

export interface FirmwareUpdateOptions extends ComponentOptions {
  readonly objects: ObjectStore;
  /** With it the object has several instances, each with a store of its own; default one, 0. */
  readonly instance?: number;
}

/** Both push and pull (resource 9). */
const deliveryBoth = 2;
const { severity, maximumDeferPeriod } = FirmwareObject.resources;

const components = new Behind<FirmwareComponent>();

export class FirmwareUpdate implements AsyncDisposable {
  private readonly objects: ObjectStore;
  private readonly component: FirmwareComponent;
  private readonly instance: Instance<typeof FirmwareObject>;
  private readonly subscription: Disposable;

  private constructor({ objects, instance }: FirmwareUpdateOptions, component: FirmwareComponent) {
    this.objects = objects;
    this.component = component;
    const definition = instance === undefined ? FirmwareObject : ManyFirmwareObject;
    const id = instance ?? 0;
    objects.define(definition, policy(objects));
    this.instance = objects.add(definition as typeof FirmwareObject, id, {
      ...shown(component.view),
      firmwareUpdateProtocolSupport: component.protocols,
      firmwareUpdateDeliveryMethod: deliveryBoth,
      severity: component.terms.severity,
      maximumDeferPeriod: component.terms.maximumDeferPeriod,
      automaticUpgradeAtDownload: component.terms.automatic,
      update: (args) => component.update(args),
      cancel: () => component.cancel(),
    });
    components.set(objects, id, component);
    this.subscription = onWritten(objects, FirmwareObject.id, id, () => {
      void component.steer(this.terms).catch(() => undefined);
    });
  }

  /**
   * Makes object 5 known and goes on where the process before has ended: a pull is resumed, a push has come to nothing, an
   * installation has the outcome that `outcome` says. Rejects with ConfigError, and with PackageError where the store does not work.
   */
  static async open(options: FirmwareUpdateOptions): Promise<FirmwareUpdate> {
    let show: (view: ComponentView) => void = () => undefined;
    const component = await FirmwareComponent.open({ traffic: new Traffic(options.objects), ...options }, (view) =>
      show(view),
    );
    const update = new FirmwareUpdate(options, component);
    show = (view) => update.instance.set(view);
    await component.resume();
    return update;
  }

  get status(): FirmwareStatus {
    return this.component.status;
  }

  /** Lets go of the instance; a download goes on at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.subscription[Symbol.dispose]();
    await this.component[Symbol.asyncDispose]();
    components.delete(this.objects, this.instance.id);
    this.objects.remove(FirmwareObject.id, this.instance.id);
  }

  private get terms() {
    return {
      severity: this.instance.get('severity') ?? 1,
      maximumDeferPeriod: this.instance.get('maximumDeferPeriod') ?? 0,
      automatic: this.instance.get('automaticUpgradeAtDownload') ?? false,
    };
  }
}

const shown = ({ pkgName, pkgVersion, ...view }: ComponentView) => ({
  ...view,
  ...(pkgName === undefined ? {} : { pkgName }),
  ...(pkgVersion === undefined ? {} : { pkgVersion }),
});

function policy(objects: ObjectStore): ObjectPolicy {
  const componentAt = (instance: number): FirmwareComponent => {
    const component = components.get(objects, instance);
    if (component === undefined) throw ResponseError.badRequest(`/5/${instance} has nothing behind it`);
    return component;
  };
  return {
    check: within(
      [severity.id, 'severity', 0, 2],
      [maximumDeferPeriod.id, 'longest time of deferring', 0, 0xffff_ffff],
    ),
    takers: {
      package: { body: (instance, body) => componentAt(instance).takePackage(body) },
      packageUri: { value: (instance, { value }) => componentAt(instance).takeUri(String(value)) },
    },
  };
}
