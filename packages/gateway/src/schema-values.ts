// Values as a configuration writes them, each with what it must be when it is wrong: text, truth, durations, sizes, numbers.
// No message repeats the value, which may be secret.
import { parseDuration } from '@lapwing/kernel';
import { z } from 'zod';
import type { TlsFiles } from './tls-files.ts';
import { parseBind, parseSize } from './units.ts';

/** Text; numbers and truth values too, since environment variables and HOCON make them of unquoted text. */
export const text = z.union([z.string(), z.number(), z.boolean()], { error: 'must be text' }).transform(String);

/** Text for which a number will not do: it may have lost zeros and digits by which somebody knows him. */
export const exactText = z.string({
  error: ({ input }) =>
    typeof input === 'number' ? 'must be text: quote it, or it is read as a number' : 'must be text',
});

/** The start or the end of an MQTT topic. */
export const topic = z
  .string({ error: 'must be text' })
  .refine(
    (value) => value.length <= 1024 && !value.includes('\u0000'),
    'must be text without NUL, at most 1024 characters',
  );

export const bool = z
  .union([z.boolean(), z.enum(['true', 'false'])], { error: 'must be true or false' })
  .transform((b) => b === true || b === 'true');

function parsed<T>(
  parse: (value: string | number) => T | undefined,
  expectation: string,
): z.ZodType<T, string | number> {
  return z.union([z.string(), z.number()], { error: expectation }).transform((value, context) => {
    const result = parse(value);
    if (result !== undefined) return result;
    context.addIssue({ code: 'custom', message: expectation });
    return z.NEVER;
  });
}

export const duration = (bare: number) =>
  parsed((value) => parseDuration(value, bare), 'must be a duration such as "22s", "500ms", "1h"');
/** Or without an end. */
export const endless = (limited: z.ZodType<number, string | number>) =>
  z.union([z.literal('infinity').transform(() => Number.POSITIVE_INFINITY), limited], {
    error: 'must be a duration such as "22s", "500ms", "1h", or "infinity"',
  });
export const size = parsed(parseSize, 'must be a size such as "64KB" or "4MB"');
export const bind = parsed(parseBind, 'must be a port or an address with port, such as "5783" or "127.0.0.1:5783"');
export const whole = (min: number, max: number) =>
  parsed((value) => {
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    return Number.isSafeInteger(number) && Number(number) >= min && Number(number) <= max ? Number(number) : undefined;
  }, `must be a whole number from ${min} to ${max}`);
export const between = (min: number, max: number) =>
  parsed((value) => {
    const number = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
    return typeof number === 'number' && number >= min && number <= max ? number : undefined;
  }, `must be a number from ${min} to ${max}`);
/** Of MQTT. */
export const qos = whole(0, 2).transform((level) => level as 0 | 1 | 2);
export const limit = parsed(
  (value) =>
    value === 'infinity'
      ? Number.POSITIVE_INFINITY
      : Number.isSafeInteger(Number(value)) && Number(value) > 0
        ? Number(value)
        : undefined,
  'must be a whole number above 0 or "infinity"',
);

/** Certificates for what is connected to over TLS; each key may be left out. */
export const tlsFiles = z
  .strictObject({
    verify: bool.default(true),
    cacertfile: text.optional(),
    certfile: text.optional(),
    keyfile: text.optional(),
  })
  .transform(
    ({ verify, cacertfile, certfile, keyfile }): TlsFiles => ({
      verify,
      caFile: cacertfile,
      certFile: certfile,
      keyFile: keyfile,
    }),
  )
  .prefault({});
