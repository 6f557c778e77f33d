import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { makeAuthority, makeKey } from '../testing/certificates.ts';
import { type Certificate, isSelfIssued, readCertificate } from './certificate.ts';
import { isSignedBy, signatureScheme } from './certificate-signature.ts';
import { importPublicKey } from './keys.ts';
import { formatTime } from './time.ts';

/** As OpenSSL prints dates, `Jan  1 00:00:00 2020 GMT`, cut to the minute. */
function opensslDate(text: string): string {
  const [month = '', day = '', clock = '', year = ''] = text.split(/ +/);
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const number = String(months.indexOf(month) + 1).padStart(2, '0');
  return `${year}-${number}-${day.padStart(2, '0')} ${clock.slice(0, 5)} UTC`;
}

function expectSame(ours: Certificate, theirs: X509Certificate): void {
  expect(formatTime(ours.notBefore)).toBe(opensslDate(theirs.validFrom));
  expect(formatTime(ours.notAfter)).toBe(opensslDate(theirs.validTo));
  expect(toHex(ours.spki)).toBe(toHex(theirs.publicKey.export({ format: 'der', type: 'spki' })));
  expect(ours.extensions.basicConstraints?.ca ?? false).toBe(theirs.ca);
  expect(ours.extensions.extendedKeyUsage).toEqual(theirs.keyUsage);
}

describe('a certificate', () => {
  it('is read as node:crypto reads it', () => {
    const root = makeAuthority();
    for (const algorithm of ['ec-p256', 'ec-p384', 'ec-p521', 'ed25519', 'rsa'] as const) {
      const { certificate } = root.issue({
        name: 'gateway.example',
        organisation: 'Lapwing, "tests"',
        key: makeKey('leaf', algorithm),
        alternativeNames: ['gateway.example', Uint8Array.of(192, 0, 2, 1)],
      });
      const theirs = new X509Certificate(certificate);
      const ours = readCertificate(certificate);
      expectSame(ours, theirs);
      expect(theirs.verify(new X509Certificate(root.certificate).publicKey)).toBe(true);
      expect(theirs.checkIssued(new X509Certificate(root.certificate))).toBe(true);
      expect(ours.subject.text).toBe('CN=gateway.example,O=Lapwing\\, \\"tests\\"');
      expect(ours.subject.commonName).toBe('gateway.example');
      expect(theirs.subjectAltName).toBe('DNS:gateway.example, IP Address:192.0.2.1');
      expect(ours.extensions.alternativeNames?.dns).toEqual(['gateway.example']);
    }
  });

  it('of every authority that Node.js trusts is read as node:crypto reads it, and signed as it says', () => {
    const weak: string[] = [];
    for (const pem of rootCertificates) {
      const theirs = new X509Certificate(pem);
      const ours = readCertificate(new Uint8Array(theirs.raw));
      expectSame(ours, theirs);
      const key = importPublicKey(ours.spki);
      const scheme = signatureScheme(ours);
      expect([ours.subject.text, isSelfIssued(ours), key.ok]).toEqual([ours.subject.text, true, true]);
      if (typeof scheme === 'string') weak.push(scheme);
      else if (key.ok)
        expect([ours.subject.text, isSignedBy(ours, scheme, key.publicKey)]).toEqual([ours.subject.text, true]);
    }
    expect(rootCertificates.length).toBeGreaterThan(100);
    expect([...new Set(weak)].filter((reason) => reason !== 'SHA-1, which is broken')).toEqual([]);
  }, 30_000);
});
