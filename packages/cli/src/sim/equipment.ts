// What a simulated device is made of: its objects, by profile. A restart makes them anew.
import {
  Device,
  EndDevices,
  FirmwareState,
  FirmwareUpdate,
  Location,
  ObjectStore,
  type PackageStore,
  Sensor,
} from '@lapwing/client';
import type { Clock } from '@lapwing/kernel';
import type { PathText } from '@lapwing/lwm2m';
import { GenericSensor } from '@lapwing/lwm2m/objects/generic-sensor';
import { addThermometer } from '../device/end-devices.ts';
import { sensorKinds } from '../device/sensors.ts';
import type { Measurement, Place } from './behaviour.ts';
import { isClockSet, takeValues, valuesOf } from './kept-values.ts';
import type { Profile } from './profile.ts';

/** Objects that a profile can have sensors of: those whose value has units. */
export const measurable: ReadonlySet<number> = new Set(
  [...sensorKinds].flatMap(([id, { units }]) => (units === undefined ? [] : [id])).sort((a, b) => a - b),
);

export interface EquipmentOptions {
  readonly name: string;
  readonly profile: Profile;
  /** Of what runs on it now. */
  readonly firmwareVersion: string;
  readonly clock: Clock;
  /** A server wants the device to restart. */
  readonly reboot: () => void;
}

export class Equipment {
  readonly objects = new ObjectStore();
  readonly endDevices: EndDevices | undefined;
  private readonly device: Device;
  private readonly sensors = new Map<string, Sensor>();
  private readonly location: Location | undefined;
  private firmware: FirmwareUpdate | undefined;

  constructor({ name, profile, firmwareVersion, clock, reboot }: EquipmentOptions) {
    const { objects } = this;
    this.device = new Device({
      objects,
      clock,
      reboot,
      manufacturer: 'Lapwing',
      modelNumber: `Simulated ${profile.name}`,
      serialNumber: name,
      firmwareVersion,
      supportedBindingAndModes: profile.queueMode ? 'UQ' : 'U',
    });
    for (const { object, instances, low, high, units } of profile.sensors) {
      const definition = sensorKinds.get(object)?.definition ?? GenericSensor;
      const value = Math.round(((low + high) / 2) * 100) / 100;
      const more = units === undefined ? {} : { units };
      for (let instance = 0; instance < instances; instance += 1)
        this.sensors.set(`${object}/${instance}`, new Sensor({ objects, definition, instance, value, clock, ...more }));
    }
    if (profile.speed !== undefined) this.location = new Location({ objects, clock, latitude: 50.6, longitude: 10.35 });
    if (profile.endDevices > 0) this.endDevices = thermometersBehind(objects, name, profile.endDevices, clock);
  }

  /**
   * The values of all objects but those that the engine and the firmware keep themselves; undefined while something goes on that these do not
   * say.
   */
  keep(): Uint8Array | undefined {
    const { firmware, endDevices, objects } = this;
    const isQuiet = firmware === undefined || firmware.status.state === FirmwareState.Idle;
    return isQuiet && endDevices === undefined && !isClockSet(objects) ? valuesOf(objects) : undefined;
  }

  /** As they were kept. */
  recall(values: Uint8Array): void {
    takeValues(this.objects, values);
  }

  /** Object 5. Rejects with PackageError. */
  async addFirmware(options: {
    readonly store: PackageStore;
    readonly clock: Clock;
    readonly install: () => Promise<void>;
    readonly outcome: () => Promise<'installed' | 'failed'>;
  }): Promise<void> {
    // A simulated device has no neighbours to protect, and often a server on the same machine.
    this.firmware = await FirmwareUpdate.open({ ...options, objects: this.objects, addresses: 'any' });
  }

  /** Runs from now on; servers see it. */
  set firmwareVersion(firmwareVersion: string) {
    this.device.set({ firmwareVersion });
  }

  /** Takes up what was measured; says where it stands. */
  take(measurements: readonly Measurement[], place: Place | undefined): readonly PathText[] {
    const paths: PathText[] = [];
    this.objects.batch(() => {
      for (const { object, instance, value } of measurements) {
        this.sensors.get(`${object}/${instance}`)?.measure(value);
        paths.push(`/${object}/${instance}/5700`);
      }
      if (place === undefined || this.location === undefined) return;
      this.location.moved(place);
      paths.push('/6/0');
    });
    return paths;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.firmware?.[Symbol.asyncDispose]();
  }
}

function thermometersBehind(objects: ObjectStore, name: string, count: number, clock: Clock): EndDevices {
  const endDevices = new EndDevices(objects);
  for (let i = 0; i < count; i += 1) addThermometer(endDevices, `${name}-${i + 1}`, clock);
  return endDevices;
}
