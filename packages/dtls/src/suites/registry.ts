// The cipher suites that LwM2M needs (Core 1.2.2 §5.2.9 and RFC 7925 §4), in the order in which this side prefers
// them. CBC is off by default: without encrypt-then-MAC it cannot be closed against timing.
import type { KeyExchange, Suite, SuiteHash } from './suite.ts';

const ccm = (tagLength: 8 | 16) =>
  ({
    cipher: 'ccm',
    hash: 'sha256',
    keyLength: 16,
    ivLength: 4,
    macLength: 0,
    tagLength,
    explicitLength: 8,
    encryptThenMac: false,
    on: true,
    sealLimit: 2 ** 23,
    forgeryLimit: tagLength === 8 ? 2 ** 20 : 2 ** 23,
  }) as const;

const gcm = (keyLength: 16 | 32, hash: SuiteHash) =>
  ({
    cipher: 'gcm',
    hash,
    keyLength,
    ivLength: 4,
    macLength: 0,
    tagLength: 16,
    explicitLength: 8,
    encryptThenMac: false,
    on: true,
    sealLimit: 2 ** 24,
    forgeryLimit: 2 ** 36,
  }) as const;

const cbc = {
  cipher: 'cbc',
  hash: 'sha256',
  keyLength: 16,
  ivLength: 0,
  macLength: 32,
  tagLength: 32,
  explicitLength: 16,
  encryptThenMac: false,
  on: false,
  sealLimit: 2 ** 24,
  forgeryLimit: 2 ** 23,
} as const;

type Protection = Omit<Suite, 'id' | 'name' | 'opensslName' | 'keyExchange'>;

function row(
  id: number,
  name: string,
  opensslName: string | undefined,
  keyExchange: KeyExchange,
  protection: Protection,
): Suite {
  return { id, name, opensslName, keyExchange, ...protection };
}

/** All of them, the preferred first. CCM_8 leads: LwM2M requires it, and it is the shortest on the wire. */
export const suites: readonly Suite[] = [
  row(0xc0ae, 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8', 'ECDHE-ECDSA-AES128-CCM8', 'ecdhe_ecdsa', ccm(8)),
  row(0xc0ac, 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM', 'ECDHE-ECDSA-AES128-CCM', 'ecdhe_ecdsa', ccm(16)),
  row(
    0xc02b,
    'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ecdhe_ecdsa',
    gcm(16, 'sha256'),
  ),
  row(
    0xc02c,
    'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ecdhe_ecdsa',
    gcm(32, 'sha384'),
  ),
  row(0xc02f, 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ecdhe_rsa', gcm(16, 'sha256')),
  row(0xc030, 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384', 'ecdhe_rsa', gcm(32, 'sha384')),
  row(0xd003, 'TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256', undefined, 'ecdhe_psk', ccm(8)),
  row(0xd005, 'TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256', undefined, 'ecdhe_psk', ccm(16)),
  row(0xd001, 'TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256', undefined, 'ecdhe_psk', gcm(16, 'sha256')),
  row(0xc0a8, 'TLS_PSK_WITH_AES_128_CCM_8', 'PSK-AES128-CCM8', 'psk', ccm(8)),
  row(0xc0a4, 'TLS_PSK_WITH_AES_128_CCM', 'PSK-AES128-CCM', 'psk', ccm(16)),
  row(0x00a8, 'TLS_PSK_WITH_AES_128_GCM_SHA256', 'PSK-AES128-GCM-SHA256', 'psk', gcm(16, 'sha256')),
  row(0xc023, 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256', 'ECDHE-ECDSA-AES128-SHA256', 'ecdhe_ecdsa', cbc),
  row(0xc037, 'TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256', 'ECDHE-PSK-AES128-CBC-SHA256', 'ecdhe_psk', cbc),
  row(0x00ae, 'TLS_PSK_WITH_AES_128_CBC_SHA256', 'PSK-AES128-CBC-SHA256', 'psk', cbc),
];

/** What is offered and accepted without configuration. */
export const defaultSuites: readonly Suite[] = suites.filter((suite) => suite.on);

const byId: ReadonlyMap<number, Suite> = new Map(suites.map((suite) => [suite.id, suite]));

export function findSuite(id: number): Suite | undefined {
  return byId.get(id);
}

/** By IANA's or OpenSSL's name, in any case, `TLS_` optional; undefined where it is not supported. */
export function findSuiteByName(name: string): Suite | undefined {
  const upper = name.toUpperCase();
  return suites.find((suite) => suite.name === upper || suite.name === `TLS_${upper}` || suite.opensslName === upper);
}

const twins: ReadonlyMap<number, Suite> = new Map(
  suites.filter((suite) => suite.cipher === 'cbc').map((suite) => [suite.id, { ...suite, encryptThenMac: true }]),
);

/** The same suite once encrypt-then-MAC has been agreed on; an AEAD suite is itself (RFC 7366 §3). */
export function withEncryptThenMac(suite: Suite): Suite {
  return twins.get(suite.id) ?? suite;
}
