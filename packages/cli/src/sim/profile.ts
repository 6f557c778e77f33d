// What a simulated device looks like, and the profiles that come along.
import { type Duration, hours, minutes, seconds } from '@lapwing/kernel';

/** One quantity that the device measures, and how it goes over a day. */
export interface SensorPlan {
  /** An IPSO object with a sensor value (resource 5700). */
  readonly object: number;
  readonly instances: number;
  /** Between two measurements at the busiest time of the day. */
  readonly every: Duration;
  /** Of the day's curve, in the unit of the sensor. */
  readonly low: number;
  readonly high: number;
  /** Most that a measurement differs from the curve. */
  readonly noise: number;
  /** Hour of the day at which the curve is highest, 0 to 24. */
  readonly peak: number;
  readonly units: string | undefined;
}

export interface Profile {
  readonly name: string;
  readonly sensors: readonly SensorPlan[];
  /** Measurements at the quietest time of the day, as a share of those at the busiest, above 0 to 1. */
  readonly night: number;
  /** Values go to the server by themselves (Send), or when it observes them. */
  readonly reporting: 'observe' | 'send';
  readonly lifetime: Duration;
  readonly queueMode: boolean;
  /** In queue mode, how long the device listens after its last message. */
  readonly awakeTime: Duration;
  /** In queue mode, what becomes of the socket then. */
  readonly idle: 'listen' | 'deaf' | 'close';
  /** Metres per second while it is on its way; undefined for a device that knows no place. */
  readonly speed: number | undefined;
  /** Restarts and changes of the address, per device and hour. */
  readonly reboot: number;
  readonly move: number;
  /** How long a restart takes. */
  readonly off: Duration;
  /** Object 5: how long an installation takes and which share of them fails; undefined for devices that cannot be updated. */
  readonly firmware: { readonly install: Duration; readonly failure: number } | undefined;
  /** Thermometers behind the device, reached through it (object 25). */
  readonly endDevices: number;
}

const temperature: SensorPlan = {
  object: 3303,
  instances: 1,
  every: minutes(1),
  low: 16,
  high: 24,
  noise: 0.3,
  peak: 15,
  units: 'Cel',
};

const sensor: Profile = {
  name: 'sensor',
  sensors: [temperature, { ...temperature, object: 3304, low: 35, high: 60, noise: 2, peak: 4, units: '%RH' }],
  night: 1,
  reporting: 'observe',
  lifetime: minutes(10),
  queueMode: false,
  awakeTime: seconds(93),
  idle: 'listen',
  speed: undefined,
  reboot: 0,
  move: 0,
  off: seconds(3),
  firmware: { install: seconds(5), failure: 0 },
  endDevices: 0,
};

/** By name, with what `lapwing sim --help` says of them. */
export const profiles: Readonly<Record<string, Profile & { readonly about: string }>> = {
  sensor: { ...sensor, about: 'thermometer and hygrometer, measured each minute, always reachable, firmware updates' },
  meter: {
    ...sensor,
    name: 'meter',
    about: 'power meter in queue mode that sends a value every 15 minutes and sleeps in between',
    sensors: [
      { object: 3328, instances: 1, every: minutes(15), low: 100, high: 2500, noise: 150, peak: 19, units: 'W' },
    ],
    reporting: 'send',
    lifetime: hours(24),
    queueMode: true,
    awakeTime: seconds(10),
    idle: 'close',
  },
  tracker: {
    ...sensor,
    name: 'tracker',
    about: 'moving object with a place and a battery, busy by day, whose address changes now and then',
    sensors: [
      { object: 3316, instances: 1, every: seconds(30), low: 3.5, high: 4.1, noise: 0.05, peak: 6, units: 'V' },
    ],
    night: 0.1,
    reporting: 'send',
    lifetime: minutes(30),
    speed: 14,
    move: 2,
  },
  gateway: {
    ...sensor,
    name: 'gateway',
    about: 'gateway with four thermometers behind it',
    lifetime: hours(1),
    endDevices: 4,
  },
};

export function profileNamed(name: string): Profile | undefined {
  if (!Object.hasOwn(profiles, name)) return undefined;
  const { about: _, ...profile } = profiles[name] as (typeof profiles)[string];
  return profile;
}

export const knownProfiles = `known: ${Object.keys(profiles).join(', ')}`;
