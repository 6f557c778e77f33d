// How the bootstrap server is written in a configuration: `bootstrap`, ours, in the style of EMQX's gateways.
import { minutes } from '@lapwing/kernel';
import { z } from 'zod';
import { placesSchema } from '../listener-schema.ts';
import { bool, duration, qos, text, topic } from '../schema-values.ts';
import { securitySchema } from '../security-schema.ts';
import { plansSchema } from './plan-schema.ts';

const plainTopic = topic.min(1, 'must not be empty').refine((value) => !/[+#]/.test(value), 'must not contain + or #');
const translator = (first: string) =>
  z.strictObject({ topic: plainTopic.default(first), qos: qos.default(0) }).prefault({});

export const bootstrapSchema = z.strictObject({
  enable: bool.default(true),
  listeners: placesSchema.optional(),
  /** What devices prove themselves with here; another key than for the gateway itself. */
  security: securitySchema.prefault({}),
  plans: plansSchema.default({}),
  plan_files: z.array(text).default([]),
  keys_in_clear: z.enum(['refuse', 'accept']).default('refuse'),
  old_keys: z.enum(['keep', 'retire']).default('keep'),
  session_timeout: duration(1000).default(minutes(10)),
  translators: z
    .strictObject({
      command: translator('bootstrap/dn'),
      response: translator('bootstrap/up/resp'),
      event: translator('bootstrap/up/event'),
    })
    .prefault({}),
});

export type WrittenBootstrap = z.output<typeof bootstrapSchema>;
