import { FormatError, fromHex, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { AlertDescription } from '../alert.ts';
import type { Trust } from '../credentials.ts';
import {
  type Issued,
  makeAuthority,
  makeKey,
  makeSelfSigned,
  purpose,
  type Template,
} from '../testing/certificates.ts';
import { readCertificate } from './certificate.ts';
import { loadTrust, type PeerCheck, type Verdict, verifyPeer } from './chain.ts';

/** 2026-11-28. */
const wall = 1_795_824_000_000;
const root = makeAuthority({ name: 'Root' });
const host = 'gateway.example';

function judge(chain: readonly Uint8Array[], trust: Partial<Trust> = {}, check: Partial<PeerCheck> = {}): Verdict {
  const loaded = loadTrust({ roots: [root.certificate], ...trust });
  return verifyPeer(chain, loaded, { peer: 'server', wall, hostName: host, ...check });
}

const leaf = (template: Partial<Template> = {}): Issued => root.issue({ name: host, ...template });

function expectRefusal(verdict: Verdict, alert: number, reason: RegExp): void {
  expect(verdict).toMatchObject({ ok: false, alert });
  if (!verdict.ok) expect(verdict.reason).toMatch(reason);
}

describe('a chain that is in order', () => {
  it('is believed straight from a root, and says whose it is', () => {
    const { chain, key } = leaf({ organisation: 'Example' });
    const verdict = judge(chain);
    expect(verdict).toMatchObject({ ok: true, subject: 'CN=gateway.example,O=Example', commonName: host, chain });
    if (verdict.ok) expect(toHex(verdict.publicKey.spki)).toBe(toHex(key.spki));
  });

  it('is believed over three intermediate authorities', () => {
    const a = root.authority({ name: 'A', ca: { pathLength: 2 } });
    const b = a.authority({ name: 'B', ca: { pathLength: 1 } });
    const c = b.authority({ name: 'C', ca: { pathLength: 0 } });
    expect(judge(c.issue({ name: host }).chain).ok).toBe(true);
  });

  it('may be signed with ECDSA, RSA and Ed25519 by keys of every kind', () => {
    for (const algorithm of ['ec-p256', 'ec-p384', 'ec-p521', 'ed25519', 'rsa'] as const) {
      const top = makeAuthority({ name: `Root ${algorithm}`, key: makeKey('rsa-1', algorithm) });
      const verdict = judge(top.issue({ name: host }).chain, { roots: [top.certificate] });
      expect([algorithm, verdict.ok]).toEqual([algorithm, true]);
    }
  });

  it('lets a root of version 1 issue, which has nothing to say that it may', () => {
    const old = makeAuthority({ name: 'Old root', version: 1 });
    expect(judge(old.issue({ name: host }).chain, { roots: [old.certificate] }).ok).toBe(true);
  });

  it('is believed when issuer and subject differ in case, white space and type of string only (RFC 5280 §7.1)', () => {
    expect(judge(leaf({ issuerName: ' rOOT  ' }).chain).ok).toBe(true);
  });

  it('may have no extended key usage, or any', () => {
    expect(judge(leaf({ purposes: null }).chain).ok).toBe(true);
    expect(judge(leaf({ purposes: ['2.5.29.37.0'] }).chain).ok).toBe(true);
    expect(judge(leaf({ keyUsage: null }).chain).ok).toBe(true);
  });

  it('is believed of a client without regard to names', () => {
    const { chain } = root.issue({ name: 'urn:dev:1', alternativeNames: null, purposes: [purpose.clientAuth] });
    expect(judge(chain, {}, { peer: 'client' })).toMatchObject({ ok: true, commonName: 'urn:dev:1' });
  });

  it('ends where a certificate of it is trusted itself, be it an intermediate one', () => {
    const stranger = makeAuthority({ name: 'Stranger' });
    const middle = stranger.authority({ name: 'Middle' });
    expect(judge(middle.issue({ name: host }).chain, { roots: [middle.certificate] }).ok).toBe(true);
  });

  it('is believed of a self-signed leaf that is listed itself', () => {
    const own = makeSelfSigned({ name: host });
    expect(judge(own.chain, { roots: [own.certificate] }).ok).toBe(true);
  });
});

describe('a chain with one fault', () => {
  const cases: readonly [title: string, () => Verdict, alert: keyof typeof AlertDescription, reason: RegExp][] = [
    [
      'refuses an expired leaf with certificate_expired (dtls E 94, G-27)',
      () => judge(leaf({ notAfter: '2026-11-01' }).chain),
      'CertificateExpired',
      /"CN=gateway.example" expired on 2026-11-01 00:00 UTC; this machine's clock says 2026-11-28/,
    ],
    [
      'refuses a leaf that is not yet valid with certificate_expired (dtls E 94, G-27)',
      () => judge(leaf({ notBefore: '2026-12-24' }).chain),
      'CertificateExpired',
      /not valid before 2026-12-24 00:00 UTC/,
    ],
    [
      'refuses an expired intermediate with certificate_expired (dtls E 94)',
      () => judge(root.authority({ name: 'Middle', notAfter: '2026-11-01' }).issue({ name: host }).chain),
      'CertificateExpired',
      /"CN=Middle" expired/,
    ],
    [
      'refuses an expired root with certificate_expired (dtls E 94)',
      () => {
        const old = makeAuthority({ name: 'Old', notAfter: '2021-01-01' });
        return judge(old.issue({ name: host }).chain, { roots: [old.certificate] });
      },
      'CertificateExpired',
      /"CN=Old" expired on 2021-01-01/,
    ],
    [
      'refuses a leaf of an unknown issuer with unknown_ca (dtls E 94, G-27)',
      () => judge(makeAuthority({ name: 'Stranger' }).issue({ name: host }).chain),
      'UnknownCa',
      /issuer of "CN=gateway.example", "CN=Stranger", is neither among the trusted ones nor in the chain/,
    ],
    [
      'refuses a leaf that bears the name of a root but was signed by another key with bad_certificate (dtls E 94)',
      () => judge(leaf({ signedBy: makeKey('mallory') }).chain),
      'BadCertificate',
      /signature of "CN=gateway.example" was not made by "CN=Root"/,
    ],
    [
      'refuses a chain without its intermediate with unknown_ca (dtls E 94)',
      () => judge(root.authority({ name: 'Middle' }).issue({ name: host }).chain.slice(0, 1)),
      'UnknownCa',
      /"CN=Middle", is neither .* let the peer send its intermediate/,
    ],
    [
      'refuses an intermediate whose CA flag is false with bad_certificate (dtls E 94, G-27)',
      () => judge(root.authority({ name: 'Middle', ca: false }).issue({ name: host }).chain),
      'BadCertificate',
      /"CN=Middle" issued a certificate but is no authority/,
    ],
    [
      'refuses a leaf that acts as an intermediate with bad_certificate (dtls E 94, G-27)',
      () => {
        const plain = leaf({ name: 'device', keyUsage: null });
        const own = makeAuthority({ name: 'device', key: plain.key });
        return judge([own.issue({ name: host }).certificate, plain.certificate]);
      },
      'BadCertificate',
      /is no authority/,
    ],
    [
      'refuses an intermediate of version 1 with bad_certificate (dtls E 94)',
      () => judge(root.authority({ name: 'Middle', version: 1 }).issue({ name: host }).chain),
      'BadCertificate',
      /is no authority/,
    ],
    [
      'refuses more authorities than a path length allows with bad_certificate (dtls E 94, G-27)',
      () => {
        const a = root.authority({ name: 'A', ca: { pathLength: 0 } });
        return judge(a.authority({ name: 'B' }).issue({ name: host }).chain);
      },
      'BadCertificate',
      /"CN=A" allows 0 authorities below it \(pathLenConstraint\), the chain has 1/,
    ],
    [
      'holds the path length of a root too (dtls E 94)',
      () => {
        const top = makeAuthority({ name: 'Top', ca: { pathLength: 0 } });
        return judge(top.authority({ name: 'B' }).issue({ name: host }).chain, { roots: [top.certificate] });
      },
      'BadCertificate',
      /"CN=Top" allows 0/,
    ],
    [
      'refuses an intermediate whose key usage lacks keyCertSign with bad_certificate (dtls E 94)',
      () => judge(root.authority({ name: 'Middle', keyUsage: ['digitalSignature'] }).issue({ name: host }).chain),
      'BadCertificate',
      /lacks keyCertSign/,
    ],
    [
      'refuses a leaf whose key usage lacks digitalSignature with unsupported_certificate (dtls E 94, G-27)',
      () => judge(leaf({ keyUsage: ['keyAgreement'] }).chain),
      'UnsupportedCertificate',
      /lacks digitalSignature/,
    ],
    [
      'refuses a server whose extended key usage lacks serverAuth with unsupported_certificate (dtls E 94, G-27)',
      () => judge(leaf({ purposes: [purpose.clientAuth] }).chain),
      'UnsupportedCertificate',
      /is not for a server: its extended key usage lacks serverAuth/,
    ],
    [
      'refuses a client whose extended key usage lacks clientAuth with unsupported_certificate (dtls E 94, G-27)',
      () => judge(leaf({ purposes: [purpose.serverAuth] }).chain, {}, { peer: 'client' }),
      'UnsupportedCertificate',
      /is not for a client: its extended key usage lacks clientAuth/,
    ],
    [
      'refuses what an authority for code signing issued to a server with unsupported_certificate (dtls E 94)',
      () => judge(root.authority({ name: 'Middle', purposes: [purpose.codeSigning] }).issue({ name: host }).chain),
      'UnsupportedCertificate',
      /"CN=Middle" is not for a server/,
    ],
    [
      'refuses an unknown critical extension of the leaf with unsupported_certificate (dtls E 94)',
      () => judge(leaf({ more: [{ oid: '1.2.3.4', critical: true, value: fromHex('0500') }] }).chain),
      'UnsupportedCertificate',
      /critical extension 1.2.3.4, which is not known here/,
    ],
    [
      'refuses an unknown critical extension of an authority with unsupported_certificate (dtls E 94)',
      () => {
        const more = [{ oid: '2.5.29.36', critical: true, value: fromHex('3000') }];
        return judge(root.authority({ name: 'Middle', more }).issue({ name: host }).chain);
      },
      'UnsupportedCertificate',
      /"CN=Middle" has the critical extension 2.5.29.36/,
    ],
    [
      'refuses an authority with name constraints, critical or not, with unsupported_certificate (dtls E 94)',
      () => {
        const more = [{ oid: '2.5.29.30', value: fromHex('3000') }];
        return judge(root.authority({ name: 'Middle', more }).issue({ name: host }).chain);
      },
      'UnsupportedCertificate',
      /"CN=Middle" has name constraints, which are not supported: use an authority without them, or pin/,
    ],
    [
      'refuses a self-signed leaf that nobody listed with unknown_ca (dtls E 94, G-27)',
      () => judge(makeSelfSigned({ name: host }).chain),
      'UnknownCa',
      /the certificate is self-signed, "CN=gateway.example", that is not among the trusted ones/,
    ],
    [
      'refuses a chain that brings its own root with unknown_ca (dtls E 94)',
      () => {
        const stranger = makeAuthority({ name: 'Stranger' });
        return judge([...stranger.issue({ name: host }).chain, stranger.certificate]);
      },
      'UnknownCa',
      /chain ends at a self-signed certificate, "CN=Stranger"/,
    ],
    [
      'refuses two authorities that issued each other with unknown_ca, without going round (G-27)',
      () => {
        const [one, two] = [makeKey('one'), makeKey('two')];
        const oneByTwo = makeAuthority({ name: 'Two', key: two }).authority({ name: 'One', key: one });
        const twoByOne = makeAuthority({ name: 'One', key: one }).authority({ name: 'Two', key: two });
        return judge([oneByTwo.issue({ name: host }).certificate, oneByTwo.certificate, twoByOne.certificate]);
      },
      'UnknownCa',
      /neither among the trusted ones/,
    ],
    [
      'refuses a leaf whose curve is not offered with unsupported_certificate (dtls E 96)',
      () => judge(leaf({ key: makeKey('large', 'ec-p521') }).chain),
      'UnsupportedCertificate',
      /curve P-521, which is not offered/,
    ],
    [
      'refuses a server that is for another host with bad_certificate (dtls E 98, G-27)',
      () => judge(leaf({ name: 'other.example' }).chain),
      'BadCertificate',
      /reached as gateway.example, but "CN=other.example" is for "other.example": connect by such a name/,
    ],
    [
      'refuses a server without any name to compare with, unless that was asked for (G-27)',
      () => {
        expect(judge(leaf().chain, { hostName: false }).ok).toBe(true);
        return verifyPeer(leaf().chain, loadTrust({ roots: [root.certificate] }), { peer: 'server', wall });
      },
      'BadCertificate',
      /there is no name to compare .* with: set the host name to expect, or false/,
    ],
    [
      'refuses a client that shows nothing with handshake_failure',
      () => judge([], {}, { peer: 'client' }),
      'HandshakeFailure',
      /no certificate to show/,
    ],
    [
      'refuses a server that shows nothing with bad_certificate',
      () => judge([]),
      'BadCertificate',
      /showed no certificate/,
    ],
  ];
  for (const [title, run, alert, reason] of cases) {
    it(title, () => {
      expectRefusal(run(), AlertDescription[alert], reason);
    });
  }

  it('refuses SHA-1 and MD5 signatures with unsupported_certificate (dtls E 96, G-24)', () => {
    const good = toHex(makeAuthority({ name: 'R', key: makeKey('rsa-1', 'rsa') }).issue({ name: host }).certificate);
    for (const [weak, hash] of [
      ['05', 'SHA-1'],
      ['04', 'MD5'],
    ]) {
      const der = fromHex(good.replaceAll('2a864886f70d01010b', `2a864886f70d0101${weak}`));
      const rsaRoot = makeAuthority({ name: 'R', key: makeKey('rsa-1', 'rsa') });
      const verdict = judge([der], { roots: [rsaRoot.certificate] });
      expectRefusal(
        verdict,
        AlertDescription.UnsupportedCertificate,
        new RegExp(`signed with ${hash}, which is broken`),
      );
    }
  });
});

describe('a chain in disorder', () => {
  const a = root.authority({ name: 'A' });
  const b = a.authority({ name: 'B' });
  const issued = b.issue({ name: host });
  const [first, second, third] = issued.chain as [Uint8Array, Uint8Array, Uint8Array];

  it('is believed when only the leaf is in its place (dtls E 95)', () => {
    expect(judge([first, third, second]).ok).toBe(true);
    expect(judge([second, first, third])).toMatchObject({ ok: false });
  });

  it('may contain the root (dtls E 95)', () => {
    expect(judge([...issued.chain, root.certificate]).ok).toBe(true);
  });

  it('may contain certificates that have nothing to do with it, and the leaf twice (dtls E 95)', () => {
    const stranger = makeAuthority({ name: 'Stranger' });
    expect(judge([first, stranger.certificate, third, first, second]).ok).toBe(true);
  });

  it('finds the way past an intermediate of the right name with another key (dtls E 95)', () => {
    const decoy = root.authority({ name: 'B', key: makeKey('decoy') });
    expect(judge([first, decoy.certificate, second, third]).ok).toBe(true);
  });

  it('tells authorities of one name by their key identifiers (RFC 5280 §4.2.1.1)', () => {
    const id = (n: number) => ({ oid: '2.5.29.14', value: fromHex(`0401${n}1`) });
    const named = { oid: '2.5.29.35', value: fromHex('3003800121') };
    const key = makeKey('same');
    const wrong = root.authority({ name: 'Same', key, more: [id(1)] });
    const right = root.authority({ name: 'Same', key, more: [id(2)] });
    const { certificate } = right.issue({ name: host, more: [named] });
    expect(judge([certificate, wrong.certificate, right.certificate]).ok).toBe(true);
    expectRefusal(
      judge([certificate, wrong.certificate]),
      AlertDescription.UnknownCa,
      /issuer of "CN=gateway.example"/,
    );
  });

  it('is refused with nine certificates, and a path of nine too (dtls E 95, G-27)', () => {
    const chain = [...issued.chain, ...Array.from({ length: 6 }, () => root.certificate)];
    expectRefusal(judge(chain), AlertDescription.BadCertificate, /9 certificates were sent, 8 are the most/);
    let authority = root;
    for (let i = 0; i < 7; i += 1) authority = authority.authority({ name: `Level ${i}` });
    const long = authority.issue({ name: host }).chain;
    expect(long.length).toBe(8);
    expectRefusal(judge(long), AlertDescription.BadCertificate, /path is longer than 8 certificates/);
  });

  it('costs sixteen attempts at most, however many decoys it holds (dtls E 95)', () => {
    const shared = { name: 'B', key: makeKey('B') };
    const decoys = Array.from({ length: 7 }, (_, i) => makeAuthority({ ...shared, serial: 500 + i }).certificate);
    const verdict = judge([makeAuthority(shared).issue({ name: host }).certificate, ...decoys]);
    expect(verdict).toMatchObject({ ok: false });
  });

  it('is refused for one malformed certificate among good ones, without exception (dtls E 95, G-27)', () => {
    for (const bad of [new Uint8Array(), new Uint8Array(65_536), first.subarray(0, -1), Uint8Array.of(...first, 0)]) {
      expectRefusal(judge([first, bad]), AlertDescription.BadCertificate, /certificate 2 of the chain is malformed/);
    }
  });
});

describe('a clock that was never set', () => {
  const check = { wall: 3_600_000 };

  it('refuses every certificate by default, and says what is wrong (G-28)', () => {
    expectRefusal(
      judge(leaf().chain, {}, check),
      AlertDescription.CertificateExpired,
      /not valid before 2020-01-01 00:00 UTC; this machine's clock says 1970-01-01 01:00 UTC, so it was never set/,
    );
  });

  it('skips dates until it is set when the configuration says so (G-28)', () => {
    expect(judge(leaf().chain, { dates: 'check-when-set' }, check).ok).toBe(true);
    const old = leaf({ notAfter: '2025-01-01' }).chain;
    expect(judge(old, { dates: 'check-when-set' }, check).ok).toBe(true);
    expect(judge(old, { dates: 'check-when-set' }).ok).toBe(false);
    expect(judge(old, { dates: 'ignore' }).ok).toBe(true);
  });
});

describe('trust', () => {
  it('is refused without a root, with a pin that is no certificate, and with a usage without pin', () => {
    expect(() => loadTrust({ roots: [] })).toThrow(/roots: no certificate is given/);
    expect(() => loadTrust({ roots: [root.key.pkcs8] })).toThrow(
      /roots\[0\]: this is a DER private key, a certificate was/,
    );
    expect(() => loadTrust({ roots: [], usage: 3 })).toThrow(/pinned: certificate usage 3 compares with a certificate/);
    expect(() => loadTrust({ roots: [], pinned: new Uint8Array(31), matching: 'sha-256' })).toThrow(
      /pinned: 31 bytes, a sha-256 digest has 32/,
    );
  });

  it('reads a certificate of an empty subject as its alternative name', () => {
    const { certificate } = root.issue({ name: '', alternativeNames: [host] });
    expect(readCertificate(certificate).subject.text).toBe('');
    expect(judge([certificate])).toMatchObject({ ok: true, subject: '', commonName: undefined });
  });

  it('refuses a certificate with one extension twice', () => {
    const twice = { oid: '2.5.29.19', value: fromHex('3000') };
    expect(() => readCertificate(leaf({ more: [twice, twice] }).certificate)).toThrow(FormatError);
  });
});
