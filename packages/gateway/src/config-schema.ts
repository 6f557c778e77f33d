// The configuration as it is written: EMQX's key names, units and defaults under `gateway.lwm2m`, ours beside it. Validates
// and turns units into numbers; what the values mean together is config.ts. No message here repeats a value that may be secret.
import { FormatError, minutes, seconds } from '@lapwing/kernel';
import { z } from 'zod';
import { parseAccessRule } from './access-rules.ts';
import { between, bind, bool, duration, limit, size, text, whole } from './schema-values.ts';
import { dtlsOptions, pskAuthenticationSchema, securitySchema, storeSchema } from './security-schema.ts';

const topic = z
  .string({ error: 'must be text' })
  .refine((value) => isTopicText(value), 'must be text without NUL, at most 1024 characters');
const qos = whole(0, 2).transform((level) => level as 0 | 1 | 2);

function isTopicText(value: string): boolean {
  return value.length <= 1024 && !value.includes('\u0000');
}

const translator = (wildcards: 'allowed' | 'refused') =>
  z.strictObject({
    topic: topic
      .min(1, 'must not be empty')
      .refine((value) => wildcards === 'allowed' || !/[+#]/.test(value), 'must not contain + or #')
      .refine((value) => isFilter(value), 'is no valid topic filter'),
    qos: qos.default(0),
  });

function isFilter(value: string): boolean {
  return value
    .split('/')
    .every((level, i, all) => level === '+' || (level === '#' && i === all.length - 1) || !/[+#]/.test(level));
}

const accessRule = z.string({ error: 'must be text' }).transform((value, context) => {
  try {
    return parseAccessRule(value);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

const ssl = z.looseObject({
  enable: bool.default(false),
  verify: z.enum(['verify_none', 'verify_peer']).optional(),
  cacertfile: text.optional(),
});

const authentication = z.strictObject({
  mechanism: z.literal('password_based', { error: 'must be "password_based"' }).default('password_based'),
  backend: z.literal('http', { error: 'must be "http": it is the one backend there is for LwM2M' }),
  enable: bool.default(true),
  method: z.enum(['get', 'post']),
  url: z.string().regex(/^https?:\/\//, 'must start with http:// or https://'),
  headers: z.record(z.string(), text).default({}),
  body: z.record(z.string(), text).default({}),
  request_timeout: duration(1).default(seconds(5)),
  connect_timeout: duration(1).optional(),
  pool_size: whole(1, 1024).default(8),
  enable_pipelining: whole(1, 10_000).default(100),
  ssl: ssl.optional(),
  hostname_resolution: z.unknown().optional(),
  allowed_hosts: z.unknown().optional(),
  max_retries: z.unknown().optional(),
  retry_interval: z.unknown().optional(),
});

const listenerName = z
  .string()
  .regex(/^[a-zA-Z][0-9a-zA-Z_-]*$/, 'must start with a letter and hold letters, digits, _ and - only');

const listener = {
  enable: bool.default(true),
  bind,
  max_connections: limit.default(1024),
  max_conn_rate: limit.default(1000),
  authentication: authentication.optional(),
  enable_authn: bool.default(true),
  mountpoint: topic.refine((value) => !/[+#]/.test(value), 'must not contain + or #').optional(),
  access_rules: z.array(accessRule).default([]),
  udp_options: z
    .looseObject({ recbuf: size.optional(), sndbuf: size.optional() }, { error: 'must be an object' })
    .optional(),
  health_check: z
    .strictObject({ request: text, reply: text })
    .refine(
      ({ request, reply }) => request !== '' && reply !== '' && isModest(request, reply),
      'request and reply must not be empty, and a reply with its headers at most three times as long as the request',
    )
    .optional(),
  acceptors: z.unknown().optional(),
};

/** An address that is asked for in somebody else's name gets no more than RFC 9175 §2.4 allows, headers of 62 bytes included. */
function isModest(request: string, reply: string): boolean {
  return Buffer.byteLength(reply) + 62 <= 3 * (Buffer.byteLength(request) + 62);
}

const securedListener = { ...listener, dtls_options: dtlsOptions.prefault({}) };
const udpListener = z.strictObject(listener);
const dtlsListener = z.strictObject(securedListener);

const listenerMap = z.strictObject({
  udp: z.record(listenerName, udpListener).optional(),
  dtls: z.record(listenerName, dtlsListener).optional(),
});
const listed = { name: listenerName, id: z.unknown().optional(), running: z.unknown().optional() };
const listenerList = z.array(
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('udp'), ...listed, ...listener }),
    z.strictObject({ type: z.literal('dtls'), ...listed, ...securedListener }),
  ]),
);

const blockSize = whole(16, 1024).refine(
  (n) => [16, 32, 64, 128, 256, 512, 1024].includes(n),
  'must be 16, 32, 64, 128, 256, 512 or 1024',
);

// biome-ignore lint/suspicious/noTemplateCurlyInString: the mountpoint's own placeholders.
const firstMountpoint = 'lwm2m/${endpoint_name}/';

export const lwm2mSchema = z.strictObject({
  name: z.literal('lwm2m').optional(),
  enable: bool.default(true),
  enable_stats: bool.optional(),
  idle_timeout: duration(1).optional(),
  xml_dir: text.optional(),
  lifetime_min: duration(1).default(seconds(15)),
  lifetime_max: duration(1).default(seconds(86_400)),
  qmode_time_window: duration(1000).default(seconds(22)),
  auto_observe: z
    .union([z.boolean(), z.string(), z.array(z.string())], {
      error: 'must be true, false, "on", "off", a path list or an array of paths',
    })
    .default(false),
  update_msg_publish_condition: z.enum(['always', 'contains_object_list']).default('always'),
  translators: z.strictObject({
    command: translator('allowed'),
    response: translator('refused'),
    notify: translator('refused'),
    register: translator('refused'),
    update: translator('refused'),
  }),
  mountpoint: topic.refine((value) => !/[+#]/.test(value), 'must not contain + or #').default(firstMountpoint),
  listeners: z.union([listenerList, listenerMap]).optional(),
  blockwise: z
    .strictObject({
      enable: bool.default(true),
      max_block_size: blockSize.optional(),
      max_body_size: size.default(4 * 1024 ** 2),
      exchange_lifetime: duration(1).optional(),
    })
    .prefault({}),
  coap_max_block_size: blockSize.optional(),
  clientinfo_override: z.looseObject({}).optional(),
  authentication: authentication.optional(),
  compat: z.enum(['emqx', 'native']).default('emqx'),
  lifecycle_events: bool.default(false),
  kept_observations: z.enum(['each', 'together']).default('each'),
  command_rate: whole(1, 1_000_000).default(500),
  transmission: z
    .strictObject({
      ack_timeout: duration(1).default(seconds(2)),
      ack_random_factor: between(1, 10).default(1.5),
      max_retransmit: whole(0, 20).default(4),
    })
    .prefault({}),
});

export const mqttSchema = z.strictObject({
  broker: z
    .string()
    .refine(
      (value) => value === 'embedded' || /^mqtts?:\/\/[^\s/]+\/?$/.test(value),
      'must be "embedded", or mqtt://host:port, or mqtts://host:port',
    )
    .default('embedded'),
  bind: bind.default({ host: '127.0.0.1', port: 1883 }),
  username: text.optional(),
  password: text.optional(),
  client_id: z.string().min(1).max(128).optional(),
  keepalive: duration(1000).default(seconds(60)),
  session_expiry: duration(1000).default(minutes(60)),
  max_connections: whole(1, 100_000).default(1024),
  buffer_messages: whole(1, 10_000_000).default(100_000),
  buffer_bytes: size.default(64 * 1024 ** 2),
  tls: z
    .strictObject({
      verify: bool.default(true),
      cacertfile: text.optional(),
      certfile: text.optional(),
      keyfile: text.optional(),
    })
    .default({ verify: true }),
});

export const rootSchema = z.strictObject({
  gateway: z.strictObject({ lwm2m: lwm2mSchema }),
  security: securitySchema.prefault({}),
  psk_authentication: pskAuthenticationSchema.optional(),
  mqtt: mqttSchema.prefault({}),
  store: storeSchema.prefault({}),
  models: z.strictObject({ dir: text.optional() }).default({}),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
      format: z.enum(['auto', 'json', 'text']).default('auto'),
    })
    .prefault({}),
});

export type WrittenConfig = z.output<typeof rootSchema>;
export type WrittenAuthentication = z.output<typeof authentication>;
