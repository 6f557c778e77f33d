import { createPublicKey, X509Certificate } from 'node:crypto';
import { FormatError, toHex } from '@lapwing/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeAuthority, makeKey } from '../testing/certificates.ts';
import { readCertificate } from './certificate.ts';
import { loadTrust, verifyPeer } from './chain.ts';
import { parseIpAddress } from './host-name.ts';
import { importPublicKey } from './keys.ts';
import { describeMaterial } from './material.ts';
import { readRawPublicKey } from './raw-public-key.ts';

const host = 'gateway.example';
const root = makeAuthority();
const chain = root.authority({ name: 'Middle' }).issue({ name: host }).chain;
const trust = loadTrust({ roots: [root.certificate] });
const check = { peer: 'server', wall: 1_795_824_000_000, hostName: host } as const;

/** Some bytes replaced, inserted or cut out. */
const damage = fc.array(fc.record({ at: fc.nat(2000), cut: fc.nat(4), put: fc.uint8Array({ maxLength: 4 }) }), {
  minLength: 1,
  maxLength: 4,
});

function apply(bytes: Uint8Array, faults: readonly { at: number; cut: number; put: Uint8Array }[]): Uint8Array {
  let result = [...bytes];
  for (const { at, cut, put } of faults) {
    const from = at % Math.max(1, result.length);
    result = [...result.slice(0, from), ...put, ...result.slice(from + cut)];
  }
  return Uint8Array.from(result);
}

describe('what a peer sends as certificates', () => {
  it('is a value or a FormatError, whatever the bytes are (G-27)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        try {
          readCertificate(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
        expect(verifyPeer([bytes], trust, check).ok).toBe(false);
        expect(readRawPublicKey(bytes).ok).toBe(false);
      }),
    );
  });

  it('is never believed once a byte of it changed, and never an exception (G-27)', () => {
    const [leaf, middle] = chain as [Uint8Array, Uint8Array];
    fc.assert(
      fc.property(damage, fc.boolean(), (faults, first) => {
        const whole = first ? leaf : middle;
        const damaged = apply(whole, faults);
        fc.pre(toHex(damaged) !== toHex(whole));
        const verdict = verifyPeer(first ? [damaged, middle] : [leaf, damaged], trust, check);
        expect(verdict.ok).toBe(false);
        if (!verdict.ok) expect(verdict.reason.length).toBeGreaterThan(10);
      }),
      { numRuns: 400 },
    );
  });

  it('that is read here is read by node:crypto too, to the same key', () => {
    fc.assert(
      fc.property(damage, (faults) => {
        const damaged = apply(chain[0] as Uint8Array, faults);
        let spki: Uint8Array;
        try {
          spki = readCertificate(damaged).spki;
        } catch {
          return;
        }
        const key = importPublicKey(spki);
        if (!key.ok) return;
        const theirs = new X509Certificate(damaged).publicKey.export({ format: 'der', type: 'spki' });
        expect(toHex(theirs)).toBe(toHex(key.publicKey.spki));
      }),
      { numRuns: 400 },
    );
  });
});

describe('a raw public key', () => {
  it('that is accepted is what node:crypto writes for it, byte by byte', () => {
    fc.assert(
      fc.property(damage, fc.constantFrom('ec-p256', 'ed25519', 'rsa'), (faults, algorithm) => {
        const damaged = apply(makeKey('device', algorithm).spki, faults);
        const verdict = readRawPublicKey(damaged);
        if (!verdict.ok) return;
        const theirs = createPublicKey({ key: Buffer.from(damaged), format: 'der', type: 'spki' });
        expect(toHex(theirs.export({ format: 'der', type: 'spki' }))).toBe(toHex(damaged));
      }),
      { numRuns: 300 },
    );
  });
});

describe('what people configure', () => {
  it('is described without an exception and without its content', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ maxLength: 200 })), (material) => {
        expect(describeMaterial(material).length).toBeLessThan(80);
      }),
    );
  });

  it('is an IP address when the URL parser takes it for one', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const bytes = parseIpAddress(text);
        expect(bytes?.length).toBe(16);
        const groups = Array.from({ length: 8 }, (_, i) => toHex((bytes as Uint8Array).subarray(2 * i, 2 * i + 2)));
        expect(new URL(`http://[${groups.join(':')}]`).host).toBe(new URL(`http://[${text}]`).host);
      }),
    );
  });
});
