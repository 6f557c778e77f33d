// Bootstrap with Leshan on the other side, in both directions, over coap and over coaps with pre-shared keys.
import { Client, ObjectStore } from '@lapwing/client';
import { encodeUtf8, fromHex, Secret, seconds } from '@lapwing/kernel';
import {
  BootstrapServer,
  type Listener,
  MemoryPlanStore,
  MemorySecurityStore,
  type Plan,
  Server,
} from '@lapwing/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  LeshanBootstrappedDevice,
  LeshanBootstrapServer,
  leshanBootstrap,
  type PskKeys,
} from './parts/leshan-bootstrap.ts';
import { Device } from './parts/objects.ts';
import { describeWith } from './parts/part.ts';

const listeners: readonly Listener[] = [
  { name: 'coap', via: 'udp', port: 0 },
  { name: 'coaps', via: 'udp', port: 0, dtls: {} },
];

/** Of the listeners above, by scheme. */
function uriOf({ addresses }: Pick<Server, 'addresses'>, scheme: 'coap' | 'coaps'): string {
  const address = addresses[scheme === 'coap' ? 0 : 1];
  return address?.via === 'udp' ? `${scheme}://127.0.0.1:${address.port}` : 'none';
}

function credentialOf({ identity, key }: PskKeys) {
  return { kind: 'psk', identity: encodeUtf8(identity), key: new Secret(fromHex(key)) } as const;
}

function things(): ObjectStore {
  const objects = new ObjectStore();
  objects.add(Device, 0, {
    manufacturer: 'Lapwing',
    errorCode: new Map([[0, 0]]),
    bindings: 'U',
    reboot: () => undefined,
  });
  return objects;
}

const keyFor = (identity: string, digit: string): PskKeys => ({ identity, key: digit.repeat(32) });

await describeWith([leshanBootstrap], 'a Leshan bootstrap server brings a Lapwing client to a Lapwing server', () => {
  let bootstrap: LeshanBootstrapServer;
  let server: Server;
  const security = new MemorySecurityStore();
  beforeAll(async () => {
    bootstrap = await LeshanBootstrapServer.start();
    server = await Server.listen({ listeners, security });
  });
  afterAll(async () => {
    await bootstrap[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test('over coap', async () => {
    await bootstrap.configure({ name: 'bs-1', id: 101, uri: uriOf(server, 'coap'), lifetime: 300 });
    const registered = server.events.once('registered');
    await using client = await Client.start({ name: 'bs-1', bootstrap: { uri: bootstrap.uri }, objects: things() });
    expect((await registered).registration).toMatchObject({ name: 'bs-1', lifetime: seconds(300) });
    expect(client.servers).toEqual([{ id: 101, uri: uriOf(server, 'coap') }]);
    await bootstrap.next('finished', ({ name }) => name === 'bs-1');
  });

  test('over coaps, with other keys for the server than for the bootstrap server', async () => {
    const own = keyFor('bs-2 at bootstrap', 'a');
    const keys = keyFor('bs-2 at server', 'b');
    await security.put({ endpoint: 'bs-2', credential: credentialOf(keys) });
    await bootstrap.configure({ name: 'bs-2', id: 102, uri: uriOf(server, 'coaps'), lifetime: 300, keys, own });
    const registered = server.events.once('registered');
    await using _client = await Client.start({
      name: 'bs-2',
      bootstrap: { uri: bootstrap.secureUri, credentials: credentialOf(own) },
      objects: things(),
    });
    expect((await registered).registration).toMatchObject({ name: 'bs-2', peer: { identity: { kind: 'psk' } } });
  });

  test('but not when the keys would be there for anybody to read (J-09)', async () => {
    const keys = keyFor('bs-3 at server', 'c');
    await bootstrap.configure({ name: 'bs-3', id: 103, uri: uriOf(server, 'coaps'), lifetime: 300, keys });
    await using client = await Client.start({ name: 'bs-3', bootstrap: { uri: bootstrap.uri }, objects: things() });
    const failed = await bootstrap.next('failed', ({ name }) => name === 'bs-3');
    expect(failed.reason).toMatch(/FAILED/);
    expect(client.servers).toEqual([]);
  });

  test('and is told when the configuration makes no sense (ETS int-9)', async () => {
    await bootstrap.configure({ name: 'bs-4', id: 104, uri: 'coap+tcp://127.0.0.1:5683', lifetime: 300 });
    await using client = await Client.start({
      name: 'bs-4',
      bootstrap: { uri: bootstrap.uri },
      connectors: {},
      objects: things(),
    });
    const failed = client.events.once('bootstrap-failed');
    const step = await bootstrap.next('step', ({ step: kind }) => kind === 'BootstrapFinishRequest');
    expect(step.code).toBe('NOT_ACCEPTABLE(406)');
    expect((await failed).failure).toBe('inconsistent');
  });
});

await describeWith([leshanBootstrap], 'a Lapwing bootstrap server brings a Leshan device to a Lapwing server', () => {
  const plans = new MemoryPlanStore();
  const security = new MemorySecurityStore();
  const own = new MemorySecurityStore();
  let bootstrap: BootstrapServer;
  let server: Server;
  beforeAll(async () => {
    server = await Server.listen({ listeners, security });
    bootstrap = await BootstrapServer.listen({ listeners, plans, security: own, keys: security });
  });
  afterAll(async () => {
    await bootstrap[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test('over coap', async () => {
    const planned = {
      shortServerId: 101,
      uri: uriOf(server, 'coap'),
      security: { mode: 'none' },
      lifetime: seconds(300),
    } as const;
    await plans.put('bd-1', { servers: [planned], reads: ['/1'] });
    const registered = server.events.once('registered');
    const finished = bootstrap.events.once('finished');
    await using device = await LeshanBootstrappedDevice.start(uriOf(bootstrap, 'coap'), 'bd-1');
    await device.next('bootstrapped');
    expect((await registered).registration).toMatchObject({ name: 'bd-1', lifetime: seconds(300) });
    expect((await finished).session).toMatchObject({ name: 'bd-1' });
  });

  test('over coaps, with a key of its own making', async () => {
    const keys = keyFor('bd-2', 'd');
    await own.put({ endpoint: 'bd-2', credential: credentialOf(keys) });
    const plan: Plan = {
      servers: [
        {
          shortServerId: 102,
          uri: uriOf(server, 'coaps'),
          security: { mode: 'psk', identity: `bd-2 at server ${'$'}{random}`, key: { random: 16 } },
        },
      ],
    };
    await plans.put('bd-2', plan);
    const registered = server.events.once('registered');
    await using device = await LeshanBootstrappedDevice.start(uriOf(bootstrap, 'coaps'), 'bd-2', keys);
    await device.next('bootstrapped');
    expect((await registered).registration).toMatchObject({ name: 'bd-2', peer: { identity: { kind: 'psk' } } });
    expect(security.ofEndpoint('bd-2')).toHaveLength(1);
  });
});
