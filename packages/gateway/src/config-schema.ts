// The configuration as it is written: EMQX's key names, units and defaults under `gateway.lwm2m`, ours beside it. Validates
// and turns units into numbers; what the values mean together is config.ts. No message here repeats a value that may be secret.
import { minutes, seconds } from '@lapwing/kernel';
import { z } from 'zod';
import { authentication } from './authentication-schema.ts';
import { bootstrapSchema } from './bootstrap/bootstrap-schema.ts';
import { listenersSchema } from './listener-schema.ts';
import {
  between,
  bind,
  bool,
  duration,
  endless,
  exactText,
  qos,
  size,
  text,
  tlsFiles,
  topic,
  whole,
} from './schema-values.ts';
import { pskAuthenticationSchema, securitySchema, storeSchema } from './security-schema.ts';

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
  lifetime_max: endless(duration(1)).optional(),
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
  listeners: listenersSchema.optional(),
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
  username: exactText.optional(),
  password: exactText.optional(),
  client_id: z.string().min(1).max(128).optional(),
  keepalive: duration(1000).default(seconds(60)),
  session_expiry: duration(1000).default(minutes(60)),
  max_connections: whole(1, 100_000).default(1024),
  buffer_messages: whole(1, 10_000_000).default(100_000),
  buffer_bytes: size.default(64 * 1024 ** 2),
  tls: tlsFiles,
});

export const rootSchema = z.strictObject({
  gateway: z.strictObject({ lwm2m: lwm2mSchema }),
  bootstrap: bootstrapSchema.optional(),
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
