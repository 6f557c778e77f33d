// How listeners are written: EMQX's keys for `udp` and `dtls`, and in the same style `tcp`, `tls`, `ws`, `wss` and `sms`, each by name; or
// as the list of EMQX's HTTP API.
import { FormatError } from '@lapwing/kernel';
import { z } from 'zod';
import { parseAccessRule } from './access-rules.ts';
import { authentication } from './authentication-schema.ts';
import { modemOptions } from './listener-sms.ts';
import { bind, bool, limit, size, text, topic } from './schema-values.ts';
import { dtlsOptions, sslOptions } from './security-schema.ts';

const accessRule = z.string({ error: 'must be text' }).transform((value, context) => {
  try {
    return parseAccessRule(value);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

const listenerName = z
  .string()
  .regex(/^[a-zA-Z][0-9a-zA-Z_-]*$/, 'must start with a letter and hold letters, digits, _ and - only');

const enable = bool.default(true);
/** Where it listens. */
const place = { enable, bind, acceptors: z.unknown().optional() };

/** Who may come in, and under which topics. */
const admission = {
  max_connections: limit.default(1024),
  max_conn_rate: limit.default(1000),
  authentication: authentication.optional(),
  enable_authn: bool.default(true),
  mountpoint: topic.refine((value) => !/[+#]/.test(value), 'must not contain + or #').optional(),
  access_rules: z.array(accessRule).default([]),
};

const datagrams = {
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
};

/** An address that is asked for in somebody else's name gets no more than RFC 9175 §2.4 allows, headers of 62 bytes included. */
function isModest(request: string, reply: string): boolean {
  return Buffer.byteLength(reply) + 62 <= 3 * (Buffer.byteLength(request) + 62);
}

const connections = {
  tcp_options: z.looseObject({}, { error: 'must be an object' }).optional(),
  max_message_size: size
    .refine((bytes) => bytes >= 1152 && bytes <= 1024 ** 2, 'must be from 1152 bytes to 1MB')
    .default(8192),
};

/** Origins of web pages: a list, or one text with commas, as EMQX has it. */
const origins = z
  .union([z.array(z.string()), z.string()], { error: 'must be a list of origins' })
  .transform((value) => (typeof value === 'string' ? value.split(/[,\s]+/) : value).filter((origin) => origin !== ''))
  .refine(
    (list) => list.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin),
    'must be origins such as "https://app.example", without a path',
  );

const webSockets = { ...connections, websocket: z.strictObject({ check_origins: origins.default([]) }).prefault({}) };

const kinds = {
  udp: datagrams,
  dtls: { ...datagrams, dtls_options: dtlsOptions.prefault({}) },
  tcp: connections,
  tls: { ...connections, ssl_options: sslOptions.prefault({}) },
  ws: webSockets,
  wss: { ...webSockets, ssl_options: sslOptions.prefault({}) },
} as const;

const map = <Shape extends z.ZodRawShape>(shape: Shape) => z.record(listenerName, z.strictObject(shape)).optional();

const listenerMap = z.strictObject({
  udp: map({ ...place, ...admission, ...kinds.udp }),
  dtls: map({ ...place, ...admission, ...kinds.dtls }),
  tcp: map({ ...place, ...admission, ...kinds.tcp }),
  tls: map({ ...place, ...admission, ...kinds.tls }),
  ws: map({ ...place, ...admission, ...kinds.ws }),
  wss: map({ ...place, ...admission, ...kinds.wss }),
  sms: map({ enable, ...admission, ...modemOptions }),
});

/** Of a server that has no use for names of MQTT. */
export const placesSchema = z.strictObject({
  udp: map({ ...place, ...kinds.udp }),
  dtls: map({ ...place, ...kinds.dtls }),
  tcp: map({ ...place, ...kinds.tcp }),
  tls: map({ ...place, ...kinds.tls }),
  ws: map({ ...place, ...kinds.ws }),
  wss: map({ ...place, ...kinds.wss }),
});

const named = { name: listenerName, id: z.unknown().optional(), running: z.unknown().optional() };
const listed = { ...named, ...place, ...admission };
const listenerList = z.array(
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('udp'), ...listed, ...kinds.udp }),
    z.strictObject({ type: z.literal('dtls'), ...listed, ...kinds.dtls }),
    z.strictObject({ type: z.literal('tcp'), ...listed, ...kinds.tcp }),
    z.strictObject({ type: z.literal('tls'), ...listed, ...kinds.tls }),
    z.strictObject({ type: z.literal('ws'), ...listed, ...kinds.ws }),
    z.strictObject({ type: z.literal('wss'), ...listed, ...kinds.wss }),
    z.strictObject({ type: z.literal('sms'), enable, ...named, ...admission, ...modemOptions }),
  ]),
);

export const listenersSchema = z.union([listenerList, listenerMap]);

/** What of a listener has nothing to do with registrations. */
type Placed<Written> = Written extends unknown ? Omit<Written, keyof typeof admission> : never;
export type WrittenPlace = Placed<Exclude<WrittenListener, { type: 'sms' }>>;
export type WrittenListener = z.output<typeof listenerList>[number];
export type WrittenListeners = z.output<typeof listenersSchema>;

const types = ['udp', 'dtls', 'tcp', 'tls', 'ws', 'wss', 'sms'] as const;

/** Both notations as one list. */
export function asList(written: WrittenListeners): readonly WrittenListener[] {
  return Array.isArray(written) ? written : namedIn<WrittenListener>(written);
}

/** The same for `placesSchema`. */
export function asPlaces(written: z.output<typeof placesSchema>): readonly WrittenPlace[] {
  return namedIn<WrittenPlace>(written);
}

/** What a type holds fits it: that is what the schemas say. */
function namedIn<Listed extends Pick<WrittenListener, 'type' | 'name'>>(
  written: {
    readonly [type in (typeof types)[number]]?: Readonly<Record<string, object>> | undefined;
  },
): readonly Listed[] {
  return types.flatMap((type) =>
    Object.entries(written[type] ?? {}).map(([name, each]) => ({ type, name, ...each }) as Listed),
  );
}
