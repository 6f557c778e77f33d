// `Trust` as an application writes it, read once: certificates parsed, contradictions found, before any peer is judged.
import { ConfigError, FormatError } from '@lapwing/kernel';
import type { Matching, Material, Trust } from '../credentials.ts';
import { type Certificate, readCertificate } from './certificate.ts';
import { digestLength } from './matching.ts';
import { readMaterial, readOne } from './material.ts';

/** How chains are judged; 'roots' is plain path building, the numbers are those of Core 1.2.1 §E.1. */
export type Usage = 'roots' | 0 | 1 | 2 | 3;

export interface Pin {
  readonly matching: Matching;
  /** A certificate (DER) or its digest. */
  readonly value: Uint8Array;
}

export type LoadedTrust = {
  readonly roots: readonly Certificate[];
  readonly hostName: string | false | undefined;
  readonly commonName: 'ignored' | 'accepted';
  readonly dates: 'check' | 'check-when-set' | 'ignore';
} & (
  | { readonly usage: 'roots'; readonly pin: undefined }
  | { readonly usage: Exclude<Usage, 'roots'>; readonly pin: Pin }
);

const loaded = new WeakMap<Trust, LoadedTrust>();

/** Throws ConfigError that says which certificate is wrong and how. Remembered for as long as the object lives. */
export function loadTrust(trust: Trust): LoadedTrust {
  const known = loaded.get(trust);
  if (known !== undefined) return known;
  const { hostName, commonName = 'ignored', dates = 'check' } = trust;
  const usage: Usage = trust.usage ?? (trust.pinned === undefined ? 'roots' : 3);
  const roots = trust.roots.flatMap((each, i) => loadRoots(each, `roots[${i}]`));
  if (roots.length === 0 && usage !== 2 && usage !== 3) {
    throw new ConfigError(['roots: no certificate is given, so no chain can lead to one']);
  }
  const common = { roots, hostName, commonName, dates };
  const made: LoadedTrust =
    usage === 'roots' ? { ...common, usage, pin: undefined } : { ...common, usage, pin: loadPin(trust) };
  loaded.set(trust, made);
  return made;
}

function loadRoots(material: Material, what: string): Certificate[] {
  return readMaterial(material, 'certificate', what).map((der) => parse(der, what));
}

function loadPin({ usage = 3, pinned, matching = 'exact' }: Trust): Pin {
  if (pinned === undefined) {
    throw new ConfigError([
      `pinned: certificate usage ${usage} compares with a certificate of the server, and none is given`,
    ]);
  }
  if (matching === 'exact') {
    const value = readOne(pinned, 'certificate', 'pinned');
    parse(value, 'pinned');
    return { matching, value };
  }
  if (typeof pinned === 'string' || pinned.length !== digestLength(matching)) {
    throw new ConfigError([`pinned: ${pinned.length} bytes, a ${matching} digest has ${digestLength(matching)}`]);
  }
  return { matching, value: pinned };
}

function parse(der: Uint8Array, what: string): Certificate {
  try {
    return readCertificate(der);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new ConfigError([`${what}: a damaged certificate: ${error.message}`]);
  }
}
