// What a simulated device looks like: the profiles that come along, and those that people write as YAML or JSON. A file may
// begin from one that comes along (`extends`) and says only what differs.
import { ConfigError, type Duration, hours, minutes, parseDuration, seconds } from '@lapwing/kernel';
import { parse } from 'yaml';
import { z } from 'zod';

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

const durationText = z.union([z.string(), z.number()]).transform((value, context) => {
  const duration = parseDuration(value, seconds(1));
  if (duration !== undefined) return duration;
  context.addIssue({ code: 'custom', message: `'${value}' is no duration, such as 500ms, 30s, 15m or 24h` });
  return z.NEVER;
});
const longerThanZero = durationText.refine((duration) => duration > 0, 'has to be above 0');
const perHour = z.number().min(0).max(36_000);

const sensorSchema = z
  .strictObject({
    object: z.int().min(0).max(65_535),
    instances: z.int().min(1).max(100).default(1),
    every: longerThanZero,
    low: z.number(),
    high: z.number(),
    noise: z.number().min(0).default(0),
    peak: z.number().min(0).max(24).default(15),
    units: z.string().max(64).optional(),
  })
  .refine(({ low, high }) => low <= high, 'low is above high');

const profileSchema = z.strictObject({
  extends: z.string().optional(),
  name: z.string().min(1).max(64).optional(),
  sensors: z.array(sensorSchema).max(32).optional(),
  night: z.number().gt(0).max(1).optional(),
  reporting: z.enum(['observe', 'send']).optional(),
  lifetime: durationText.refine((lifetime) => lifetime >= 1000, 'has to be a second or more').optional(),
  queue_mode: z.boolean().optional(),
  awake_time: durationText.optional(),
  idle: z.enum(['listen', 'deaf', 'close']).optional(),
  speed: z.union([z.number().min(0).max(1000), z.literal(false)]).optional(),
  reboot: perHour.optional(),
  move: perHour.optional(),
  off: durationText.optional(),
  firmware: z
    .union([
      z.literal(false),
      z.strictObject({ install: durationText.default(seconds(5)), failure: z.number().min(0).max(1).default(0) }),
    ])
    .optional(),
  end_devices: z.int().min(0).max(1000).optional(),
});

/** What a file says, YAML or JSON; `named` is what it is called where it does not say so. Throws ConfigError with every problem. */
export function parseProfile(text: string, named: string, measurable: ReadonlySet<number>): Profile {
  let content: unknown;
  try {
    content = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new ConfigError([`profile ${named}: ${error instanceof Error ? error.message : String(error)}`]);
  }
  const read = profileSchema.safeParse(content);
  if (!read.success) throw new ConfigError(read.error.issues.flatMap((issue) => issueText(named, issue)));
  const {
    extends: from = 'sensor',
    queue_mode,
    awake_time,
    end_devices,
    speed,
    firmware,
    sensors,
    ...rest
  } = read.data;
  const base = profileNamed(from);
  if (base === undefined) throw new ConfigError([`profile ${named}: extends: there is no ${from}; ${knownProfiles}`]);
  const unknown = (sensors ?? []).filter(({ object }) => !measurable.has(object)).map(({ object }) => object);
  if (unknown.length > 0)
    throw new ConfigError([
      `profile ${named}: sensors: nothing here measures ${unknown.join(', ')}; known: ${[...measurable].join(', ')}`,
    ]);
  return {
    ...base,
    ...defined({ name: named, ...rest }),
    ...(sensors === undefined ? {} : { sensors: sensors.map(({ units, ...each }) => ({ ...each, units })) }),
    ...(queue_mode === undefined ? {} : { queueMode: queue_mode }),
    ...(awake_time === undefined ? {} : { awakeTime: awake_time }),
    ...(end_devices === undefined ? {} : { endDevices: end_devices }),
    ...(speed === undefined ? {} : { speed: speed === false ? undefined : speed }),
    ...(firmware === undefined ? {} : { firmware: firmware === false ? undefined : firmware }),
  };
}

export function profileNamed(name: string): Profile | undefined {
  if (!Object.hasOwn(profiles, name)) return undefined;
  const { about: _, ...profile } = profiles[name] as (typeof profiles)[string];
  return profile;
}

export const knownProfiles = `known: ${Object.keys(profiles).join(', ')}`;

function issueText(named: string, issue: z.core.$ZodIssue): readonly string[] {
  const at = issue.path.map(String).join('.');
  const place = at === '' ? '' : `${at}: `;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `profile ${named}: ${place}there is no key ${key} here`);
  return [`profile ${named}: ${place}${issue.message}`];
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Without what is undefined. */
function defined<T extends object>(values: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<Defined<T>>;
}
