import { readFileSync } from 'node:fs';
import { fromHex, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { AlertDescription } from '../alert.ts';
import { loadTrust, verifyPeer } from './chain.ts';
import { readRawPublicKey } from './raw-public-key.ts';

interface Vectors {
  readonly chains: readonly {
    readonly what: string;
    readonly chain: readonly string[];
    readonly root: string;
    readonly outcome: 'believed' | 'unsupported_certificate';
  }[];
  readonly publicKeys: readonly string[];
}

const file = new URL('../../../../vectors/dtls-certificates.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

describe('certificates made by OpenSSL', () => {
  for (const { what, chain, root, outcome } of vectors.chains) {
    it(`with ${what}: ${outcome}`, () => {
      const trust = loadTrust({ roots: [fromHex(root)] });
      // 2027-11-28.
      const check = { peer: 'server', wall: 1_827_360_000_000, hostName: 'gateway.example' } as const;
      const verdict = verifyPeer(chain.map(fromHex), trust, check);
      if (outcome === 'believed') expect(verdict).toMatchObject({ ok: true });
      else expect(verdict).toMatchObject({ ok: false, alert: AlertDescription.UnsupportedCertificate });
      if (!verdict.ok) return;
      expect(verdict.subject).toMatch(/^CN=[\w-]+,O=Lapwing tests$/);
      expect(verifyPeer(chain.map(fromHex), trust, { ...check, hostName: '192.0.2.1' }).ok).toBe(true);
      expect(verifyPeer(chain.map(fromHex), trust, { ...check, hostName: '192.0.2.2' }).ok).toBe(false);
    });
  }

  it('hold public keys that are read as raw ones', () => {
    for (const hex of vectors.publicKeys) {
      const verdict = readRawPublicKey(fromHex(hex));
      expect(verdict.ok && toHex(verdict.publicKey.spki)).toBe(hex);
    }
  });
});
