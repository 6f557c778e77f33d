// How a listener on a modem is written, `listeners.sms.NAME`, and what it comes to.
import { z } from 'zod';
import { bool, exactText, whole } from './schema-values.ts';

const modem = exactText.transform((value, context): Modem => {
  const [, host, port] = /^tcp:\/\/(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(value) ?? [];
  if (host !== undefined) return { kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  if (/^(?:\/dev\/[\w./:-]+|COM\d+)$/.test(value) && !value.includes('..')) return { kind: 'serial', path: value };
  context.addIssue({ code: 'custom', message: 'must be a serial port such as "/dev/ttyUSB2", or "tcp://host:port"' });
  return z.NEVER;
});

export type Modem =
  | { readonly kind: 'serial'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

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
};

export type WrittenModem = z.output<z.ZodObject<typeof modemOptions>>;

export interface SmsPlace {
  readonly type: 'sms';
  readonly name: string;
  readonly modem: Modem;
  /** Bits in a second, of a serial port. */
  readonly speed: number;
  readonly flow: 'none' | 'hardware';
  readonly parts: 'one' | 'few' | 'many';
  readonly perHour: number;
  readonly perMinute: number;
  readonly security: 'psk' | 'none';
  /** Devices in queue mode are woken when something waits for them. */
  readonly wakes: boolean;
}

export function smsPlaceOf(written: WrittenModem & { readonly name: string }): SmsPlace {
  const { name, speed, flow, parts, security } = written;
  return {
    ...{ type: 'sms', name, modem: written.modem, speed, flow, parts, security },
    perHour: written.max_per_hour,
    perMinute: written.max_per_minute,
    wakes: written.wake,
  };
}
