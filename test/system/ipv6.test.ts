// Devices and servers over IPv6, on real sockets of loopback: every road, to ::1 as it is written in a URI and to listeners of both
// families.
import { networkInterfaces } from 'node:os';
import { Client, type Credentials } from '@lapwing/client';
import { makeAuthority } from '@lapwing/dtls/testing';
import { encodeUtf8, Secret } from '@lapwing/kernel';
import { type Listener, MemorySecurityStore, Server } from '@lapwing/server';
import { describe, expect, it } from 'vitest';

const authority = makeAuthority({ name: 'Authority of loopback' });
const own = authority.issue({
  name: 'server',
  alternativeNames: ['localhost', Uint8Array.of(127, 0, 0, 1), Uint8Array.of(...new Uint8Array(15), 1)],
});
const identity = encodeUtf8('dev-1');
const key = new Secret(encodeUtf8('sixteen bytes 16'));
const psk: Credentials = { kind: 'psk', identity, key };
const x509: Credentials = {
  kind: 'x509',
  own: authority.issue({ name: 'dev-1' }),
  trust: { roots: [authority.certificate] },
};
const shown = { certificate: own, authorities: [authority.certificate] };

const isThere = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'));

/** Where the device is seen at, after it has registered and was read. */
async function seenAt(listener: Listener, scheme: string, host: string, credentials?: Credentials): Promise<string> {
  const security = new MemorySecurityStore([{ endpoint: 'dev-1', credential: { kind: 'psk', identity, key } }]);
  await using server = await Server.listen({
    listeners: [listener],
    ...(credentials?.kind === 'psk' ? { security } : {}),
  });
  const registered = server.events.once('registered');
  const [at] = server.addresses;
  const uri = `${scheme}://${host}:${at !== undefined && 'port' in at ? at.port : 0}`;
  await using _client = await Client.start({
    name: 'dev-1',
    servers: [credentials === undefined ? { uri } : { uri, credentials }],
  });
  const { registration } = await registered;
  expect(await server.device('dev-1').read('/1/0/1')).toHaveLength(1);
  const { address } = registration.peer;
  return 'host' in address ? address.host : '';
}

interface Road {
  readonly scheme: string;
  readonly credentials?: Credentials;
  listener(host: string): Listener;
}

const roads: readonly Road[] = [
  { scheme: 'coap', listener: (host) => ({ via: 'udp', host, port: 0 }) },
  { scheme: 'coaps', listener: (host) => ({ via: 'udp', host, port: 0, dtls: {} }), credentials: psk },
  { scheme: 'coaps', listener: (host) => ({ via: 'udp', host, port: 0, dtls: shown }), credentials: x509 },
  { scheme: 'coap+tcp', listener: (host) => ({ via: 'tcp', host, port: 0 }) },
  { scheme: 'coaps+tcp', listener: (host) => ({ via: 'tcp', host, port: 0, tls: shown }), credentials: x509 },
  { scheme: 'coap+ws', listener: (host) => ({ via: 'ws', host, port: 0 }) },
];

describe.skipIf(!isThere)('over IPv6 (skipped where there is no ::1)', () => {
  it.each(roads)('a device registers by $scheme at [::1]', async ({ scheme, listener, credentials }) => {
    expect(await seenAt(listener('::1'), scheme, '[::1]', credentials)).toBe('::1');
  });

  it.each(roads)(
    'a listener at [::] is reached by $scheme over either family',
    async ({ scheme, listener, credentials }) => {
      const both = listener('::');
      expect(await seenAt(both, scheme, '[::1]', credentials)).toBe('::1');
      expect(await seenAt(both, scheme, '[0:0:0:0:0:0:0:1]', credentials)).toBe('::1');
      expect(await seenAt(both, scheme, '127.0.0.1', credentials)).toMatch(/^(::ffff:)?127\.0\.0\.1$/);
    },
  );
});

it('a server with several addresses is called by its name, and held to it', async () => {
  const listener: Listener = { via: 'udp', port: 0, dtls: shown };
  expect(await seenAt(listener, 'coaps', 'localhost', x509)).toBe('127.0.0.1');
});
