// Object 3 (Core 1.2.1 Appendix E.4): what the device is, how it is powered, what is wrong with it, and what time it has.
import { type Clock, systemClock } from '@lapwing/kernel';
import { Device as DeviceObject } from '@lapwing/lwm2m/objects/device';
import { within } from '../objects/checks.ts';
import type { Instance, InstancePatch } from '../objects/instance.ts';
import type { ObjectStore } from '../objects/store.ts';
import { onWritten } from '../objects/written.ts';

export interface DeviceOptions
  extends Omit<
    InstancePatch<typeof DeviceObject>,
    'errorCode' | 'currentTime' | 'memoryFree' | 'supportedBindingAndModes'
  > {
  readonly objects: ObjectStore;
  /** Runs once the server has been answered. */
  readonly reboot: () => void | Promise<void>;
  readonly factoryReset?: () => void | Promise<void>;
  /** Default `U`. */
  readonly supportedBindingAndModes?: string;
  /** Free memory in kilobytes, asked at each look. */
  readonly memoryFree?: () => number;
  readonly clock?: Clock;
}

/** What a device has to report of itself (resource 11). */
export const DeviceError = {
  None: 0,
  LowBattery: 1,
  ExternalPowerOff: 2,
  GpsFailure: 3,
  LowSignal: 4,
  OutOfMemory: 5,
  SmsFailure: 6,
  NoIpConnectivity: 7,
  PeripheralMalfunction: 8,
} as const;

/** One power source: what it is (resource 6), in mV and mA. */
export interface PowerSource {
  /** 0 DC, 1 internal battery, 2 external battery, 3 fuel cell, 4 power over Ethernet, 5 USB, 6 AC, 7 solar. */
  readonly kind: number;
  readonly voltage?: number;
  readonly current?: number;
}

export class Device implements Disposable {
  private readonly objects: ObjectStore;
  private readonly instance: Instance<typeof DeviceObject>;
  private readonly clock: Clock;
  private readonly subscription: Disposable;
  /** Between the wall clock and what a server has written, in ms. */
  private offset = 0;

  /** Throws ResponseError for values that object 3 cannot hold, RangeError where the store has another object 3. */
  constructor(options: DeviceOptions) {
    const { objects, reboot, factoryReset, memoryFree, clock = systemClock, ...values } = options;
    this.objects = objects;
    this.clock = clock;
    objects.define(DeviceObject, {
      check: within([batteryLevel.id, 'battery level', 0, 100], [batteryStatus.id, 'battery status', 0, 6]),
      readers: {
        currentTime: () => Math.floor((clock.wall() + this.offset) / 1000),
        ...(memoryFree === undefined ? {} : { memoryFree }),
      },
    });
    const later = (act: () => void | Promise<void>) => () =>
      void clock.at(clock.now(), () => void Promise.resolve(act()).catch(() => undefined));
    this.instance = objects.add(DeviceObject, 0, {
      supportedBindingAndModes: 'U',
      errorCode: noError,
      currentTime: 0,
      reboot: later(reboot),
      ...(factoryReset === undefined ? {} : { factoryReset: later(factoryReset) }),
      ...(memoryFree === undefined ? {} : { memoryFree: 0 }),
      resetErrorCode: () => this.instance.set({ errorCode: noError }),
      ...(values as object),
    });
    this.subscription = onWritten(objects, DeviceObject.id, 0, (resources) => {
      if (resources.has(DeviceObject.resources.currentTime.id)) this.takeTime();
    });
  }

  /** Changes what is said of the device. */
  set(patch: Omit<InstancePatch<typeof DeviceObject>, 'currentTime' | 'memoryFree' | 'errorCode'>): void {
    this.instance.set(patch);
  }

  /** Something is wrong; said once, until a server or `reset` has taken it away. One of `DeviceError`, or 9 to 32. */
  raise(error: number): void {
    const errors = [...(this.instance.get('errorCode') ?? noError).values()].filter(
      (code) => code !== DeviceError.None,
    );
    if (!errors.includes(error))
      this.instance.set({ errorCode: new Map([...errors, error].map((code, i) => [i, code])) });
  }

  /** Nothing is wrong any more. */
  reset(): void {
    this.instance.set({ errorCode: noError });
  }

  /** All sources that there are now. */
  power(sources: readonly PowerSource[]): void {
    const of = (value: (source: PowerSource) => number | undefined): ReadonlyMap<number, number> =>
      new Map(sources.flatMap((source, i) => (value(source) === undefined ? [] : [[i, value(source) as number]])));
    this.instance.set({
      availablePowerSources: of(({ kind }) => kind),
      powerSourceVoltage: of(({ voltage }) => voltage),
      powerSourceCurrent: of(({ current }) => current),
    });
  }

  /** Lets go of the object. */
  [Symbol.dispose](): void {
    this.subscription[Symbol.dispose]();
    this.objects.remove(DeviceObject.id, 0);
  }

  /** A server has written a time: it goes on from there. */
  private takeTime(): void {
    const written = this.objects.objects.get(DeviceObject.id)?.instances.get(0)?.contents.get(timeId);
    if (written !== undefined && 'value' in written) this.offset = Number(written.value) * 1000 - this.clock.wall();
  }
}

const { batteryLevel, batteryStatus } = DeviceObject.resources;
const timeId = DeviceObject.resources.currentTime.id;
const noError: ReadonlyMap<number, number> = new Map([[0, DeviceError.None]]);
