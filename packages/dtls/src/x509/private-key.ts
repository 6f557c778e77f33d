// Private keys as they are configured: PKCS #8 (RFC 5958), SEC 1 (RFC 5915) or PKCS #1, PEM or DER. Read once and checked,
// with errors that say what is wrong and never show a byte of the key.
import { createECDH, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { ConfigError, equalBytes, Secret } from '@lapwing/kernel';
import type { Material, PrivateKeyMaterial } from '../credentials.ts';
import { DerReader, Tag } from './der.ts';
import { type Curve, curves, encodeEcSpki, importPublicKey, type PrivateKey } from './keys.ts';
import { readOne } from './material.ts';

const ecdhNames: Readonly<Record<string, string>> = {
  'P-256': 'prime256v1',
  'P-384': 'secp384r1',
  'P-521': 'secp521r1',
};

/** Throws ConfigError; `what` names the setting in its message. */
export function readPrivateKey(material: PrivateKeyMaterial, what: string): PrivateKey {
  const der = readOne(material instanceof Secret ? material.reveal() : material, 'private key', what);
  const handle = openKey(der, what);
  switch (handle.asymmetricKeyType) {
    case 'ec':
      return readEc(handle, what);
    case 'ed25519':
      return finish(handle, spkiOf(handle), what);
    case 'rsa':
      return finish(handle, spkiOf(handle), what);
    default:
      throw new ConfigError([
        `${what}: a key of type ${handle.asymmetricKeyType}, one of EC, RSA and Ed25519 was expected`,
      ]);
  }
}

/** SubjectPublicKeyInfo, DER. Throws ConfigError; `what` names the setting in its message. */
export function readPublicKey(material: Material, what: string): Uint8Array {
  const spki = readOne(material, 'public key', what);
  const verdict = importPublicKey(spki);
  if (!verdict.ok) throw new ConfigError([`${what}: ${verdict.reason}`]);
  return verdict.publicKey.spki;
}

function openKey(der: Uint8Array, what: string): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: typeOf(der) });
  } catch {
    // The cause is left out: OpenSSL's text helps nobody, and what it quotes is not ours to know.
    throw new ConfigError([`${what}: a private key that is damaged, or of an algorithm that is not supported`]);
  }
}

function typeOf(der: Uint8Array): 'pkcs8' | 'sec1' | 'pkcs1' {
  const inner = new DerReader(new DerReader(der).read(Tag.Sequence));
  inner.read(Tag.Integer);
  const second = inner.peek();
  return second === Tag.Sequence ? 'pkcs8' : second === Tag.OctetString ? 'sec1' : 'pkcs1';
}

/** The public half is computed: one that came with the key may be another's, or compressed. */
function readEc(handle: KeyObject, what: string): PrivateKey {
  let jwk: ReturnType<KeyObject['export']> & { crv?: string; x?: string; y?: string; d?: string };
  try {
    jwk = handle.export({ format: 'jwk' });
  } catch {
    throw new ConfigError([`${what}: its curve is none of P-256, P-384 and P-521`]);
  }
  const curve = curves.find((each) => each.jwk === jwk.crv);
  const name = ecdhNames[jwk.crv ?? ''];
  if (curve === undefined || name === undefined)
    throw new ConfigError([`${what}: its curve is none of P-256, P-384 and P-521`]);
  const ecdh = createECDH(name);
  ecdh.setPrivateKey(Buffer.from(jwk.d ?? '', 'base64url'));
  const point = new Uint8Array(ecdh.getPublicKey());
  const written = encodeEcSpki(curve, coordinate(jwk.x, curve), coordinate(jwk.y, curve));
  const spki = encodeEcSpki(curve, point.subarray(1, 1 + curve.size), point.subarray(1 + curve.size));
  if (!equalBytes(spki, written))
    throw new ConfigError([`${what}: the public key in it is that of another private key`]);
  return finish(handle, spki, what);
}

function coordinate(text: string | undefined, curve: Curve): Uint8Array {
  const bytes = Buffer.from(text ?? '', 'base64url');
  const padded = new Uint8Array(curve.size);
  padded.set(bytes.subarray(0, curve.size), Math.max(0, curve.size - bytes.length));
  return padded;
}

function spkiOf(handle: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(handle).export({ format: 'der', type: 'spki' }));
}

function finish(handle: KeyObject, spki: Uint8Array, what: string): PrivateKey {
  const verdict = importPublicKey(spki);
  if (!verdict.ok) throw new ConfigError([`${what}: ${verdict.reason}`]);
  return { algorithm: verdict.publicKey.algorithm, spki, handle };
}
