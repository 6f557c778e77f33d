// The roads of the matrix: how a device of the world reaches the server, and what it proves itself with.
import type { Credentials, ServerAccount } from '@lapwing/client';
import type { TlsAcceptance } from '@lapwing/coap/streams';
import { makeAuthority, makeKey } from '@lapwing/dtls/testing';
import { digest, encodeUtf8, Secret, type Transport } from '@lapwing/kernel';
import type { Listener, PlannedRoad, PlannedSecurity, SecurityStore } from '@lapwing/server';

/** What a device proves itself with. */
export type Proof = Pick<ServerAccount, 'credentials' | 'oscore'>;

/** No two servers know one secret. */
export type ForWhom = 'server' | 'bootstrap';

export interface Road {
  readonly scheme: 'coap' | 'coaps' | 'coap+tcp' | 'coaps+tcp' | 'coap+ws' | 'tel';
  /** By text message: whether what is longer than one is cut into several. */
  readonly parts?: 'one' | 'few' | 'many';
  listener(transport: Transport): Listener;
  /** Whom connections are let in from, where they are secured. */
  accept?(security: SecurityStore): TlsAcceptance;
  /** Credentials of a device, made known to the server. */
  enrol(name: string, security: SecurityStore): Promise<Credentials | undefined>;
  /** The context of OSCORE of a device, made known to the server; none on roads without. */
  protect?(name: string, security: SecurityStore, forWhom: ForWhom): Promise<NonNullable<Proof['oscore']>>;
  /** Credentials of that device as a bootstrap writes them; what the plan does not make is made known to the server. */
  planned(name: string, security: SecurityStore): Promise<Pick<PlannedRoad, 'security' | 'oscore'>>;
}

/** All that there is of it on that road. */
export async function proofOf(
  road: Road,
  name: string,
  security: SecurityStore,
  forWhom: ForWhom = 'server',
): Promise<Proof> {
  const credentials = await road.enrol(name, security);
  const oscore = await road.protect?.(name, security, forWhom);
  return { ...(credentials === undefined ? {} : { credentials }), ...(oscore === undefined ? {} : { oscore }) };
}

const authority = makeAuthority({ name: 'Authority of the world' });
const own = authority.issue({ name: 'server.example' });
const serverKey = makeKey('server');

/** A key that both sides know from now on. */
export async function psk(
  name: string,
  security: SecurityStore,
): Promise<Extract<Credentials, { readonly kind: 'psk' }>> {
  const identity = encodeUtf8(name);
  const key = new Secret(encodeUtf8(`the key of ${name}`));
  await security.put({ endpoint: name, credential: { kind: 'psk', identity, key } });
  return { kind: 'psk', identity, key };
}

/** TLS waits for no store. */
function keyIn(security: SecurityStore, identity: Uint8Array): Secret | undefined {
  const found = security.byPskIdentity(identity);
  return found instanceof Promise || found?.credential.kind !== 'psk' ? undefined : found.credential.key;
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

/** What servers call themselves under OSCORE. */
const serverId = encodeUtf8('srv');

async function oscore(name: string, security: SecurityStore, forWhom: ForWhom): Promise<NonNullable<Proof['oscore']>> {
  const masterSecret = new Secret(encodeUtf8(`the secret of ${name} for the ${forWhom}`));
  const deviceId = digest('sha256', encodeUtf8(name)).subarray(0, 4);
  const context = { masterSecret, senderId: serverId, recipientId: deviceId };
  await security.put({ endpoint: name, credential: { kind: 'oscore', context } });
  return { masterSecret, senderId: deviceId, recipientId: serverId };
}

const plannedOscore = (): Pick<PlannedRoad, 'oscore'> => ({
  oscore: { masterSecret: { random: 16 }, senderId: { random: 7 }, recipientId: serverId },
});

const only = (security: PlannedSecurity): Pick<PlannedRoad, 'security'> => ({ security });

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

/** By text message: without a key, and with the one suite whose records fit. */
const open = (parts: 'one' | 'few' | 'many') =>
  ({
    scheme: 'tel',
    parts,
    listener: (transport) => ({ transport }),
    enrol: () => Promise.resolve(undefined),
    planned: () => Promise.resolve(only({ mode: 'none' })),
  }) satisfies Road;

const keyed = (parts: 'one' | 'few' | 'many') =>
  ({
    scheme: 'tel',
    parts,
    listener: (transport) => ({ transport, dtls: { suites: ['TLS_PSK_WITH_AES_128_CCM_8'] } }),
    enrol: psk,
    planned: async () => only(await plannedPsk()),
  }) satisfies Road;

export const roads = {
  udp: {
    scheme: 'coap',
    listener: (transport) => ({ transport }),
    enrol: () => Promise.resolve(undefined),
    planned: () => Promise.resolve(only({ mode: 'none' })),
  },
  oscore: {
    scheme: 'coap',
    listener: (transport) => ({ transport }),
    enrol: () => Promise.resolve(undefined),
    protect: oscore,
    planned: () => Promise.resolve({ security: { mode: 'none' }, ...plannedOscore() }),
  },
  'oscore-dtls': {
    scheme: 'coaps',
    listener: (transport) => ({ transport, dtls: {} }),
    enrol: psk,
    protect: oscore,
    planned: async () => ({ security: await plannedPsk(), ...plannedOscore() }),
  },
  'oscore-tcp': {
    scheme: 'coap+tcp',
    listener: (transport) => ({ transport }),
    enrol: () => Promise.resolve(undefined),
    protect: oscore,
    planned: () => Promise.resolve({ security: { mode: 'none' }, ...plannedOscore() }),
  },
  tcp: {
    scheme: 'coap+tcp',
    listener: (transport) => ({ transport }),
    enrol: () => Promise.resolve(undefined),
    planned: () => Promise.resolve(only({ mode: 'none' })),
  },
  'tls-psk': {
    scheme: 'coaps+tcp',
    listener: (transport) => ({ transport }),
    accept: (security) => ({ psk: (identity) => keyIn(security, identity) }),
    enrol: psk,
    planned: async () => only(await plannedPsk()),
  },
  'tls-x509': {
    scheme: 'coaps+tcp',
    listener: (transport) => ({ transport }),
    accept: () => ({ certificate: own, authorities: [authority.certificate] }),
    enrol: (name) => x509(name),
    planned: async (name) => only(await plannedX509(name)),
  },
  ws: {
    scheme: 'coap+ws',
    listener: (transport) => ({ transport }),
    enrol: () => Promise.resolve(undefined),
    planned: () => Promise.resolve(only({ mode: 'none' })),
  },
  'dtls-psk': {
    scheme: 'coaps',
    listener: (transport) => ({ transport, dtls: { connectionId: false } }),
    enrol: psk,
    planned: async () => only(await plannedPsk()),
  },
  'dtls-cid': {
    scheme: 'coaps',
    listener: (transport) => ({ transport, dtls: {} }),
    enrol: psk,
    planned: async () => only(await plannedPsk()),
  },
  'dtls-rpk': {
    scheme: 'coaps',
    listener: (transport) => ({ transport, dtls: { rawPublicKey: { privateKey: serverKey.pkcs8 } } }),
    enrol: rpk,
    planned: async (name, security) => only(await plannedRpk(name, security)),
  },
  'dtls-x509': {
    scheme: 'coaps',
    listener: (transport) => ({
      transport,
      dtls: { certificate: own, authorities: [authority.certificate] },
    }),
    enrol: (name) => x509(name),
    planned: async (name) => only(await plannedX509(name)),
  },
  sms: open('one'),
  'dtls-sms': keyed('few'),
  'sms-parts': open('many'),
  'dtls-sms-parts': keyed('many'),
} satisfies Readonly<Record<string, Road>>;
