// Key agreement: ephemeral Diffie-Hellman over P-256, P-384 and X25519 (RFC 8422), and the premaster secrets of the
// pre-shared key suites (RFC 4279 §2, RFC 5489 §2). Private halves are made of the injected chance.
import { createECDH, createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { fromHex, type Random } from '@lapwing/kernel';
import { AlertDescription } from '../alert.ts';
import { type Refusal, refuse } from '../x509/verdict.ts';

/** RFC 8422 §5.1.1. */
export const NamedGroup = { secp256r1: 23, secp384r1: 24, x25519: 29 } as const;
export type NamedGroup = (typeof NamedGroup)[keyof typeof NamedGroup];

/** What is offered, best first: P-256 is what constrained devices have in hardware (RFC 7925 §4.4). */
export const namedGroups: readonly NamedGroup[] = [NamedGroup.secp256r1, NamedGroup.x25519, NamedGroup.secp384r1];

/** Stands for a public half that is not known yet. */
const BASE_POINT = 'CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
/** Everything of a PKCS #8 before the 32 bytes (RFC 8410 §7). */
const X25519_PKCS8 = fromHex('302e020100300506032b656e04220420');

export function isNamedGroup(code: number): code is NamedGroup {
  return namedGroups.includes(code as NamedGroup);
}

export type Agreement = { readonly ok: true; readonly secret: Uint8Array } | Refusal;

/** One side's half of an ephemeral exchange. */
export class KeyShare {
  readonly group: NamedGroup;
  /** As it goes on the wire: an uncompressed point (RFC 8422 §5.4.1), or 32 bytes for X25519. */
  readonly publicKey: Uint8Array;
  readonly #agree: (peer: Uint8Array) => Uint8Array | undefined;

  private constructor(group: NamedGroup, publicKey: Uint8Array, agree: (peer: Uint8Array) => Uint8Array | undefined) {
    this.group = group;
    this.publicKey = publicKey;
    this.#agree = agree;
  }

  static generate(group: NamedGroup, random: Random): KeyShare {
    if (group === NamedGroup.x25519) return KeyShare.x25519(random);
    const { name, size } = curveOf(group);
    const own = createECDH(name);
    // About one P-256 scalar in 2^32 is not below the order; a broken source of chance must not hang us.
    for (let tries = 0; ; tries += 1) {
      try {
        own.setPrivateKey(random.bytes(size));
        break;
      } catch (error) {
        if (tries === 16) throw error;
      }
    }
    return new KeyShare(group, new Uint8Array(own.getPublicKey()), (peer) => {
      // Compressed points are not negotiated, and the point at infinity is one zero byte: both have another length.
      if (peer.length !== 1 + 2 * size || peer[0] !== 4) return undefined;
      return new Uint8Array(own.computeSecret(peer));
    });
  }

  private static x25519(random: Random): KeyShare {
    const own = importX25519(random.bytes(32));
    const publicKey = new Uint8Array(Buffer.from(own.export({ format: 'jwk' }).x ?? '', 'base64url'));
    return new KeyShare(NamedGroup.x25519, publicKey, (peer) => {
      if (peer.length !== 32) return undefined;
      const x = Buffer.from(peer).toString('base64url');
      const other = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
      const secret = new Uint8Array(diffieHellman({ privateKey: own, publicKey: other }));
      // RFC 8422 §5.11: all zeros is what a point of small order gives.
      return secret.some((byte) => byte !== 0) ? secret : undefined;
    });
  }

  /** The shared secret with the other half; refused with illegal_parameter when that is no usable point of the group. */
  derive(peerPublicKey: Uint8Array): Agreement {
    let secret: Uint8Array | undefined;
    try {
      secret = this.#agree(peerPublicKey);
    } catch {
      // OpenSSL refuses points off the curve (RFC 8422 §5.10) and X25519 results of zero by throwing.
    }
    if (secret !== undefined) return { ok: true, secret };
    return refuse(
      AlertDescription.IllegalParameter,
      `the key share of ${peerPublicKey.length} bytes is no usable point of ${describeGroup(this.group)}`,
    );
  }
}

/** Of a JWK node:crypto reads the private half only, in a tenth of the time that PKCS #8 takes; nothing says that it must. */
function importX25519(scalar: Uint8Array): KeyObject {
  try {
    const d = Buffer.from(scalar).toString('base64url');
    const key = createPrivateKey({ key: { kty: 'OKP', crv: 'X25519', d, x: BASE_POINT }, format: 'jwk' });
    if (key.export({ format: 'jwk' }).x !== BASE_POINT) return key;
  } catch {
    // A version that wants both halves to belong together.
  }
  return createPrivateKey({ key: Buffer.concat([X25519_PKCS8, scalar]), format: 'der', type: 'pkcs8' });
}

function curveOf(group: typeof NamedGroup.secp256r1 | typeof NamedGroup.secp384r1): { name: string; size: number } {
  return group === NamedGroup.secp256r1 ? { name: 'prime256v1', size: 32 } : { name: 'secp384r1', size: 48 };
}

/** As IANA registers it; a number for what is not known here. */
export function describeGroup(group: number): string {
  return Object.entries(NamedGroup).find(([, code]) => code === group)?.[0] ?? `group ${group}`;
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
