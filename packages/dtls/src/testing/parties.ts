// Clients and the servers that know them, one pair for each way of proving who one is, for tests of whole handshakes.
import { decodeUtf8, encodeUtf8, Secret } from '@lapwing/kernel';
import type { CredentialStore, Credentials } from '../credentials.ts';
import { type Issued, makeAuthority, makeKey } from './certificates.ts';

export interface Parties {
  readonly credentials: Credentials;
  readonly store: CredentialStore;
}

export const pskIdentity: Uint8Array = encodeUtf8('dev-1');
export const pskKey: Secret = new Secret(encodeUtf8('0123456789abcdef'));

/** A pre-shared key; `key` is what the client has. */
export function pskParties(key: Secret = pskKey, identity: Uint8Array = pskIdentity): Parties {
  return {
    credentials: { kind: 'psk', identity, key },
    store: { psk: (id) => (isDevice(id) ? pskKey : undefined) },
  };
}

function isDevice(id: Uint8Array): boolean {
  try {
    return decodeUtf8(id) === 'dev-1';
  } catch {
    return false;
  }
}

export const authority = makeAuthority({ name: 'Test root' });
const serverOf = (algorithm: 'ec-p256' | 'ec-p384' | 'ed25519' | 'rsa'): Issued =>
  authority.issue({ name: 'server.example', key: makeKey(`server ${algorithm}`, algorithm) });

/** Certificates of one authority on both sides; with 'none' the client shows nothing. */
export function x509Parties(
  client: 'required' | 'optional' | 'none' = 'required',
  algorithm: 'ec-p256' | 'ec-p384' | 'ed25519' | 'rsa' = 'ec-p256',
): Parties {
  const trust = { roots: [authority.certificate] };
  const own = authority.issue({ name: 'dev-1', key: makeKey(`client ${algorithm}`, algorithm) });
  const server = serverOf(algorithm);
  return {
    credentials: {
      kind: 'x509',
      ...(client === 'required' ? { own } : {}),
      trust: { ...trust, hostName: 'server.example' },
    },
    store: {
      certificate: () => server,
      acceptCertificate: { trust },
      clientAuthentication: client,
    },
  };
}

export const serverRawKey = makeKey('raw server');
export const clientRawKey = makeKey('raw client');

/** Raw public keys on both sides. */
export function rpkParties(accepts = true): Parties {
  return {
    credentials: { kind: 'rpk', privateKey: new Secret(clientRawKey.pkcs8), trusted: [serverRawKey.spki] },
    store: {
      rawPublicKey: { privateKey: new Secret(serverRawKey.pkcs8) },
      acceptRawPublicKey: (spki) => accepts && Buffer.compare(spki, clientRawKey.spki) === 0,
    },
  };
}
