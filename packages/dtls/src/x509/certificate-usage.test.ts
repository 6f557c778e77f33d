import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AlertDescription } from '../alert.ts';
import type { Matching, Trust } from '../credentials.ts';
import { makeAuthority, makeSelfSigned } from '../testing/certificates.ts';
import { loadTrust, type Verdict, verifyPeer } from './chain.ts';

const wall = 1_795_824_000_000;
const host = 'server.example';
const root = makeAuthority({ name: 'Root' });
const middle = root.authority({ name: 'Middle' });
const server = middle.issue({ name: host });
const sibling = middle.issue({ name: host, serial: 77 });
const otherRoot = makeAuthority({ name: 'Other root' });
const otherServer = otherRoot.issue({ name: host });
const selfSigned = makeSelfSigned({ name: host });
const expired = middle.issue({ name: host, notAfter: '2021-01-01' });
const elsewhere = middle.issue({ name: 'elsewhere.example' });

type Outcome = 'believed' | keyof typeof AlertDescription;

function outcome(chain: readonly Uint8Array[], trust: Trust): Outcome {
  const verdict: Verdict = verifyPeer(chain, loadTrust(trust), { peer: 'server', wall, hostName: host });
  if (verdict.ok) return 'believed';
  return Object.entries(AlertDescription).find(([, code]) => code === verdict.alert)?.[0] as Outcome;
}

const roots = [root.certificate];
type Row = readonly [
  what: string,
  shown: readonly Uint8Array[],
  pinned: Uint8Array,
  roots: readonly Uint8Array[],
  Outcome,
];

const usages: Readonly<Record<0 | 1 | 2 | 3, readonly Row[]>> = {
  0: [
    ['the intermediate of the path', server.chain, middle.certificate, roots, 'believed'],
    ['the root of the path', server.chain, root.certificate, roots, 'believed'],
    [
      'an authority off the path',
      server.chain,
      otherRoot.certificate,
      [...roots, otherRoot.certificate],
      'BadCertificate',
    ],
    ['the leaf, which is no authority', server.chain, server.certificate, roots, 'BadCertificate'],
    ['an authority that is not trusted', otherServer.chain, otherRoot.certificate, roots, 'UnknownCa'],
    ['a self-signed server', selfSigned.chain, selfSigned.certificate, roots, 'UnknownCa'],
    ['the right authority, for another host', elsewhere.chain, middle.certificate, roots, 'BadCertificate'],
    ['the right authority, of an expired server', expired.chain, middle.certificate, roots, 'CertificateExpired'],
    ['the right authority, without its certificate', [server.certificate], middle.certificate, roots, 'UnknownCa'],
  ],
  1: [
    ['the server itself', server.chain, server.certificate, roots, 'believed'],
    ['another server of the same authority', server.chain, sibling.certificate, roots, 'BadCertificate'],
    ['its authority', server.chain, middle.certificate, roots, 'BadCertificate'],
    ['a server that leads to no root', otherServer.chain, otherServer.certificate, roots, 'UnknownCa'],
    ['a self-signed server', selfSigned.chain, selfSigned.certificate, roots, 'UnknownCa'],
    ['a self-signed server that is a root too', selfSigned.chain, selfSigned.certificate, selfSigned.chain, 'believed'],
    ['the server, for another host', elsewhere.chain, elsewhere.certificate, roots, 'BadCertificate'],
    ['an expired server', expired.chain, expired.certificate, roots, 'CertificateExpired'],
  ],
  2: [
    ['the root of the path', server.chain, root.certificate, [], 'believed'],
    ['the intermediate of the path', server.chain, middle.certificate, [], 'believed'],
    ['an intermediate that need not be sent', [server.certificate], middle.certificate, [], 'believed'],
    ['an authority off the path', server.chain, otherRoot.certificate, [], 'UnknownCa'],
    [
      'an authority off the path, with the right root in the store',
      server.chain,
      otherRoot.certificate,
      roots,
      'UnknownCa',
    ],
    ['a root that the store does not have', otherServer.chain, otherRoot.certificate, roots, 'believed'],
    ['a self-signed server', selfSigned.chain, selfSigned.certificate, [], 'believed'],
    ['another self-signed server', selfSigned.chain, makeSelfSigned({ name: host }).certificate, [], 'BadCertificate'],
    ['the root, for another host', elsewhere.chain, root.certificate, [], 'BadCertificate'],
    ['the root, of an expired server', expired.chain, root.certificate, [], 'CertificateExpired'],
  ],
  3: [
    ['the server itself', server.chain, server.certificate, [], 'believed'],
    ['the server itself, sent without its chain', [server.certificate], server.certificate, [], 'believed'],
    ['a server of a stranger', otherServer.chain, otherServer.certificate, roots, 'believed'],
    ['a self-signed server', selfSigned.chain, selfSigned.certificate, [], 'believed'],
    ['another server of the same authority', server.chain, sibling.certificate, roots, 'BadCertificate'],
    ['its authority', server.chain, middle.certificate, roots, 'BadCertificate'],
    [
      'another self-signed server of the same key',
      selfSigned.chain,
      makeSelfSigned({ name: host }).certificate,
      [],
      'BadCertificate',
    ],
    ['the server, for another host', elsewhere.chain, elsewhere.certificate, [], 'believed'],
    ['an expired server', expired.chain, expired.certificate, [], 'believed'],
  ],
};

describe('certificate usage', () => {
  for (const usage of [0, 1, 2, 3] as const) {
    for (const [what, shown, pinned, trusted, expected] of usages[usage]) {
      it(`${usage} with a pin on ${what} ends as ${expected} (dtls E 97, G-27)`, () => {
        expect(outcome(shown, { roots: trusted, usage, pinned })).toBe(expected);
      });
    }
  }

  it('is 3 where only a certificate is pinned (dtls E 97)', () => {
    expect(outcome(server.chain, { roots: [], pinned: server.certificate })).toBe('believed');
    expect(outcome(sibling.chain, { roots, pinned: server.certificate })).toBe('BadCertificate');
  });

  it('3 compares a name where one is set (dtls E 97)', () => {
    const pinned = elsewhere.certificate;
    expect(outcome(elsewhere.chain, { roots: [], usage: 3, pinned, hostName: host })).toBe('BadCertificate');
    expect(outcome(elsewhere.chain, { roots: [], usage: 3, pinned, hostName: 'elsewhere.example' })).toBe('believed');
  });

  it('takes a digest in place of the certificate, of what the server sends (dtls E 97)', () => {
    for (const matching of ['sha-256', 'sha-384', 'sha-512'] satisfies Matching[]) {
      const digest = (der: Uint8Array): Uint8Array =>
        new Uint8Array(createHash(matching.replace('-', '')).update(der).digest());
      const pin = (usage: 0 | 1 | 2 | 3, der: Uint8Array): Trust => ({ roots, usage, pinned: digest(der), matching });
      expect(outcome(server.chain, pin(0, middle.certificate))).toBe('believed');
      expect(outcome(server.chain, pin(0, root.certificate))).toBe('believed');
      expect(outcome(server.chain, pin(1, server.certificate))).toBe('believed');
      expect(outcome(server.chain, pin(2, middle.certificate))).toBe('believed');
      expect(outcome(server.chain, pin(2, root.certificate))).toBe('UnknownCa');
      expect(outcome([...server.chain, root.certificate], pin(2, root.certificate))).toBe('believed');
      expect(outcome(server.chain, pin(3, server.certificate))).toBe('believed');
      expect(outcome(server.chain, pin(3, sibling.certificate))).toBe('BadCertificate');
    }
  });
});
