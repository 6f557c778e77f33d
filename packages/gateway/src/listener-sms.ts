// How a listener on a modem, or on a centre in its place, is written, `listeners.sms.NAME`, and what it comes to.
import { type Duration, encodeUtf8, FormatError, minutes, Secret, seconds } from '@lapwing/kernel';
import { z } from 'zod';
import { bool, duration, exactText, tlsFiles, whole } from './schema-values.ts';
import { isSmppUri, parseSmppUri, type SmppUri } from './sms.ts';
import type { TlsFiles } from './tls-files.ts';

const modem = exactText.transform((value, context): Modem => {
  const [, host, port] = /^tcp:\/\/(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(value) ?? [];
  if (host !== undefined) return { kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  if (isSmppUri(value)) return centreOf(value, context);
  if (/^(?:\/dev\/[\w./:-]+|COM\d+)$/.test(value) && !value.includes('..')) return { kind: 'serial', path: value };
  context.addIssue({
    code: 'custom',
    message:
      'must be a serial port such as "/dev/ttyUSB2", or "tcp://host:port", or "smpp://account:password@host:port"',
  });
  return z.NEVER;
});

function centreOf(value: string, context: z.RefinementCtx): Modem {
  try {
    return { kind: 'smpp', ...parseSmppUri(value) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
}

export type Modem =
  | { readonly kind: 'serial'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | ({ readonly kind: 'smpp' } & SmppUri);

/** What of a centre is not in its address. */
const smpp = z.strictObject({
  /** In the place of the one in the address. */
  password: exactText
    .refine((value) => /^[\x20-\x7e]{1,64}$/.test(value), 'must be 1 to 64 printable ASCII characters')
    .transform((value) => new Secret(encodeUtf8(value)))
    .optional(),
  window: whole(1, 1000).default(10),
  keepalive: duration(1000)
    .refine((time) => time >= seconds(1) && time <= minutes(60), 'must be from 1s to 60m')
    .default(seconds(30)),
  tls: tlsFiles,
});

/** Beside `enable`, and who may come in. */
export const modemOptions = {
  modem,
  speed: whole(300, 4_000_000).default(115_200),
  flow: z.enum(['none', 'hardware']).default('none'),
  /** Long messages are cut, or not sent. */
  parts: z.enum(['one', 'few', 'many']).default('one'),
  max_per_hour: whole(1, 1_000_000).default(100),
  max_per_minute: whole(1, 10_000).default(10),
  /** Anybody can write any number on a text message: without a key nobody is anybody. */
  security: z.enum(['psk', 'none']).default('psk'),
  wake: bool.default(true),
  plain_triggers: bool.default(true),
  smpp: smpp.optional(),
};

export type WrittenModem = z.output<z.ZodObject<typeof modemOptions>>;

/** Of a listener on a centre; of no use to others. */
export interface CentreSettings {
  readonly password: Secret | undefined;
  /** Messages that may be without an answer at once. */
  readonly window: number;
  /** Silence after which the centre is asked whether it is there. */
  readonly keepalive: Duration;
  readonly tls: TlsFiles;
}

export interface SmsPlace {
  readonly type: 'sms';
  readonly name: string;
  readonly modem: Modem;
  readonly centre: CentreSettings;
  /** Bits in a second, of a serial port. */
  readonly speed: number;
  readonly flow: 'none' | 'hardware';
  readonly parts: 'one' | 'few' | 'many';
  readonly perHour: number;
  readonly perMinute: number;
  readonly security: 'psk' | 'none';
  /** Devices in queue mode are woken when something waits for them. */
  readonly wakes: boolean;
  /** Also those that have shown no key on this listener. */
  readonly plainTriggers: boolean;
}

/** Problems go to `found`. */
export function smsPlaceOf(written: WrittenModem & { readonly name: string }, at: string, found: string[]): SmsPlace {
  const { name, modem, speed, flow, parts, security } = written;
  if (written.smpp !== undefined && modem.kind !== 'smpp')
    found.push(`${at}.smpp: is for a centre, and modem is none: write it smpp://account:password@host:port`);
  if (written.smpp?.password !== undefined && modem.kind === 'smpp' && modem.password !== undefined)
    found.push(`${at}.smpp.password: there is one in the address of the centre too`);
  const { password, window, keepalive, tls } = written.smpp ?? smpp.parse({});
  return {
    ...{ type: 'sms', name, modem, speed, flow, parts, security },
    centre: { password, window, keepalive, tls },
    perHour: written.max_per_hour,
    perMinute: written.max_per_minute,
    wakes: written.wake,
    plainTriggers: written.plain_triggers,
  };
}
