import { readFileSync } from 'node:fs';
import { fromHex, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { exportKeyingMaterial, extendedMasterSecret, finishedData, masterSecret, prf } from './prf.ts';
import type { SuiteHash } from './suite.ts';

interface PrfVectors {
  readonly cases: readonly {
    readonly name: string;
    readonly hash: SuiteHash;
    readonly secret: string;
    readonly seed: string;
    readonly label: string;
    readonly output: string;
  }[];
}

interface OpensslVectors {
  readonly psk: string;
  readonly exporterLabel: string;
  readonly cases: readonly {
    readonly name: string;
    readonly clientRandom: string;
    readonly serverRandom: string;
    readonly sessionHash: string;
    readonly masterSecret: string;
    readonly exported: string;
  }[];
}

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../../vectors/${name}.json`, import.meta.url), 'utf8'));
const known = read('dtls-prf') as PrfVectors;
const openssl = read('dtls-openssl-psk') as OpensslVectors;

describe('the pseudo-random function', () => {
  for (const v of known.cases) {
    it(`gives the published output of ${v.name} (RFC 5246 §5)`, () => {
      const out = prf(v.hash, fromHex(v.secret), v.label, fromHex(v.seed), v.output.length / 2);
      expect(toHex(out)).toBe(v.output);
    });
  }

  it('gives a prefix of the same stream for every length', () => {
    const whole = prf('sha256', Uint8Array.of(1), 'x', Uint8Array.of(2), 100);
    for (const length of [0, 1, 31, 32, 33, 64, 65, 99]) {
      expect(prf('sha256', Uint8Array.of(1), 'x', Uint8Array.of(2), length)).toEqual(whole.slice(0, length));
    }
  });
});

describe('what is made with it', () => {
  const first = openssl.cases[0]!;
  const clientRandom = fromHex(first.clientRandom);
  const serverRandom = fromHex(first.serverRandom);
  const master = fromHex(first.masterSecret);

  for (const v of openssl.cases) {
    it(`makes the extended master secret of OpenSSL for ${v.name} (RFC 7627 §4)`, () => {
      // RFC 4279 §2: as many zeros as the key has bytes, then the key.
      const premaster = fromHex(`0010${'00'.repeat(16)}0010${openssl.psk}`);
      expect(toHex(extendedMasterSecret('sha256', premaster, fromHex(v.sessionHash)))).toBe(v.masterSecret);
    });

    it(`exports what OpenSSL exports for ${v.name} (RFC 5705 §4, dtls E 128)`, () => {
      const randoms = [fromHex(v.clientRandom), fromHex(v.serverRandom)] as const;
      const out = exportKeyingMaterial(
        'sha256',
        fromHex(v.masterSecret),
        ...randoms,
        openssl.exporterLabel,
        undefined,
        40,
      );
      expect(toHex(out)).toBe(v.exported);
    });
  }

  it('exports something else for an empty context than for none (RFC 5705 §4)', () => {
    const of = (context: Uint8Array | undefined) =>
      toHex(exportKeyingMaterial('sha256', master, clientRandom, serverRandom, 'EXPORTER-x', context, 16));
    expect(of(new Uint8Array(0))).not.toBe(of(undefined));
    expect(of(Uint8Array.of(1))).not.toBe(of(new Uint8Array(0)));
  });

  it('makes master secrets of 48 bytes that depend on both randoms and their order (RFC 5246 §8.1)', () => {
    const one = masterSecret('sha256', master, clientRandom, serverRandom);
    expect(one).toHaveLength(48);
    expect(masterSecret('sha256', master, serverRandom, clientRandom)).not.toEqual(one);
  });

  it('makes 12 bytes of Finished that differ by sender (RFC 5246 §7.4.9)', () => {
    const hash = fromHex(first.sessionHash);
    expect(finishedData('sha256', master, 'client', hash)).toHaveLength(12);
    expect(finishedData('sha256', master, 'server', hash)).not.toEqual(finishedData('sha256', master, 'client', hash));
  });
});
