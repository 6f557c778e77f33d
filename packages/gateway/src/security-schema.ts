// How DTLS, TLS and credentials are written in a configuration: EMQX's `dtls_options`, `ssl_options` and `psk_authentication`,
// and our `security` and `store` beside them.
import { days, fromHex, minutes, seconds } from '@lapwing/kernel';
import { z } from 'zod';
import { bool, duration, text, whole } from './schema-values.ts';
import { keyLength } from './store/sealing.ts';

/** Cipher suites: a list, or one text with `,` or `:` between them, as OpenSSL has it. */
const ciphers = z
  .union([z.array(z.string()), z.string()], { error: 'must be a list of cipher suites' })
  .transform((value) => (typeof value === 'string' ? value.split(/[,:\s]+/) : value).filter((name) => name !== ''));

const connectionId = z.union([
  bool,
  z.strictObject({
    length: whole(6, 20).default(8),
    node: z.strictObject({ id: whole(0, 0xffff_ffff), bytes: whole(1, 4).default(1) }).optional(),
  }),
]);

/** EMQX's keys for DTLS and TLS alike; those from `session_tickets` on have no effect here. */
const secured = {
  cacertfile: text.optional(),
  certfile: text.optional(),
  keyfile: text.optional(),
  password: text.optional(),
  verify: z.enum(['verify_none', 'verify_peer']).default('verify_none'),
  fail_if_no_peer_cert: bool.default(false),
  handshake_timeout: duration(1).default(seconds(15)),
  session_tickets: z.unknown().optional(),
  depth: z.unknown().optional(),
  versions: z.unknown().optional(),
  secure_renegotiate: z.unknown().optional(),
  client_renegotiation: z.unknown().optional(),
  honor_cipher_order: z.unknown().optional(),
  hibernate_after: z.unknown().optional(),
  dhfile: z.unknown().optional(),
  log_level: z.unknown().optional(),
  user_lookup_fun: z.unknown().optional(),
  partial_chain: z.unknown().optional(),
  verify_peer_ext_key_usage: z.unknown().optional(),
  enable_crl_check: z.unknown().optional(),
  ocsp: z.unknown().optional(),
  gc_after_handshake: z.unknown().optional(),
  managed_certs: z.unknown().optional(),
  /** Ours, as everything that is only in one of the two below but `ciphers` and `reuse_sessions`. */
  psk: bool.default(true),
};

export const dtlsOptions = z.strictObject({
  ...secured,
  ciphers: ciphers.default([]),
  reuse_sessions: bool.default(true),
  rpk_keyfile: text.optional(),
  cid: connectionId.default(true),
  max_handshakes_per_host: whole(1, 1_000_000).default(100),
  max_associations_per_identity: whole(1, 2 ** 24 - 1).default(8),
  idle_timeout: duration(1)
    .refine((time) => time >= minutes(1) && time <= days(3650), 'must be from 1m to 3650d')
    .default(days(30)),
  extended_master_secret: z.enum(['required', 'optional']).default('required'),
});

/** Of listeners with TLS. Which suites and how long sessions last is not for a configuration to say. */
export const sslOptions = z.strictObject({
  ...secured,
  ciphers: z.unknown().optional(),
  reuse_sessions: z.unknown().optional(),
  cacerts: z.unknown().optional(),
  rpk_keyfile: z
    .undefined({ error: 'Node.js has no raw public keys over TLS: give devices certificates or keys, or use dtls' })
    .optional(),
});

export type WrittenDtlsOptions = z.output<typeof dtlsOptions>;
export type WrittenSslOptions = z.output<typeof sslOptions>;

/** A number has lost its leading zeros, and its last digits. */
export const hexKey = z
  .string({
    error: ({ input }) =>
      typeof input === 'number' ? 'must be hexadecimal: quote it, or it is read as a number' : 'must be hexadecimal',
  })
  .transform((value, context) => {
    try {
      const bytes = fromHex(value);
      if (bytes.length > 0) return bytes;
    } catch {
      // Said below, without the value.
    }
    context.addIssue({ code: 'custom', message: 'must be hexadecimal, two digits for each byte' });
    return z.NEVER;
  });

/** An id of OSCORE: hexadecimal, and perhaps empty. */
export const hexId = z.string({ error: 'must be hexadecimal, in quotes' }).transform((value, context) => {
  try {
    return fromHex(value);
  } catch {
    context.addIssue({ code: 'custom', message: 'must be hexadecimal, two digits for each byte' });
    return z.NEVER;
  }
});

/** A context of OSCORE as the gateway has it: the device has both ids the other way round. Algorithms by their COSE numbers. */
const oscore = z.strictObject({
  master_secret: hexKey,
  sender_id: hexId,
  recipient_id: hexId,
  master_salt: hexId.optional(),
  id_context: hexId.optional(),
  aead: z.number().int().default(10),
  hkdf: z.number().int().default(-10),
});

/** One device: what it proves itself with, and the name that it may register as. */
const credential = z
  .strictObject({
    endpoint: z.string().min(1, 'must not be empty'),
    psk: z.strictObject({ identity: z.string().min(1).optional(), key: hexKey }).optional(),
    rpk: z.strictObject({ public_key: z.string() }).optional(),
    x509: z.strictObject({ subject: z.string().min(1).optional(), certificate: z.string().optional() }).optional(),
    oscore: oscore.optional(),
  })
  .refine(
    ({ psk, rpk, x509, oscore }) =>
      psk !== undefined || rpk !== undefined || x509 !== undefined || oscore !== undefined,
    'needs psk, rpk, x509 or oscore',
  );

export const credentialList = z.array(credential, { error: 'must be a list of credentials' });
export type WrittenCredential = z.output<typeof credential>;

export const securitySchema = z.strictObject({
  credentials: credentialList.default([]),
  files: z.array(text).default([]),
});

/** EMQX's file of `identity:secret` lines. */
export const pskAuthenticationSchema = z.strictObject({
  enable: bool.default(false),
  init_file: text.optional(),
  separator: text.default(':'),
  chunk_size: z.unknown().optional(),
});

export const storeSchema = z.strictObject({
  /** Directory of the embedded database, or `:memory:`. */
  dir: text.default('./data'),
  survives: z.enum(['process', 'power']).default('process'),
  key_file: text.optional(),
  /** For the environment: LAPWING_STORE__KEY. */
  key: hexKey.refine(({ length }) => length === keyLength, `must have ${keyLength} bytes`).optional(),
});
