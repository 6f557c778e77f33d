// What this side shows, as it looks from outside: for whoever configures it, before anybody shakes hands.
import type { CertificateAndKey, RawKey } from '../credentials.ts';
import type { KeyExchange } from '../suites/suite.ts';
import { describeCertificate, readCertificate } from '../x509/certificate.ts';
import type { PrivateKey } from '../x509/keys.ts';
import { formatTime } from '../x509/time.ts';
import { loadCertificate, loadRawKey } from './authentication.ts';

/** Of the suites that it goes with. Throws ConfigError for what cannot be shown. */
export const keyExchangeOfCertificate = (certificate: CertificateAndKey): KeyExchange =>
  keyExchangeOf(loadCertificate(certificate).key);

/** Of the suites that a raw key goes with. Throws ConfigError. */
export const keyExchangeOfRawKey = (raw: RawKey): KeyExchange => keyExchangeOf(loadRawKey(raw).key);

/** What of its dates, or of those above it in its chain, peers will mind at that time (Unix, in ms). Throws ConfigError. */
export function dateProblemOf(certificate: CertificateAndKey, wall: number): string | undefined {
  for (const each of loadCertificate(certificate).chain.map(readCertificate)) {
    const { notBefore, notAfter } = each;
    if (wall > notAfter) return `${describeCertificate(each)} expired on ${formatTime(notAfter)}`;
    if (wall < notBefore) return `${describeCertificate(each)} is not valid before ${formatTime(notBefore)}`;
  }
  return undefined;
}

const keyExchangeOf = ({ algorithm }: PrivateKey): KeyExchange => (algorithm === 'rsa' ? 'ecdhe_rsa' : 'ecdhe_ecdsa');
