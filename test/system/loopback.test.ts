// A device and its server over real sockets on loopback, one test for each road of connections: what virtual time cannot show.
import { Client, type Credentials, type Instance, ObjectStore } from '@lapwing/client';
import { MemoryKeyUseStore } from '@lapwing/coap/oscore';
import { type StreamTransport, tlsTransport } from '@lapwing/coap/streams';
import { makeAuthority } from '@lapwing/dtls/testing';
import { encodeUtf8, Secret } from '@lapwing/kernel';
import { DefinitionLibrary } from '@lapwing/lwm2m';
import { type Device, type Listener, MemorySecurityStore, Server } from '@lapwing/server';
import { expect, it } from 'vitest';
import { Temperature } from './objects.ts';

const authority = makeAuthority({ name: 'Authority of loopback' });
const own = authority.issue({ name: 'localhost' });
const identity = encodeUtf8('dev-1');
const key = new Secret(encodeUtf8('sixteen bytes 16'));
const psk: Credentials = { kind: 'psk', identity, key };
const x509: Credentials = {
  kind: 'x509',
  own: authority.issue({ name: 'dev-1' }),
  trust: { roots: [authority.certificate] },
};
const tls = { certificate: own, authorities: [authority.certificate] };

async function meet(
  scheme: string,
  listener: Listener,
  credentials: Credentials | undefined,
  more: Partial<Parameters<typeof Client.start>[0]> = {},
) {
  const library = new DefinitionLibrary();
  library.add(Temperature);
  const security = new MemorySecurityStore();
  if (credentials?.kind === 'psk')
    await security.put({ endpoint: 'dev-1', credential: { kind: 'psk', identity, key } });
  const server = await Server.listen({ listeners: [listener], library, security });
  const objects = new ObjectStore();
  const thermometer = objects.add(Temperature, 0, { sensorValue: 20, minMeasured: 20 });
  const registered = server.events.once('registered');
  const [address] = server.addresses;
  const uri = `${scheme}://localhost:${address?.via === 'tcp' ? address.port : 0}`;
  const account = credentials === undefined ? { uri } : { uri, credentials };
  const client = await Client.start({ name: 'dev-1', servers: [account], objects, ...more });
  const { registration } = await registered;
  const dispose = async (): Promise<void> => {
    await client[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  };
  return { server, client, thermometer, registration, [Symbol.asyncDispose]: dispose };
}

/** Its temperature is 20 before, and 22 after. */
async function readAndObserve(device: Device, thermometer: Instance<typeof Temperature>): Promise<void> {
  expect(await device.read(Temperature, 0, 'sensorValue')).toBe(20);
  const values: unknown[] = [];
  for await (const { entries } of device.observe('/3303/0/5700')) {
    values.push(entries[0]?.value?.value);
    if (values.length === 3) break;
    thermometer.set({ sensorValue: 20 + values.length });
  }
  expect(values).toEqual([20, 21, 22]);
}

it.each<[string, string, Listener, Credentials | undefined, string]>([
  ['TCP (ETS int-106)', 'coap+tcp', { via: 'tcp', port: 0 }, undefined, 'none'],
  ['TLS with a key beside certificates', 'coaps+tcp', { via: 'tcp', port: 0, tls }, psk, 'psk'],
  ['TLS with a key (ETS int-406)', 'coaps+tcp', { via: 'tcp', port: 0, tls: { psk: true } }, psk, 'psk'],
  ['TLS with certificates (ETS int-404)', 'coaps+tcp', { via: 'tcp', port: 0, tls }, x509, 'x509'],
  ['WebSockets', 'coap+ws', { via: 'ws', port: 0 }, undefined, 'none'],
  ['WebSockets over TLS', 'coaps+ws', { via: 'ws', port: 0, tls }, x509, 'x509'],
])(
  'over %s, a device registers, is read and observed, and leaves',
  async (_road, scheme, listener, credentials, kind) => {
    const met = await meet(scheme, listener, credentials);
    const { server, thermometer, registration } = met;
    expect(registration).toMatchObject({ name: 'dev-1', binding: 'T', peer: { identity: { kind } } });
    // Not what holds without a CSM of the device (RFC 8323 §5.3): 1,152 bytes and one block in each message.
    expect(registration.peer.connection?.bert).toBe(true);
    expect(registration.peer.connection?.mtu).toBeGreaterThan(1152);
    await readAndObserve(server.device('dev-1'), thermometer);
    expect(server.stats().streams['listener-1']).toMatchObject({ connections: 1, accepted: 1 });
    const left = server.events.once('deregistered');
    await met.client[Symbol.asyncDispose]();
    await left;
    await met[Symbol.asyncDispose]();
  },
);

it('over UDP under OSCORE, a device registers, is read and observed, and comes back after a restart of either', async () => {
  const [ours, theirs] = [encodeUtf8('srv'), encodeUtf8('dev')];
  const context = { masterSecret: key, senderId: ours, recipientId: theirs };
  const security = new MemorySecurityStore([{ endpoint: 'dev-1', credential: { kind: 'oscore', context } }]);
  const [serverUse, deviceUse] = [new MemoryKeyUseStore(), new MemoryKeyUseStore()];
  const library = new DefinitionLibrary();
  library.add(Temperature);
  const listen = (port: number): Promise<Server> =>
    Server.listen({ listeners: [{ via: 'udp', port }], library, security, stores: { keyUse: serverUse } });
  let server = await listen(0);
  const [address] = server.addresses;
  const port = address?.via === 'udp' ? address.port : 0;
  const oscore = { masterSecret: key, senderId: theirs, recipientId: ours };
  for (const round of [0, 1]) {
    const objects = new ObjectStore();
    const thermometer = objects.add(Temperature, 0, { sensorValue: 20, minMeasured: 20 });
    const registered = server.events.once('registered');
    const client = await Client.start({
      name: 'dev-1',
      servers: [{ uri: `coap://127.0.0.1:${port}`, oscore }],
      objects,
      keyUse: deviceUse,
    });
    expect((await registered).registration.peer.identity).toEqual({ kind: 'oscore', id: theirs });
    await readAndObserve(server.device('dev-1'), thermometer);
    await client[Symbol.asyncDispose]();
    expect(server.stats().oscore).toMatchObject({ unverified: 0, replayed: 0, challenged: round === 0 ? 1 : 0 });
    await server[Symbol.asyncDispose]();
    if (round === 0) server = await listen(port);
  }
});

it('F-14: over TLS a device whose connection broke is who it was on the next, and is observed there once', async () => {
  let transport: StreamTransport | undefined;
  const connectors = {
    'coaps+tcp': () => {
      transport = tlsTransport({ connect: { kind: 'psk', identity, key } });
      return transport;
    },
  };
  await using met = await meet('coaps+tcp', { via: 'tcp', port: 0, tls }, psk, { connectors });
  const { server, thermometer, registration } = met;
  const values: unknown[] = [];
  const stop = new AbortController();
  const over = (async () => {
    for await (const { entries } of server.device('dev-1').observe('/3303/0/5700', { signal: stop.signal }))
      values.push(entries[0]?.value?.value);
  })();
  await expect.poll(() => values).toEqual([20]);
  const updated = server.events.once('updated');
  expect(transport?.revoke(() => true)).toBe(1);
  thermometer.set({ sensorValue: 30 });
  const { registration: after, previous } = await updated;
  expect(previous.id).toBe(registration.id);
  expect(after.peer.key).not.toBe(registration.peer.key);
  await expect.poll(() => values).toEqual([20, 30]);
  thermometer.set({ sensorValue: 31 });
  await expect.poll(() => values).toEqual([20, 30, 31]);
  expect(met.client.stats()?.relations).toBe(1);
  stop.abort(new Error('enough'));
  await expect(over).rejects.toThrow('enough');
});
