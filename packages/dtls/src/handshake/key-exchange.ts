// Key agreement: ephemeral Diffie-Hellman over P-256, P-384 and X25519 (RFC 8422), and the premaster secrets of the
// pre-shared key suites (RFC 4279 §2, RFC 5489 §2). Private halves are made of the injected chance.
import type { Random } from '@lapwing/kernel';
import type { Refusal } from '../x509/verdict.ts';

/** RFC 8422 §5.1.1. */
export const NamedGroup = { secp256r1: 23, secp384r1: 24, x25519: 29 } as const;
export type NamedGroup = (typeof NamedGroup)[keyof typeof NamedGroup];

/** What is offered, best first: P-256 is what constrained devices have in hardware (RFC 7925 §4.4). */
export const namedGroups: readonly NamedGroup[] = [NamedGroup.secp256r1, NamedGroup.x25519, NamedGroup.secp384r1];

export function isNamedGroup(code: number): code is NamedGroup {
  return namedGroups.includes(code as NamedGroup);
}

export type SharedSecret = { readonly ok: true; readonly secret: Uint8Array } | Refusal;

/** One side's half of an ephemeral exchange. */
export class KeyShare {
  readonly group: NamedGroup;
  /** As it goes on the wire: an uncompressed point, or 32 bytes for X25519. */
  readonly publicKey: Uint8Array;

  private constructor(group: NamedGroup, publicKey: Uint8Array) {
    this.group = group;
    this.publicKey = publicKey;
  }

  static generate(group: NamedGroup, random: Random): KeyShare {
    throw new Error(`not yet: ${group} ${random}`);
  }

  /** The shared secret with the other half; refused with illegal_parameter when that is no point of the group. */
  derive(peerPublicKey: Uint8Array): SharedSecret {
    throw new Error(`not yet: ${peerPublicKey.length}`);
  }
}

/** Why a pre-shared key cannot be used, or undefined when it can: 1 to 65,535 bytes. */
export function pskProblem(key: Uint8Array): string | undefined {
  if (key.length === 0) return 'the pre-shared key is empty: give it at least 16 bytes';
  if (key.length > 0xffff) return `the pre-shared key has ${key.length} bytes: 65,535 is the most that fits`;
  return undefined;
}

/** RFC 4279 §2, for plain PSK. The key must have passed `pskProblem`. */
export function pskPremasterSecret(key: Uint8Array): Uint8Array {
  return pskPremaster(new Uint8Array(key.length), key);
}

/** RFC 5489 §2: the same form around the secret of the exchange. The key must have passed `pskProblem`. */
export function ecdhePskPremasterSecret(shared: Uint8Array, key: Uint8Array): Uint8Array {
  return pskPremaster(shared, key);
}

function pskPremaster(other: Uint8Array, key: Uint8Array): Uint8Array {
  const whole = new Uint8Array(4 + other.length + key.length);
  whole[0] = other.length >>> 8;
  whole[1] = other.length & 0xff;
  whole.set(other, 2);
  whole[2 + other.length] = key.length >>> 8;
  whole[3 + other.length] = key.length & 0xff;
  whole.set(key, 4 + other.length);
  return whole;
}
