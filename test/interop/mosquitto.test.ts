// The gateway on a Mosquitto of its own, driven by mosquitto_pub and mosquitto_sub: a Leshan device behind it through
// every command, and what happens when the broker goes away, is strict, or was there first.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, ObjectStore } from '@lapwing/client';
import { type GatewayHandle, parseConfig, runGateway } from '@lapwing/gateway/main';
import { hours } from '@lapwing/kernel';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { LeshanDevice, leshan } from './parts/leshan.ts';
import { Broker, mosquitto, type Received, type Subscriber } from './parts/mosquitto.ts';
import { Temperature } from './parts/objects.ts';
import { describeWith, program } from './parts/part.ts';

const translators = {
  command: { topic: 'dn/#', qos: 1 },
  response: { topic: 'up/resp', qos: 1 },
  notify: { topic: 'up/notify', qos: 1 },
  register: { topic: 'up/register', qos: 1 },
  update: { topic: 'up/update', qos: 1 },
};

async function startGateway(mqtt: object, lwm2m: object = {}): Promise<GatewayHandle> {
  const listeners = { udp: { default: { bind: '127.0.0.1:0' } } };
  const written = {
    gateway: { lwm2m: { translators, listeners, ...lwm2m } },
    mqtt,
    store: { dir: ':memory:' },
    log: { level: 'silent' },
  };
  const gateway = await runGateway({ config: await parseConfig(JSON.stringify(written), 'json', {}) });
  await vi.waitFor(() => expect(gateway.isBrokerConnected).toBe(true), { timeout: 10_000 });
  return gateway;
}

function uriOf(gateway: GatewayHandle): string {
  const [address] = gateway.addresses;
  return address?.via === 'udp' ? `coap://127.0.0.1:${address.port}` : 'none';
}

interface Said {
  readonly msgType: string;
  readonly reqID?: unknown;
  readonly data: Record<string, unknown> & { readonly content?: readonly { path: string; value: unknown }[] };
}
const said = ({ payload }: Received): Said => JSON.parse(payload) as Said;

await describeWith([mosquitto, leshan], 'a Leshan device behind the gateway, on Mosquitto', () => {
  let broker: Broker;
  let gateway: GatewayHandle;
  let heard: Subscriber;
  let device: LeshanDevice;
  let asked = 0;

  beforeAll(async () => {
    broker = await Broker.start();
    gateway = await startGateway({ broker: broker.url }, { lifecycle_events: true });
    heard = await broker.subscribe('lwm2m/+/up/#');
    device = await LeshanDevice.start({ server: uriOf(gateway), name: 'dev-1', lifetime: 3600 });
  });
  afterAll(async () => {
    await device.stop();
    await gateway[Symbol.asyncDispose]();
    await heard.stop();
    await broker.stop();
  });

  /** Publishes a command and waits for the response with its id. */
  async function command(msgType: string, data: object, more: object = {}): Promise<Said> {
    const reqID = asked++;
    await broker.publish('lwm2m/dev-1/dn/cmd', JSON.stringify({ reqID, msgType, data, ...more }));
    const answer = said(
      await heard.next((message) => message.topic.endsWith('/resp') && said(message).reqID === reqID),
    );
    expect(answer.msgType).toBe(msgType);
    return answer;
  }
  const notified = async (): Promise<Said> => said(await heard.next(({ topic }) => topic === 'lwm2m/dev-1/up/notify'));

  test('its registration is published with its objects', async () => {
    const { topic, payload, retained } = await heard.next();
    expect([topic, retained]).toEqual(['lwm2m/dev-1/up/register', false]);
    const { data, msgType } = JSON.parse(payload) as Said;
    expect(msgType).toBe('register');
    expect(data).toMatchObject({ ep: 'dev-1', lt: 3600, lwm2m: '1.1', b: 'U', alternatePath: '/' });
    expect(data['objectList']).toEqual(expect.arrayContaining(['/3/0', '/3303/0']));
    await device.next('registered');
  });

  test('is read: a resource, a multiple resource and an instance', async () => {
    expect((await command('read', { path: '/3/0/0' })).data).toEqual({
      reqPath: '/3/0/0',
      code: '2.05',
      codeMsg: 'content',
      content: [{ path: '/3/0/0', value: 'Lapwing' }],
    });
    expect((await command('read', { path: '/3/0/6' })).data.content).toEqual([
      { path: '/3/0/6/0', value: 1 },
      { path: '/3/0/6/1', value: 5 },
    ]);
    const { content } = (await command('read', { path: '/3303/0' })).data;
    expect(content).toContainEqual({ path: '/3303/0/5700', value: 21.5 });
    expect(content).toContainEqual({ path: '/3303/0/5750', value: 'kitchen' });
  });

  test('is written: one value, several values, and a value of many blocks', async () => {
    const path = '/3303/0/5750';
    const changed = { code: '2.04', codeMsg: 'changed' };
    expect((await command('write', { path, type: 'String', value: 'cellar' })).data).toEqual({
      reqPath: path,
      ...changed,
    });
    expect(await device.next('written')).toMatchObject({ path, values: { [path]: 'cellar' } });
    const several = {
      basePath: '/3/0',
      content: [
        { path: '14', type: 'String', value: '+01:00' },
        { path: '15', type: 'String', value: 'Europe/Paris' },
      ],
    };
    expect((await command('write', several)).data).toMatchObject(changed);
    expect((await command('read', { path: '/3/0/15' })).data.content).toEqual([
      { path: '/3/0/15', value: 'Europe/Paris' },
    ]);
    const value = 'many blocks '.repeat(500);
    expect((await command('write', { path, type: 'String', value })).data).toMatchObject(changed);
    expect((await command('read', { path })).data.content).toEqual([{ path, value }]);
  });

  test('is executed with arguments', async () => {
    expect((await command('execute', { path: '/3303/0/5605', args: "0='now'" })).data).toMatchObject({ code: '2.04' });
    expect(await device.next('executed')).toMatchObject({ path: '/3303/0/5605', arguments: "0='now'" });
  });

  test('is discovered, with the attributes that were written', async () => {
    expect((await command('write-attr', { path: '/3303/0/5700', pmin: '1', pmax: '60' })).data).toMatchObject({
      code: '2.04',
    });
    const { content } = (await command('discover', { path: '/3303/0' })).data as unknown as {
      content: readonly string[];
    };
    expect(content).toContain('</3303/0/5750>');
    expect(content.find((link) => link.startsWith('</3303/0/5700>'))).toMatch(/pmin=1/);
  });

  test('gets an instance and loses it again', async () => {
    const created = await command('create', {
      basePath: '/3303',
      content: [{ path: '4/5750', type: 'String', value: 'attic' }],
    });
    expect(created.data).toMatchObject({ code: '2.01', codeMsg: 'created' });
    const update = said(await heard.next(({ topic }) => topic.endsWith('/update')));
    expect(update.data['objectList']).toContain('/3303/4');
    expect((await command('read', { path: '/3303/4/5750' })).data.content).toEqual([
      { path: '/3303/4/5750', value: 'attic' },
    ]);
    expect((await command('delete', { path: '/3303/4' })).data).toMatchObject({ code: '2.02', codeMsg: 'deleted' });
  });

  test('is observed, and no longer after cancel-observe', async () => {
    await command('write-attr', { path: '/3303/0/5700', pmin: '0' });
    const observed = await command('observe', { path: '/3303/0/5700' });
    expect(observed.data).toMatchObject({ code: '2.05', content: [{ path: '/3303/0/5700', value: 21.5 }] });
    for (const value of [22.5, 23.25]) {
      device.set({ '/3303/0/5700': value });
      const notification = await notified();
      expect(notification).toMatchObject({ msgType: 'notify', reqID: observed.reqID });
      expect(notification.data.content).toEqual([{ path: '/3303/0/5700', value }]);
    }
    expect((await command('cancel-observe', { path: '/3303/0/5700' })).data).toMatchObject({ code: '2.05' });
    device.set({ '/3303/0/5700': 30 });
    expect((await command('read', { path: '/3303/0/5700' })).data.content).toEqual([
      { path: '/3303/0/5700', value: 30 },
    ]);
    await expect(heard.next(({ topic }) => topic.endsWith('/notify'), { within: 1 })).rejects.toThrow(/took longer/);
  });

  test('passes its refusals on, and a command that makes no sense is answered too', async () => {
    expect((await command('read', { path: '/3303/9' })).data).toMatchObject({ code: '4.04', codeMsg: 'not_found' });
    expect((await command('read', { path: '/3303/0/5605' })).data).toMatchObject({ code: '4.05' });
    const senseless = (await command('write', { path: '/3303/0/5750', type: 'Colour', value: 'red' })).data;
    expect(senseless).toMatchObject({ code: '4.00', codeMsg: 'bad_request', reason: expect.any(String) });
  });

  test('its Update and its farewell are published', async () => {
    device.update();
    const update = said(await heard.next(({ topic }) => topic === 'lwm2m/dev-1/up/update'));
    expect(update).toMatchObject({ msgType: 'update', data: { ep: 'dev-1', lt: 3600 } });
    await device.leave();
    const farewell = said(await heard.next(({ payload }) => payload.includes('deregister')));
    expect(farewell.data).toMatchObject({ ep: 'dev-1' });
  });
});

await describeWith([mosquitto], 'the gateway and Mosquitto', () => {
  async function thermometer(gateway: GatewayHandle, name: string) {
    const objects = new ObjectStore();
    const temperature = objects.add(Temperature, 0, { sensorValue: 20, resetMinMax: () => {} });
    const client = await Client.start({ name, servers: [{ uri: uriOf(gateway), lifetime: hours(1) }], objects });
    return { client, temperature };
  }

  test('no notification is lost when the broker goes away and comes back, and commands reach the device again', async () => {
    await using first = await Broker.start();
    await using before = await first.subscribe('#');
    await using gateway = await startGateway({ broker: first.url }, { auto_observe: ['/3303/0'] });
    const { client, temperature } = await thermometer(gateway, 'dev-1');
    await before.next(({ topic, payload }) => topic.endsWith('/resp') && payload.includes('"2.05"'));
    await first.stop();
    await expect.poll(() => gateway.isBrokerConnected).toBe(false);
    for (const sensorValue of [21, 22, 23]) {
      temperature.set({ sensorValue });
      await expect.poll(() => gateway.waiting).toBe(sensorValue - 20);
    }

    // Somebody else comes first after the restart, so that nothing can slip by.
    await using second = await Broker.start({ port: first.port });
    await using heard = await second.subscribe('lwm2m/+/up/#');
    const values: unknown[] = [];
    while (values.length < 3) {
      const { data } = said(await heard.next(({ topic }) => topic.endsWith('/notify'), { within: 60 }));
      values.push(data.content?.[0]?.value);
    }
    expect(values).toEqual([21, 22, 23]);

    await second.publish(
      'lwm2m/dev-1/dn',
      JSON.stringify({ reqID: 'x', msgType: 'read', data: { path: '/3303/0/5700' } }),
    );
    const answer = said(await heard.next(({ payload }) => payload.includes('"x"')));
    expect(answer.data.content).toEqual([{ path: '/3303/0/5700', value: 23 }]);
    await client[Symbol.asyncDispose]();
  });

  test('a command for a device that is not there is answered with the reason', async () => {
    await using broker = await Broker.start();
    await using _gateway = await startGateway({ broker: broker.url });
    await using heard = await broker.subscribe('lwm2m/+/up/#');
    await broker.publish('lwm2m/nobody/dn', JSON.stringify({ reqID: 1, msgType: 'read', data: { path: '/3/0' } }));
    const answer = await heard.next();
    expect(answer.topic).toBe('lwm2m/nobody/up/resp');
    expect(said(answer)).toMatchObject({
      reqID: 1,
      msgType: 'read',
      data: { code: '5.03', reason: expect.any(String) },
    });
  });

  test('the gateway shows its user name and password to a broker that asks for them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lapwing-password-'));
    const file = join(folder, 'passwords');
    execFileSync(program('mosquitto_passwd'), ['-c', '-b', file, 'gateway', 'se:cr@et']);
    await using broker = await Broker.start({ settings: [`password_file ${file}`], anonymous: 'refused' });
    const access = { broker: broker.url, username: 'gateway', password: 'se:cr@et' };
    await using gateway = await startGateway(access);
    expect(gateway.isBrokerConnected).toBe(true);
    expect(gateway.broker).not.toContain('se:cr');
    await expect(broker.publish('t', 'm')).rejects.toThrow(/not authori[sz]ed/i);
    rmSync(folder, { recursive: true });
  });
});
