import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeAuthority, makeKey } from '../testing/certificates.ts';
import { readCertificate } from './certificate.ts';
import { formatTime } from './time.ts';

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
      expect(theirs.verify(new X509Certificate(root.certificate).publicKey)).toBe(true);
      expect(theirs.checkIssued(new X509Certificate(root.certificate))).toBe(true);
      expect(ours.subject.text).toBe('CN=gateway.example,O=Lapwing\\, \\"tests\\"');
      expect(ours.subject.commonName).toBe('gateway.example');
      expect([formatTime(ours.notBefore), theirs.validFrom]).toEqual([
        '2020-01-01 00:00 UTC',
        'Jan  1 00:00:00 2020 GMT',
      ]);
      expect([formatTime(ours.notAfter), theirs.validTo]).toEqual(['2049-12-31 00:00 UTC', 'Dec 31 00:00:00 2049 GMT']);
      expect(Buffer.from(ours.spki)).toEqual(theirs.publicKey.export({ format: 'der', type: 'spki' }));
      expect(theirs.subjectAltName).toBe('DNS:gateway.example, IP Address:192.0.2.1');
      expect(ours.extensions.alternativeNames?.dns).toEqual(['gateway.example']);
      expect(theirs.keyUsage).toEqual(ours.extensions.extendedKeyUsage);
    }
  });
});
