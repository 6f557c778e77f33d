// The enabler test cases on bootstrap that Zephyr's client is put through by Leshan's bootstrap server and server, with ours in its place:
// over DTLS, with other keys for the one than for the other.
import { Client, ServerObject } from '@lapwing/client';
import { Code } from '@lapwing/coap';
import { seconds } from '@lapwing/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LeshanServer, leshan } from './parts/leshan.ts';
import { type BootstrapEvent, LeshanBootstrapServer, leshanBootstrap } from './parts/leshan-bootstrap.ts';
import { credentialOf, join, keyFor, linksOf, silentAccount, type Things, things } from './parts/leshan-scenario.ts';
import { describeWith } from './parts/part.ts';

const done = { code: 'CHANGED(204)' };

await describeWith([leshan, leshanBootstrap], 'a Lapwing client bootstraps at Leshan over dtls-psk', () => {
  let server: LeshanServer;
  let bootstrap: LeshanBootstrapServer;
  beforeAll(async () => {
    [server, bootstrap] = await Promise.all([LeshanServer.startBoth(), LeshanBootstrapServer.start()]);
  });
  afterAll(async () => {
    await server.stop();
    await bootstrap[Symbol.asyncDispose]();
  });

  /** A device whose bootstrap account is known at the bootstrap server, and the keys that it will get at the server. */
  async function planned(name: string) {
    const own = keyFor(`${name} at bootstrap`, 'a');
    const keys = keyFor(`${name} at server`, 'b');
    await server.admit(name, keys);
    await bootstrap.configure({ name, id: 1, uri: server.secureUri, lifetime: 86_400, keys, own });
    const account = {
      uri: bootstrap.secureUri,
      credentials: credentialOf(own),
      accounts: { retry: { retryCount: 1, retryTimer: seconds(1), sequenceCount: 1 } },
    };
    return { account, keys, heard: server.about(name), session: bootstrap.sessionsOf(name) };
  }

  const instances = ({ objects }: Things, object: number): number[] => [
    ...(objects.objects.get(object)?.instances.keys() ?? []),
  ];
  /** Number of the resource, of the Security instance of the server. */
  const written = ({ objects }: Things, instance: number, resource: number): unknown => {
    const content = objects.objects.get(0)?.instances.get(instance)?.contents.get(resource);
    return content !== undefined && 'value' in content ? content.value : undefined;
  };
  const shown = (steps: readonly BootstrapEvent[]): string[] =>
    steps.map(
      ({ step = '', path, code }) =>
        `${step.replace(/^Bootstrap|Request$/g, '')} ${path === 'null' ? '/bs' : path} ${code}`,
    );
  const whole = [
    'Discover / CONTENT(205)',
    'Delete /0 DELETED(202)',
    'Delete /1 DELETED(202)',
    'Write /0/1 CHANGED(204)',
    'Write /1/0 CHANGED(204)',
    'Finish /bs CHANGED(204)',
  ];

  test('LightweightM2M-1.1-int-0 asks for a bootstrap, is looked at, configured and told that this was all', async () => {
    const { account, heard, session } = await planned('int-0');
    const own = things();
    await using client = await join({ name: 'int-0', bootstrap: account, objects: own.objects });
    const steps = await session();
    expect(shown(steps)).toEqual(whole);
    expect(linksOf(steps[0]?.links)).toEqual({
      '/': expect.objectContaining({ lwm2m: '1.1' }),
      '/0/0': {},
      '/1': {},
      '/3': { ver: '1.2' },
      '/3/0': {},
      '/16': {},
    });
    expect([instances(own, 0), instances(own, 1)]).toEqual([[0, 1], [0]]);
    expect(client.servers).toEqual([{ id: 1, uri: server.secureUri }]);
    expect(await heard.next('registered')).toMatchObject({ name: 'int-0', secure: true });
  });

  test('LightweightM2M-1.1-int-1 comes with a pre-shared key by the bootstrap server to its server', async () => {
    const { account, keys, heard, session } = await planned('int-1');
    const own = things();
    await using _ = await join({ name: 'int-1', bootstrap: account, objects: own.objects });
    expect(shown(await session())).toEqual(whole);
    expect(written(own, 1, 0)).toBe(server.secureUri);
    expect([written(own, 1, 1), written(own, 1, 2), written(own, 1, 10)].map(String)).toEqual(['false', '0', '1']);
    expect(Buffer.from(written(own, 1, 3) as Uint8Array).toString()).toBe(keys.identity);
    expect(Buffer.from(written(own, 1, 5) as Uint8Array).toString('hex')).toBe(keys.key);
    expect(await heard.next('registered')).toMatchObject({
      secure: true,
      lifetime: 86_400,
      version: '1.1',
      binding: 'U',
    });
    expect((await server.ask('int-1', { op: 'read', path: '/1/0' })).values).toMatchObject({
      '/1/0/0': 1,
      '/1/0/1': 86_400,
      // As Leshan has it where nothing is said of it.
      '/1/0/6': true,
      '/1/0/7': 'U',
    });
  });

  /** Has come by the bootstrap server and is registered. */
  async function bootstrapped(name: string) {
    const plan = await planned(name);
    const own = things();
    const client = await join({ name, bootstrap: plan.account, objects: own.objects });
    await plan.session();
    const { registration } = await plan.heard.next('registered');
    return { ...plan, own, client, registration };
  }

  test('LightweightM2M-1.1-int-4 loses what is deleted, but for its bootstrap account', async () => {
    const { own, client, heard, session } = await bootstrapped('int-4');
    await using _ = client;
    // A second account that no server uses.
    own.objects.add(ServerObject, 2, {
      shortServerId: 9,
      lifetime: 60,
      notificationStoringWhenDisabledOrOffline: false,
      binding: 'U',
      registrationUpdateTrigger: () => undefined,
    });
    expect(instances(own, 1)).toEqual([0, 2]);
    expect(await server.ask('int-4', { op: 'execute', path: '/1/0/9' })).toEqual(done);
    const steps = await session();
    expect(shown(steps)).toEqual(whole);
    expect(await heard.next('registered')).toMatchObject({ secure: true });
    expect([instances(own, 0), instances(own, 1)]).toEqual([[0, 1], [0]]);
    expect([written(own, 0, 0), written(own, 0, 1)]).toEqual([bootstrap.secureUri, true]);
  });

  test('LightweightM2M-1.1-int-5 goes back to the bootstrap server when its server says so', async () => {
    const { client, heard, session, registration } = await bootstrapped('int-5');
    await using _ = client;
    expect(await server.ask('int-5', { op: 'execute', path: '/1/0/9' })).toEqual(done);
    expect(shown(await session())).toEqual(whole);
    const again = await heard.next('registered');
    expect(again).toMatchObject({ secure: true, lifetime: 86_400 });
    expect(again.registration).not.toBe(registration);
  });

  test('LightweightM2M-1.1-int-6 goes to the server that it has, and to the bootstrap server only where it has none', async () => {
    const { account, own, client, heard, session } = await bootstrapped('int-6');
    await client.close();
    await heard.next('deregistered');
    const phases: string[] = [];
    const start = async (): Promise<Client> => {
      const again = await Client.start({ name: 'int-6', bootstrap: account, objects: own.objects });
      again.events.on('bootstrap-phase', ({ phase }) => phases.push(phase));
      await again.events.once('registered');
      return again;
    };
    const second = await start();
    await heard.next('registered');
    expect(phases).toEqual([]);
    await second.close();
    await heard.next('deregistered');
    own.objects.remove(1, 0);
    own.objects.remove(0, 1);
    await using _ = await start();
    expect(shown(await session())).toEqual(whole);
    expect(await heard.next('registered')).toMatchObject({ secure: true });
    expect(phases).not.toEqual([]);
  });

  test('LightweightM2M-1.1-int-7 falls back to the bootstrap server when its server does not take it', async () => {
    const { account, heard, session } = await planned('int-7');
    // Leshan has keys for it: without them it answers a Register with 4.03.
    const retry = { retryCount: 1, retryTimer: seconds(1), sequenceCount: 1 };
    await using client = await Client.start({
      name: 'int-7',
      servers: [{ ...silentAccount, uri: server.uri, retry }],
      bootstrap: account,
      objects: things().objects,
    });
    expect((await client.events.once('failed')).error).toMatchObject({ status: Code.Forbidden });
    expect(shown(await session())).toEqual(whole);
    expect(await heard.next('registered')).toMatchObject({ secure: true, lifetime: 86_400 });
    expect(client.servers).toEqual([{ id: 1, uri: server.secureUri }]);
  });
});
