// The roads of the matrix: how a device of the world reaches the server, and what it proves itself with.
import type { Credentials } from '@lapwing/client';
import { makeAuthority, makeKey } from '@lapwing/dtls/testing';
import { encodeUtf8, Secret, type Transport } from '@lapwing/kernel';
import type { Listener, PlannedSecurity, SecurityStore } from '@lapwing/server';

export interface Road {
  readonly scheme: 'coap' | 'coaps' | 'coap+tcp';
  listener(transport: Transport): Listener;
  /** Credentials of a device, made known to the server. */
  enrol(name: string, security: SecurityStore): Promise<Credentials | undefined>;
  /** Credentials of that device as a bootstrap writes them; what the plan does not make is made known to the server. */
  planned(name: string, security: SecurityStore): Promise<PlannedSecurity>;
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

async function plannedRpk(name: string, security: SecurityStore): Promise<PlannedSecurity> {
  const { spki, pkcs8 } = makeKey(`${name}, provisioned`);
  await security.put({ endpoint: name, credential: { kind: 'rpk', publicKey: spki } });
  return { mode: 'rpk', publicKey: spki, privateKey: new Secret(pkcs8), serverPublicKey: serverKey.spki };
}

function plannedX509(name: string): Promise<PlannedSecurity> {
  const issued = authority.issue({ name });
  return Promise.resolve({
    mode: 'x509',
    certificate: issued.certificate,
    privateKey: issued.privateKey as Secret,
    serverCertificate: own.certificate,
  });
}

/** As plans write it. */
export const variable = (name: string): string => `$\{${name}}`;

const plannedPsk = (): Promise<PlannedSecurity> =>
  Promise.resolve({ mode: 'psk', identity: `${variable('endpoint')}/${variable('random')}`, key: { random: 16 } });

export const roads = {
  udp: {
    scheme: 'coap',
    listener: (transport) => ({ transport }),
    enrol: () => Promise.resolve(undefined),
    planned: () => Promise.resolve({ mode: 'none' }),
  },
  tcp: {
    scheme: 'coap+tcp',
    listener: (transport) => ({ transport }),
    enrol: () => Promise.resolve(undefined),
    planned: () => Promise.resolve({ mode: 'none' }),
  },
  'dtls-psk': {
    scheme: 'coaps',
    listener: (transport) => ({ transport, dtls: { connectionId: false } }),
    enrol: psk,
    planned: plannedPsk,
  },
  'dtls-cid': {
    scheme: 'coaps',
    listener: (transport) => ({ transport, dtls: {} }),
    enrol: psk,
    planned: plannedPsk,
  },
  'dtls-rpk': {
    scheme: 'coaps',
    listener: (transport) => ({ transport, dtls: { rawPublicKey: { privateKey: serverKey.pkcs8 } } }),
    enrol: rpk,
    planned: plannedRpk,
  },
  'dtls-x509': {
    scheme: 'coaps',
    listener: (transport) => ({
      transport,
      dtls: { certificate: own, authorities: [authority.certificate] },
    }),
    enrol: (name) => x509(name),
    planned: (name) => plannedX509(name),
  },
} satisfies Readonly<Record<string, Road>>;
