// How the call is written that says who may register: EMQX's HTTP authenticator.
import { seconds } from '@lapwing/kernel';
import { z } from 'zod';
import { bool, duration, text, whole } from './schema-values.ts';

const ssl = z.looseObject({
  enable: bool.default(false),
  verify: z.enum(['verify_none', 'verify_peer']).optional(),
  cacertfile: text.optional(),
});

export const authentication = z.strictObject({
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

export type WrittenAuthentication = z.output<typeof authentication>;
