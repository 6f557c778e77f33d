// The roads of the matrix: how a device of the world reaches the server, and what it proves itself with.
import type { Credentials } from '@lapwing/client';
import { makeAuthority, makeKey } from '@lapwing/dtls/testing';
import { encodeUtf8, Secret, type Transport } from '@lapwing/kernel';
import type { Listener, SecurityStore } from '@lapwing/server';

export interface Road {
  readonly scheme: 'coap' | 'coaps' | 'coap+tcp';
  listener(transport: Transport): Listener;
  /** Credentials of a device, made known to the server. */
  enrol(name: string, security: SecurityStore): Promise<Credentials | undefined>;
}

const authority = makeAuthority({ name: 'Authority of the world' });
const own = authority.issue({ name: 'server.example' });
const serverKey = makeKey('server');

async function psk(name: string, security: SecurityStore): Promise<Credentials> {
  const identity = encodeUtf8(name);
  const key = new Secret(encodeUtf8(`the key of ${name}`));
  await security.put({ endpoint: name, credential: { kind: 'psk', identity, key } });
  return { kind: 'psk', identity, key };
}

async function rpk(name: string, security: SecurityStore): Promise<Credentials> {
  const key = makeKey(name);
  await security.put({ endpoint: name, credential: { kind: 'rpk', publicKey: key.spki } });
  return { kind: 'rpk', privateKey: key.pkcs8, trusted: [serverKey.spki] };
}

function x509(name: string): Promise<Credentials> {
  const trust = { roots: [authority.certificate], hostName: false } as const;
  return Promise.resolve({ kind: 'x509', own: authority.issue({ name }), trust });
}

export const roads = {
  udp: {
    scheme: 'coap',
    listener: (transport) => ({ transport }),
    enrol: () => Promise.resolve(undefined),
  },
  tcp: {
    scheme: 'coap+tcp',
    listener: (transport) => ({ transport }),
    enrol: () => Promise.resolve(undefined),
  },
  'dtls-psk': {
    scheme: 'coaps',
    listener: (transport) => ({ transport, dtls: { connectionId: false } }),
    enrol: psk,
  },
  'dtls-cid': {
    scheme: 'coaps',
    listener: (transport) => ({ transport, dtls: {} }),
    enrol: psk,
  },
  'dtls-rpk': {
    scheme: 'coaps',
    listener: (transport) => ({ transport, dtls: { rawPublicKey: { privateKey: serverKey.pkcs8 } } }),
    enrol: rpk,
  },
  'dtls-x509': {
    scheme: 'coaps',
    listener: (transport) => ({
      transport,
      dtls: { certificate: own, authorities: [authority.certificate] },
    }),
    enrol: (name) => x509(name),
  },
} satisfies Readonly<Record<string, Road>>;
