// Profiles that people write, as YAML or JSON. A file may begin from one that comes along (`extends`) and says only what differs.
import { ConfigError, parseDuration, seconds } from '@lapwing/kernel';
import { parse } from 'yaml';
import { z } from 'zod';
import { knownProfiles, type Profile, profileNamed } from './profile.ts';

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
