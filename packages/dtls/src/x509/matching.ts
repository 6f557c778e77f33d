// How a pinned key or certificate is compared: whole or by digest (RFC 6698 §2.1.3, Core 1.2.1 §E.1 Matching Type).
import { createHash } from 'node:crypto';
import { equalBytes } from '@lapwing/kernel';
import type { Matching } from '../credentials.ts';

const digests = {
  'sha-256': { name: 'sha256', length: 32 },
  'sha-384': { name: 'sha384', length: 48 },
  'sha-512': { name: 'sha512', length: 64 },
} as const;

/** Bytes of a digest. */
export function digestLength(matching: Exclude<Matching, 'exact'>): number {
  return digests[matching].length;
}

export function digest(bytes: Uint8Array, matching: Exclude<Matching, 'exact'>): Uint8Array {
  return new Uint8Array(createHash(digests[matching].name).update(bytes).digest());
}

/** Whether `der` is what `pinned` stands for. */
export function matches(der: Uint8Array, pinned: Uint8Array, matching: Matching): boolean {
  return equalBytes(matching === 'exact' ? der : digest(der, matching), pinned);
}
