// The objects of the device that the shell plays, by object id: those with a behaviour of their own, and any other registered one with
// nothing but zeros in it.
import { networkInterfaces } from 'node:os';
import {
  Actuator,
  AxesSensor,
  BinaryContainer,
  Buzzer,
  ConnectivityMonitoring,
  ConnectivityStatistics,
  Device,
  DigitalInput,
  EventLog,
  LocalAccess,
  Location,
  NetworkBearer,
  type ObjectStore,
  Portfolio,
  Sensor,
  type SensorDefinition,
  TimeKeeper,
  Timer,
} from '@lapwing/client';
import { type Clock, ConfigError } from '@lapwing/kernel';
import { DefinitionLibrary, instancePath, type ObjectDefinition } from '@lapwing/lwm2m';
import { Accelerometer } from '@lapwing/lwm2m/objects/accelerometer';
import { AccessControl } from '@lapwing/lwm2m/objects/access-control';
import { Actuation } from '@lapwing/lwm2m/objects/actuation';
import { Barometer } from '@lapwing/lwm2m/objects/barometer';
import { DigitalInput as DigitalInputObject } from '@lapwing/lwm2m/objects/digital-input';
import { GenericSensor } from '@lapwing/lwm2m/objects/generic-sensor';
import { Gyrometer } from '@lapwing/lwm2m/objects/gyrometer';
import { Humidity } from '@lapwing/lwm2m/objects/humidity';
import { Illuminance } from '@lapwing/lwm2m/objects/illuminance';
import { LightControl } from '@lapwing/lwm2m/objects/light-control';
import { Magnetometer } from '@lapwing/lwm2m/objects/magnetometer';
import { OnOffSwitch } from '@lapwing/lwm2m/objects/on-off-switch';
import { PowerControl } from '@lapwing/lwm2m/objects/power-control';
import { Presence } from '@lapwing/lwm2m/objects/presence';
import { Pressure } from '@lapwing/lwm2m/objects/pressure';
import { PushButton } from '@lapwing/lwm2m/objects/push-button';
import { Temperature } from '@lapwing/lwm2m/objects/temperature';
import { Voltage } from '@lapwing/lwm2m/objects/voltage';
import { installFirmware, type Package } from './firmware.ts';

export interface DeviceOptions {
  /** Object ids. */
  readonly ids: readonly number[];
  readonly reboot: () => void | Promise<void>;
  /** Of object 5. */
  readonly firmware: Package;
  /** Of its modem, where it has one. */
  readonly texts?: () => { readonly sent: number; readonly received: number };
  readonly clock: Clock;
}

/** The client makes them itself. */
const ofAccounts = [0, 1, 21];

type Make = (objects: ObjectStore, options: DeviceOptions) => unknown;

const sensor =
  (definition: SensorDefinition, value: number, units: string): Make =>
  (objects, { clock }) => {
    followed(objects, definition, clock);
    return new Sensor({ objects, definition, value, units, clock });
  };

const input =
  (definition: ConstructorParameters<typeof DigitalInput>[0]['definition']): Make =>
  (objects, { clock }) =>
    new DigitalInput({ objects, definition, clock });

const actuator =
  (definition: typeof Actuation | typeof LightControl | typeof PowerControl): Make =>
  (objects, { clock }) =>
    new Actuator({ objects, definition, clock, state: { dimmer: 100 } });

const axes =
  (definition: typeof Accelerometer | typeof Magnetometer | typeof Gyrometer, units: string): Make =>
  (objects, { clock }) =>
    new AxesSensor({ objects, definition, units, clock, x: 0, y: 0, z: 0 });

const makers: Readonly<Record<number, Make>> = {
  2: (objects) => objects.define(AccessControl, { creatable: {} }),
  3: (objects, { reboot, clock }) => new Device({ objects, reboot, clock, memoryFree, ...label }),
  4: (objects) => new ConnectivityMonitoring({ objects, bearer: NetworkBearer.Ethernet, signalStrength: 0, addresses }),
  5: (objects, options) => installFirmware(objects, options.firmware),
  6: (objects, { clock }) => new Location({ objects, clock, latitude: 60.17, longitude: 24.94 }),
  7: (objects, { clock, texts }) =>
    new ConnectivityStatistics({ objects, clock, ...(texts === undefined ? {} : { texts }) }),
  16: (objects) => new Portfolio({ objects }).add(0, new Map([[0, 'lapwing']])),
  19: (objects, { clock }) => new BinaryContainer({ objects, clock }),
  20: (objects) => new EventLog({ objects }),
  3200: input(DigitalInputObject),
  3300: sensor(GenericSensor, 0, ''),
  3301: sensor(Illuminance, 300, 'lx'),
  3302: input(Presence),
  3303: sensor(Temperature, 21, 'Cel'),
  3304: sensor(Humidity, 40, '%RH'),
  3306: actuator(Actuation),
  3311: actuator(LightControl),
  3312: actuator(PowerControl),
  3313: axes(Accelerometer, 'm/s2'),
  3314: axes(Magnetometer, 'T'),
  3315: sensor(Barometer, 101_325, 'Pa'),
  3316: sensor(Voltage, 3.3, 'V'),
  3323: sensor(Pressure, 101_325, 'Pa'),
  3333: (objects, { clock }) => new TimeKeeper({ objects, clock }),
  3334: axes(Gyrometer, 'deg/s'),
  3338: (objects, { clock }) => new Buzzer({ objects, clock }),
  3340: (objects, { clock }) => new Timer({ objects, delay: 5, clock }),
  3342: input(OnOffSwitch),
  3347: input(PushButton),
};

/**
 * Adds one instance of each; disposing lets go of all, their timers and downloads too. Rejects with ConfigError for an id that nobody has
 * registered.
 */
export async function addObjects(objects: ObjectStore, options: DeviceOptions): Promise<AsyncDisposable> {
  const library = new DefinitionLibrary();
  const strange = options.ids.filter((id) => library.versionsOf(id).length === 0);
  if (strange.length > 0)
    throw new ConfigError(strange.map((id) => `--objects: there is no object ${id}; 'lapwing objects' lists them`));
  const local = new LocalAccess({ objects, clock: options.clock });
  const made: unknown[] = [];
  for (const id of new Set(options.ids)) {
    if (ofAccounts.includes(id)) continue;
    const make = makers[id];
    if (make !== undefined) made.push(await make(objects, options));
    else addZeros(objects, local, library.newest(id));
  }
  return {
    [Symbol.asyncDispose]: async () => {
      for (const each of made.reverse()) await letGo(each as Partial<Disposable & AsyncDisposable> | undefined);
    },
  };
}

async function letGo(made: Partial<Disposable & AsyncDisposable> | undefined): Promise<void> {
  made?.[Symbol.dispose]?.();
  await made?.[Symbol.asyncDispose]?.();
}

function addZeros(objects: ObjectStore, local: LocalAccess, definition: ObjectDefinition | undefined): void {
  if (definition === undefined) return;
  objects.define(definition, definition.many === true ? { creatable: {} } : {});
  local.create(instancePath(definition.id, 0));
}

/** A value that is written at the device was measured: the least, the most and the time follow it. */
function followed(objects: ObjectStore, definition: SensorDefinition, clock: Clock): void {
  const { id, resources } = definition as typeof Temperature;
  objects.events.on('changed', ({ paths, origin }) => {
    const isMeasured = paths.some(
      (path) =>
        path.kind === 'resource' &&
        path.object === id &&
        path.instance === 0 &&
        path.resource === resources.sensorValue.id,
    );
    const sensor = objects.get(definition as typeof Temperature, 0);
    const value = sensor?.get('sensorValue');
    if (!isMeasured || origin === 'application' || value === undefined || !Number.isFinite(value)) return;
    sensor?.set({
      minMeasuredValue: Math.min(value, sensor.get('minMeasuredValue') ?? value),
      maxMeasuredValue: Math.max(value, sensor.get('maxMeasuredValue') ?? value),
      timestamp: Math.floor(clock.wall() / 1000),
      fractionalTimestamp: (clock.wall() % 1000) / 1000,
    });
  });
}

const memoryFree = (): number => Math.floor(process.memoryUsage.rss() / 1024);

const label = {
  manufacturer: 'Lapwing',
  modelNumber: 'Shell',
  serialNumber: '0001',
  firmwareVersion: '0.1.0',
  deviceType: 'simulated',
  hardwareVersion: '1.0',
  softwareVersion: '0.1.0',
  batteryLevel: 100,
  utcOffset: '+00:00',
  timezone: 'Etc/UTC',
} as const;

/** Of this machine, as the outside sees them. */
const addresses: readonly string[] = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .filter(({ internal }) => !internal)
  .map(({ address }) => address);
