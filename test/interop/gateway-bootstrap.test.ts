// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of plans.
// The bootstrap server in the gateway as it is run: a process of its own that brings devices to itself, ours and Leshan's, and
// knows them again by what it has handed out, also after kill -9.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, type Credentials, ObjectStore } from '@lapwing/client';
import { encodeUtf8, Secret } from '@lapwing/kernel';
import { Device } from '@lapwing/lwm2m/objects/device';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LeshanBootstrappedDevice, leshanBootstrap } from './parts/leshan-bootstrap.ts';
import { MqttPeer } from './parts/mqtt-client.ts';
import { describeWith } from './parts/part.ts';
import { freeTcpPort, freeUdpPort } from './parts/ports.ts';
import { Process } from './parts/process.ts';

const lapwing = fileURLToPath(new URL('../../packages/cli/bin/lapwing.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lapwing-bootstrap-'));
afterAll(() => rmSync(folder, { recursive: true }));
const keyOf = (name: string): string => Buffer.from(`the key of ${name}`.padEnd(16)).toString('hex');
const names = ['dev-1', 'dev-2', 'dev-3', 'leshan-1'];

const ports = { coap: 0, coaps: 0, bootstrap: 0, mqtt: 0 };
let plan: object = {};
beforeAll(async () => {
  for (const each of ['coap', 'coaps', 'bootstrap'] as const) ports[each] = await freeUdpPort();
  ports.mqtt = await freeTcpPort();
  plan = { servers: [{ short_server_id: 102, uri: `coaps://127.0.0.1:${ports.coaps}`, psk: {}, lifetime: '10m' }] };
});

const startProcess = (config: string): Promise<Process> =>
  Process.start({
    name: 'lapwing gateway',
    command: process.execPath,
    args: [lapwing, 'gateway', '--config', config],
    ready: /LwM2M on coap:\S+, coaps:\S+, bootstrap on coaps:/,
  });

class Gateway implements AsyncDisposable {
  readonly #config: string;
  #process: Process;
  mqtt: MqttPeer;

  private constructor(config: string, process: Process, mqtt: MqttPeer) {
    this.#config = config;
    this.#process = process;
    this.mqtt = mqtt;
  }

  /** With a store of its own. */
  static async start(store: string, plans: object): Promise<Gateway> {
    const translators = ['command: { topic: "dn/#" }', 'response: { topic: up/resp }', 'notify: { topic: up/notify }'];
    const credentials = names.map((name) => ({ endpoint: name, psk: { key: keyOf(name) } }));
    const config = join(folder, `${store}.yaml`);
    const text = `gateway:
  lwm2m:
    translators: { ${translators.join(', ')}, register: { topic: up/register }, update: { topic: up/update } }
    listeners:
      udp: { default: { bind: "127.0.0.1:${ports.coap}" } }
      dtls: { default: { bind: "127.0.0.1:${ports.coaps}" } }
bootstrap:
  listeners: { dtls: { default: { bind: "127.0.0.1:${ports.bootstrap}" } } }
  security: { credentials: ${JSON.stringify(credentials)} }
  plans: ${JSON.stringify(plans)}
mqtt: { bind: "127.0.0.1:${ports.mqtt}" }
store: { dir: "${folder}/${store}" }
`;
    writeFileSync(config, text, { mode: 0o600 });
    return new Gateway(config, await startProcess(config), await MqttPeer.start(ports.mqtt));
  }

  /** Killed in the middle of its work, and started again. */
  async kill(): Promise<void> {
    await this.mqtt[Symbol.asyncDispose]();
    this.#process.kill('SIGKILL');
    await this.#process.stop();
    this.#process = await startProcess(this.#config);
    this.mqtt = await MqttPeer.start(ports.mqtt);
  }

  /** What it tells of the next session, up to its end. */
  async session(): Promise<readonly Record<string, unknown>[]> {
    const told: Record<string, unknown>[] = [];
    for (;;) {
      const data = (await this.mqtt.next('bootstrap'))['data'] as Record<string, unknown>;
      // An answer to the command of that name.
      if (!('event' in data)) continue;
      told.push(data);
      if (data['event'] === 'finished' || data['event'] === 'failed') return told;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mqtt[Symbol.asyncDispose]();
    await this.#process.stop();
  }
}

async function startDevice(name: string, from: { readonly server?: Credentials } = {}) {
  const objects = new ObjectStore();
  const device = { manufacturer: 'Lapwing', supportedBindingAndModes: 'U', reboot: () => undefined };
  objects.add(Device, 0, { ...device, errorCode: new Map([[0, 0]]) });
  const key = new Secret(Buffer.from(keyOf(name), 'hex'));
  const client = await Client.start({
    name,
    ...(from.server === undefined
      ? {
          bootstrap: {
            uri: `coaps://127.0.0.1:${ports.bootstrap}`,
            credentials: { kind: 'psk', identity: encodeUtf8(name), key },
          },
        }
      : { servers: [{ uri: `coaps://127.0.0.1:${ports.coaps}`, credentials: from.server }] }),
    objects,
  });
  return { client, objects };
}

/** What object 0 holds of the device's server. */
function handedOut(objects: ObjectStore): Extract<Credentials, { kind: 'psk' }> {
  for (const { contents } of objects.objects.get(0)?.instances.values() ?? []) {
    const [isBootstrap, identity, key] = [1, 3, 5].map((id) => contents.get(id)) as unknown[];
    const bytes = (content: unknown): Uint8Array => (content as { readonly value: Uint8Array }).value;
    if ((isBootstrap as { readonly value: boolean }).value) continue;
    return { kind: 'psk', identity: bytes(identity), key: new Secret(bytes(key)) };
  }
  throw new Error('there is no server');
}

await describeWith([], 'the gateway as a bootstrap server', () => {
  test('brings a device to itself with a key of its own making, and knows it after kill -9', async () => {
    await using gateway = await Gateway.start('own', { default: plan });
    let server: Credentials;
    {
      await using device = (await startDevice('dev-1')).client;
      const told = await gateway.session();
      expect(told.map(({ event, step, path }) => step ?? path ?? event)).toEqual([
        'started',
        'bootstrap-discover',
        'bootstrap-delete',
        'bootstrap-delete',
        'bootstrap-write',
        'bootstrap-write',
        'bootstrap-finish',
        'finished',
      ]);
      expect(told[0]).toEqual({ ep: 'dev-1', session: 1, event: 'started', plan: 'default', kind: 'sequence' });
      expect(await gateway.mqtt.next('register')).toMatchObject({ data: { ep: 'dev-1', lt: 600 } });
      server = handedOut(device.objects);
    }
    await gateway.kill();
    await using _again = (await startDevice('dev-1', { server })).client;
    expect(await gateway.mqtt.next('register')).toMatchObject({ data: { ep: 'dev-1' } });
  });

  test('takes plans from MQTT, keeps them over kill -9, and sends a device back when it is told to', async () => {
    await using gateway = await Gateway.start('plans', {});
    gateway.mqtt.publish('bootstrap/dn', { reqID: 1, msgType: 'put-plan', data: { name: 'dev-2', plan, version: 0 } });
    expect(await gateway.mqtt.next('put-plan')).toMatchObject({ reqID: 1, data: { code: '2.01', version: 1 } });
    await gateway.kill();
    await using _device = (await startDevice('dev-2')).client;
    expect((await gateway.session()).at(-1)).toMatchObject({ ep: 'dev-2', event: 'finished' });
    await gateway.mqtt.next('register');
    gateway.mqtt.publish('lwm2m/dev-2/dn/dm', { reqID: 2, msgType: 'bootstrap', data: {} });
    expect(await gateway.mqtt.next('bootstrap')).toMatchObject({ reqID: 2, data: { code: '2.04' } });
    expect((await gateway.session()).at(-1)).toMatchObject({ ep: 'dev-2', event: 'finished' });
    await gateway.mqtt.next('register');
  });

  test('hands out contexts of OSCORE, and withdraws what it has handed out', async () => {
    const servers = [{ short_server_id: 103, uri: `coap://127.0.0.1:${ports.coap}`, oscore: { recipient_id: '73' } }];
    await using gateway = await Gateway.start('oscore', { default: { servers } });
    await using device = (await startDevice('dev-3')).client;
    expect((await gateway.session()).at(-1)).toMatchObject({ event: 'finished' });
    expect(await gateway.mqtt.next('register')).toMatchObject({ data: { ep: 'dev-3' } });
    gateway.mqtt.publish('lwm2m/dev-3/dn/dm', { reqID: 3, msgType: 'read', data: { path: '/3/0/0' } });
    expect(await gateway.mqtt.next('read')).toMatchObject({ reqID: 3, data: { code: '2.05' } });
    gateway.mqtt.publish('bootstrap/dn', { reqID: 4, msgType: 'revoke', data: { ep: 'dev-3' } });
    expect(await gateway.mqtt.next('revoke')).toMatchObject({ reqID: 4, data: { code: '2.02', ep: 'dev-3' } });
    gateway.mqtt.publish('lwm2m/dev-3/dn/dm', { reqID: 5, msgType: 'read', data: { path: '/3/0/0' } });
    expect(await gateway.mqtt.next('read')).toMatchObject({ reqID: 5, data: { code: '5.03' } });
    expect(device.name).toBe('dev-3');
  });
});

await describeWith([leshanBootstrap], 'the gateway as a bootstrap server of Leshan’s client', () => {
  test('brings it to itself with a key of its own making, and both go on after kill -9', async () => {
    await using gateway = await Gateway.start('leshan', { default: plan });
    const keys = { identity: 'leshan-1', key: keyOf('leshan-1') };
    await using device = await LeshanBootstrappedDevice.start(`coaps://127.0.0.1:${ports.bootstrap}`, 'leshan-1', keys);
    await device.next('bootstrapped');
    expect((await gateway.session()).at(-1)).toMatchObject({ ep: 'leshan-1', event: 'finished' });
    expect(await gateway.mqtt.next('register')).toMatchObject({ data: { ep: 'leshan-1', lt: 600 } });
    await gateway.kill();
    gateway.mqtt.publish('lwm2m/leshan-1/dn/dm', { reqID: 6, msgType: 'read', data: { path: '/1/0/0' } });
    expect(await gateway.mqtt.next('read')).toMatchObject({
      reqID: 6,
      data: { code: '2.05', content: [{ path: '/1/0/0', value: 102 }] },
    });
  });
});
