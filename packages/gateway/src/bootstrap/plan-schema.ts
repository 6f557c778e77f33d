// How a bootstrap plan is written, in a configuration, in a file and in a command: YAML or JSON with keys as everywhere here,
// durations with units, keys in hexadecimal. Validates, and gives the plan as the bootstrap server takes it.
import { FormatError, Secret } from '@lapwing/kernel';
import { type Entry, formatPath, type Path, type PathText, parsePath } from '@lapwing/lwm2m';
import type { Plan, PlannedOscore, PlannedRoad, PlannedSecurity, PlannedServer } from '@lapwing/server';
import { z } from 'zod';
import { parseValue } from '../command-value.ts';
import { profiles } from '../compat.ts';
import { certificateOf, privateKeyOf, publicKeyOf } from '../key-material.ts';
import { bool, duration, text, whole } from '../schema-values.ts';
import { hexId, hexKey } from '../security-schema.ts';

const name = z
  .string({ error: 'must be text' })
  .min(1, 'must not be empty')
  .refine((value) => Buffer.byteLength(value) <= 252, 'must have at most 252 bytes');

/** Bytes that are made for each device. */
const random = (min: number, max: number) => z.strictObject({ random: whole(min, max) });
const secret = z.union([hexKey.transform((bytes) => new Secret(bytes)), random(16, 64)]);

/** PEM, or base64 of DER. */
const material = (what: string, read: (written: string) => Uint8Array) =>
  z.string({ error: 'must be text' }).transform((written, context) => {
    try {
      return read(written);
    } catch {
      // Without the value: it may be a key.
      context.addIssue({ code: 'custom', message: `is no ${what} in PEM or base64` });
      return z.NEVER;
    }
  });
const publicKey = material('public key', publicKeyOf);
const privateKey = material('private key', privateKeyOf).transform((bytes) => new Secret(bytes));
const certificate = material('certificate', certificateOf);

/** Of a key that is the same each time, and of one that is made each time: the one before stays until the device has the new one. */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: variables of the plan.
const ofGivenKey = '${endpoint}';
const ofMadeKey = '${endpoint}/${random}';
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: variables of the plan.

const psk = z
  .strictObject({ identity: text.optional(), key: secret.default({ random: 16 }) })
  .transform(({ identity, key }) => ({ identity: identity ?? (key instanceof Secret ? ofGivenKey : ofMadeKey), key }));
const rpk = z.strictObject({ public_key: publicKey, private_key: privateKey, server_public_key: publicKey });
const x509 = z.strictObject({
  certificate,
  private_key: privateKey,
  server_certificate: certificate,
  usage: z.literal([0, 1, 2, 3]).default(3),
});
const oscore = z.strictObject({
  master_secret: secret.default({ random: 16 }),
  sender_id: z.union([hexId, random(1, 7)]).default({ random: 7 }),
  recipient_id: hexId,
  aead: z.number().int().optional(),
  hkdf: z.number().int().optional(),
  master_salt: hexId.optional(),
  id_context: hexId.optional(),
});

/** For the bootstrap account: nobody would know what is made at random. */
const given = hexKey.transform((bytes) => new Secret(bytes));
const givenPsk = z.strictObject({ identity: text.default(ofGivenKey), key: given });
const givenOscore = oscore.extend({ master_secret: given, sender_id: hexId });

const road = {
  uri: z.string({ error: 'must be text' }).min(1, 'must not be empty'),
  psk: psk.optional(),
  rpk: rpk.optional(),
  x509: x509.optional(),
  oscore: oscore.optional(),
  server_name: text.optional(),
  cipher_suites: z.array(whole(0, 65_535)).default([]),
  hold_off: duration(1000).optional(),
  account_timeout: duration(1000).optional(),
};

const oneProof = ({ psk, rpk, x509 }: { psk?: unknown; rpk?: unknown; x509?: unknown }): boolean =>
  [psk, rpk, x509].filter((each) => each !== undefined).length <= 1;
const oneProofOnly = 'takes one of psk, rpk and x509; oscore may stand beside it';

const lifetime = z.union([
  z.literal('infinity').transform(() => Number.POSITIVE_INFINITY),
  duration(1000).refine((ms) => ms >= 1000, 'must be at least a second, or "infinity"'),
]);

const server = z
  .strictObject({
    ...road,
    short_server_id: whole(1, 65_534),
    foreign: bool.optional(),
    lifetime: lifetime.optional(),
    binding: text.optional(),
    default_pmin: whole(0, 2 ** 31 - 1).optional(),
    default_pmax: whole(0, 2 ** 31 - 1).optional(),
    disable_timeout: duration(1000).optional(),
    notification_storing: bool.optional(),
    registration: z
      .strictObject({
        priority: whole(0, 2 ** 32 - 1).optional(),
        initial_delay: duration(1000).optional(),
        failure_blocks: bool.optional(),
      })
      .optional(),
    bootstrap_on_registration_failure: bool.optional(),
    retry: z
      .strictObject({
        count: whole(0, 2 ** 31 - 1).optional(),
        timer: duration(1000).optional(),
        sequence_delay: duration(1000).optional(),
        sequence_count: whole(0, 2 ** 31 - 1).optional(),
      })
      .optional(),
  })
  .refine(oneProof, oneProofOnly);

const path = z.string({ error: 'must be a path such as "/1"' }).transform((written, context): Path => {
  try {
    return parsePath(written);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});
const pathText = path.transform((parsed) => formatPath(parsed) as PathText);

const element = z
  .strictObject({ path, type: z.string(), value: z.unknown() })
  .transform(({ path: at, type, value }, context): Entry => {
    const wrong = (where: string, message: string): never => {
      context.addIssue({ code: 'custom', path: [where], message });
      return z.NEVER;
    };
    if (at.kind !== 'resource' && at.kind !== 'resource-instance')
      return wrong('path', 'must be of a resource or a resource instance');
    try {
      return { path: at, value: parseValue(type, value, 'plain', profiles.native) };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      // Without the value: it may be a key.
      return wrong('value', 'is none of that type, or there is no such type');
    }
  });

const access = z.strictObject({
  object: whole(0, 65_534),
  instance: whole(0, 65_534),
  owner: whole(0, 65_535),
  rights: z.record(z.string().regex(/^\d{1,5}$/, 'must be short server ids'), whole(0, 31)).default({}),
});

const writtenPlan = z.strictObject({
  servers: z.array(server, { error: 'must be a list of servers' }),
  bootstrap: z
    .strictObject({ ...road, psk: givenPsk.optional(), oscore: givenOscore.optional() })
    .refine(oneProof, oneProofOnly)
    .optional(),
  deletes: z.array(pathText).optional(),
  access: z.array(access).default([]),
  writes: z.array(z.strictObject({ path: pathText, content: z.array(element) })).default([]),
  reads: z.array(pathText).default([]),
  variables: z.record(z.string(), text).default({}),
});

export const planSchema = writtenPlan.transform(planOf);
export const plansSchema = z.record(name, planSchema);
export const planName = name;

type WrittenRoad = Omit<z.output<typeof server>, 'short_server_id'>;

function planOf(written: z.output<typeof writtenPlan>): Plan {
  const { servers, bootstrap, deletes, access: rights, writes, reads, variables } = written;
  return {
    servers: servers.map(serverOf),
    ...(bootstrap === undefined ? {} : { bootstrap: roadOf(bootstrap) }),
    ...(deletes === undefined ? {} : { deletes }),
    access: rights,
    writes: writes.map(({ path: at, content }) => ({ path: at, entries: content })),
    reads,
    variables,
  };
}

function serverOf(written: z.output<typeof server>): PlannedServer {
  const { registration, retry } = written;
  return {
    ...roadOf(written),
    shortServerId: written.short_server_id,
    ...present({
      foreign: written.foreign,
      lifetime: written.lifetime,
      binding: written.binding,
      defaultMinimumPeriod: written.default_pmin,
      defaultMaximumPeriod: written.default_pmax,
      disableTimeout: written.disable_timeout,
      notificationStoring: written.notification_storing,
      bootstrapOnRegistrationFailure: written.bootstrap_on_registration_failure,
    }),
    ...(registration === undefined
      ? {}
      : {
          registration: present({
            priority: registration.priority,
            initialDelay: registration.initial_delay,
            failureBlocks: registration.failure_blocks,
          }),
        }),
    ...(retry === undefined
      ? {}
      : {
          retry: present({
            retryCount: retry.count,
            retryTimer: retry.timer,
            sequenceDelay: retry.sequence_delay,
            sequenceCount: retry.sequence_count,
          }),
        }),
  };
}

function roadOf(written: WrittenRoad): PlannedRoad {
  return {
    uri: written.uri,
    security: securityOf(written),
    cipherSuites: written.cipher_suites,
    ...present({
      serverName: written.server_name,
      holdOff: written.hold_off,
      accountTimeout: written.account_timeout,
      oscore: written.oscore === undefined ? undefined : oscoreOf(written.oscore),
    }),
  };
}

function securityOf({ psk: shared, rpk: raw, x509: chain }: WrittenRoad): PlannedSecurity {
  if (shared !== undefined) return { mode: 'psk', ...shared };
  if (raw !== undefined)
    return {
      mode: 'rpk',
      publicKey: raw.public_key,
      privateKey: raw.private_key,
      serverPublicKey: raw.server_public_key,
    };
  if (chain === undefined) return { mode: 'none' };
  return {
    mode: 'x509',
    certificate: chain.certificate,
    privateKey: chain.private_key,
    serverCertificate: chain.server_certificate,
    usage: chain.usage,
  };
}

function oscoreOf(written: z.output<typeof oscore>): PlannedOscore {
  return {
    masterSecret: written.master_secret,
    senderId: written.sender_id,
    recipientId: written.recipient_id,
    ...present({
      aeadAlgorithm: written.aead,
      hmacAlgorithm: written.hkdf,
      masterSalt: written.master_salt,
      idContext: written.id_context,
    }),
  };
}

/** Without what was left out. */
function present<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
