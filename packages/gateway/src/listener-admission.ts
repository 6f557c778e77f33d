// Whether anybody could come in over a listener: what it shows, whom it knows, and the suites that go with both.
import { ConfigError } from '@lapwing/kernel';
import {
  cipherSuites,
  dateProblemOf,
  keyExchangeOfCertificate,
  keyExchangeOfRawKey,
  type ListenerSecurity,
  type SecurityStore,
  type StreamSecurity,
} from '@lapwing/server';
import type { DtlsConfig, TlsConfig } from './listener-place.ts';

/** `later`: a bootstrap hands them out. */
export type Known = SecurityStore | 'later' | undefined;

type KeyExchange = (typeof cipherSuites)[number]['keyExchange'];

/** A way in, as it is written. */
interface Way {
  readonly key: 'psk' | 'certfile' | 'rpk_keyfile';
  readonly by: string;
  readonly exchanges: readonly KeyExchange[];
}

/**
 * Under `at`, the path of the options. Returns what of them is of no use. Throws ConfigError for a listener that no device could come
 * in over, and for files that do not hold what they should.
 */
export async function checkAdmission(
  config: TlsConfig | DtlsConfig,
  at: string,
  known: Known,
  security: ListenerSecurity | StreamSecurity,
): Promise<readonly string[]> {
  const ways = await waysOf(config, known, security);
  if (ways.length === 0)
    throw new ConfigError([
      `${at}: nobody could come in: there is no certfile, and the credentials hold no key that this listener takes`,
    ]);
  const suites = 'suites' in config ? config.suites : [];
  if (suites.length === 0) return [];
  const named = new Set(cipherSuites.filter(({ name }) => suites.includes(name)).map(({ keyExchange }) => keyExchange));
  const shut = ways.filter(({ exchanges }) => !exchanges.some((each) => named.has(each)));
  if (shut.length === ways.length)
    throw new ConfigError([
      `${at}.ciphers: nobody could come in: none of them goes with ${shut.map(({ by }) => by).join(' or ')}; ${shut.map(mendOf).join(' or ')}, or leave ciphers out`,
    ]);
  // Keys of devices may be for another listener; what is shown by this one is for this one.
  return shut
    .filter(({ key }) => key !== 'psk')
    .map((way) => `${at}.${way.key}: is shown to nobody, since none of ciphers goes with ${way.by}; ${mendOf(way)}`);
}

/** Under `at`. What of a certificate is not in order today, though a device may not mind. */
export function noteDates(
  { certificate }: ListenerSecurity | StreamSecurity,
  at: string,
  wall: number,
): readonly string[] {
  const problem = certificate && dateProblemOf(certificate, wall);
  return problem === undefined ? [] : [`${at}.certfile: ${problem}: devices that look at dates refuse it`];
}

async function waysOf(
  { psk }: TlsConfig,
  known: Known,
  { certificate, ...others }: ListenerSecurity | StreamSecurity,
): Promise<readonly Way[]> {
  const ways: Way[] = [];
  const has = await kindsOf(known);
  const raw = 'rawPublicKey' in others ? others.rawPublicKey : undefined;
  if (psk && has('psk')) ways.push({ key: 'psk', by: 'pre-shared keys', exchanges: ['psk', 'ecdhe_psk'] });
  if (certificate !== undefined) {
    const keyExchange = keyExchangeOfCertificate(certificate);
    ways.push({ key: 'certfile', by: `the ${kindOfKey(keyExchange)} certificate`, exchanges: [keyExchange] });
  }
  if (raw !== undefined && has('rpk')) {
    const keyExchange = keyExchangeOfRawKey(raw);
    ways.push({ key: 'rpk_keyfile', by: `the ${kindOfKey(keyExchange)} raw key`, exchanges: [keyExchange] });
  }
  return ways;
}

async function kindsOf(known: Known): Promise<(kind: string) => boolean> {
  if (known === 'later') return () => true;
  const kinds = new Set<string>();
  for await (const { credential } of known?.all() ?? []) kinds.add(credential.kind);
  return (kind) => kinds.has(kind);
}

const kindOfKey = (keyExchange: KeyExchange): string => (keyExchange === 'ecdhe_rsa' ? 'RSA' : 'ECDSA');

/** The first suite that would do. */
const mendOf = ({ exchanges: [first] }: Way): string =>
  `add ${cipherSuites.find(({ on, keyExchange }) => on && keyExchange === first)?.name}`;
