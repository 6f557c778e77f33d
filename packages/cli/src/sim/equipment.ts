// What a simulated device is made of: its objects, by profile. A restart makes them anew.
import {
  Device,
  EndDevices,
  FirmwareUpdate,
  Location,
  ObjectStore,
  type PackageStore,
  Sensor,
  type SensorDefinition,
} from '@lapwing/client';
import type { Clock } from '@lapwing/kernel';
import type { PathText } from '@lapwing/lwm2m';
import { Acidity } from '@lapwing/lwm2m/objects/acidity';
import { Altitude } from '@lapwing/lwm2m/objects/altitude';
import { Barometer } from '@lapwing/lwm2m/objects/barometer';
import { Concentration } from '@lapwing/lwm2m/objects/concentration';
import { Conductivity } from '@lapwing/lwm2m/objects/conductivity';
import { Current } from '@lapwing/lwm2m/objects/current';
import { Depth } from '@lapwing/lwm2m/objects/depth';
import { Distance } from '@lapwing/lwm2m/objects/distance';
import { Frequency } from '@lapwing/lwm2m/objects/frequency';
import { GenericSensor } from '@lapwing/lwm2m/objects/generic-sensor';
import { Humidity } from '@lapwing/lwm2m/objects/humidity';
import { Illuminance } from '@lapwing/lwm2m/objects/illuminance';
import { Load } from '@lapwing/lwm2m/objects/load';
import { Loudness } from '@lapwing/lwm2m/objects/loudness';
import { Percentage } from '@lapwing/lwm2m/objects/percentage';
import { Power } from '@lapwing/lwm2m/objects/power';
import { PowerFactor } from '@lapwing/lwm2m/objects/power-factor';
import { Pressure } from '@lapwing/lwm2m/objects/pressure';
import { Rate } from '@lapwing/lwm2m/objects/rate';
import { Temperature } from '@lapwing/lwm2m/objects/temperature';
import { Voltage } from '@lapwing/lwm2m/objects/voltage';
import type { Measurement, Place } from './behaviour.ts';
import type { Profile } from './profile.ts';

const definitions: ReadonlyMap<number, SensorDefinition> = new Map(
  [
    Acidity,
    Altitude,
    Barometer,
    Concentration,
    Conductivity,
    Current,
    Depth,
    Distance,
    Frequency,
    GenericSensor,
    Humidity,
    Illuminance,
    Load,
    Loudness,
    Percentage,
    Power,
    PowerFactor,
    Pressure,
    Rate,
    Temperature,
    Voltage,
  ].map((definition) => [definition.id, definition]),
);

/** Objects that a profile can have sensors of. */
export const measurable: ReadonlySet<number> = new Set([...definitions.keys()].sort((a, b) => a - b));

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
      const definition = definitions.get(object) ?? GenericSensor;
      const value = Math.round(((low + high) / 2) * 100) / 100;
      const more = units === undefined ? {} : { units };
      for (let instance = 0; instance < instances; instance += 1)
        this.sensors.set(`${object}/${instance}`, new Sensor({ objects, definition, instance, value, clock, ...more }));
    }
    if (profile.speed !== undefined) this.location = new Location({ objects, clock, latitude: 50.6, longitude: 10.35 });
    if (profile.endDevices > 0) this.endDevices = thermometersBehind(objects, name, profile.endDevices, clock);
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
  for (let i = 0; i < count; i += 1) {
    const tree = new ObjectStore();
    new Sensor({ objects: tree, definition: Temperature, value: 20, units: 'Cel', clock });
    endDevices.add({ id: `${name}-${i + 1}`, objects: tree });
  }
  return endDevices;
}
