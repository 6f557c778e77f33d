// From MQTT to a device of ours and back, over real sockets: the composite commands and Send, in both profiles.
import { Client, EndDevices, ObjectStore } from '@lapwing/client';
import { parseConfig, runGateway } from '@lapwing/gateway/main';
import { parsePath } from '@lapwing/lwm2m';
import { describe, expect, test } from 'vitest';
import { MqttPeer } from './parts/mqtt-client.ts';
import { Device, Temperature } from './parts/objects.ts';

async function setUp(compat: string, version: '1.1' | '1.2') {
  const written = {
    gateway: {
      lwm2m: {
        compat,
        translators: {
          command: { topic: 'dn/#' },
          response: { topic: 'up/resp' },
          notify: { topic: 'up/notify' },
          register: { topic: 'up/register' },
          update: { topic: 'up/update' },
        },
        listeners: { udp: { default: { bind: '127.0.0.1:0' } } },
      },
    },
    mqtt: { bind: '127.0.0.1:0' },
    store: { dir: ':memory:' },
    log: { level: 'silent' },
  };
  const owned: AsyncDisposable[] = [];
  const own = <Part extends AsyncDisposable>(part: Part): Part => {
    owned.push(part);
    return part;
  };
  const parts = {
    [Symbol.asyncDispose]: async () => {
      for (const part of owned.reverse()) await part[Symbol.asyncDispose]();
    },
  };
  const gateway = own(await runGateway({ config: await parseConfig(JSON.stringify(written), 'json', {}) }));
  const mqtt = own(await MqttPeer.start(gateway.brokerPort ?? 0));
  const objects = new ObjectStore();
  objects.add(Device, 0, {
    manufacturer: 'Lapwing',
    timezone: 'Etc/UTC',
    errorCode: new Map([[0, 0]]),
    bindings: 'U',
    reboot: () => undefined,
  });
  const temperature = objects.add(Temperature, 0, { sensorValue: 21.5, applicationType: 'kitchen' });
  const endDevices = new EndDevices(objects);
  const behind = new ObjectStore();
  const behindTemperature = behind.add(Temperature, 0, { sensorValue: 4.5, applicationType: 'fridge' });
  endDevices.add({ id: 'urn:dev:fridge', prefix: 'd01', objects: behind });
  const [address] = gateway.addresses;
  const port = address?.via === 'udp' ? address.port : 0;
  const client = own(
    await Client.start({ name: 'dev-1', version, servers: [{ uri: `coap://127.0.0.1:${port}` }], objects, endDevices }),
  );
  expect(await mqtt.next('register')).toMatchObject({ data: { ep: 'dev-1', lwm2m: version } });
  const ask = (command: object) => mqtt.publish('lwm2m/dev-1/dn/dm', command);
  return { parts, mqtt, client, temperature, behindTemperature, ask };
}

describe.each([
  ['emqx', '1.1'],
  ['native', '1.2'],
] as const)('the gateway in its %s profile and a device of %s', (compat, version) => {
  test('read several paths for an application on MQTT', async () => {
    const { parts, mqtt, ask } = await setUp(compat, version);
    await using _ = parts;
    ask({ reqID: 1, msgType: 'read-composite', data: { paths: ['/3/0/0', '/3303/0/5700', '/9/9'] } });
    expect(await mqtt.next('read-composite')).toMatchObject({
      topic: 'lwm2m/dev-1/up/resp',
      reqID: 1,
      data: {
        reqPath: ['/3/0/0', '/3303/0/5700', '/9/9'],
        code: '2.05',
        codeMsg: 'content',
        content: [
          { path: '/3/0/0', value: 'Lapwing' },
          { path: '/3303/0/5700', value: 21.5 },
        ],
      },
    });
  });

  test('write several values, or none', async () => {
    const { parts, mqtt, ask, temperature } = await setUp(compat, version);
    await using _ = parts;
    const content = [
      { path: '/3/0/15', type: 'String', value: 'Europe/Vienna' },
      { path: '/3303/0/5750', type: 'String', value: 'attic' },
    ];
    ask({ reqID: 2, msgType: 'write-composite', data: { content } });
    expect(await mqtt.next('write-composite')).toMatchObject({ reqID: 2, data: { code: '2.04', codeMsg: 'changed' } });
    expect(temperature.get('applicationType')).toBe('attic');
    const wrong = [
      { path: '/3303/0/5750', type: 'String', value: 'cellar' },
      { path: '/3/0/0', type: 'String', value: 'x' },
    ];
    ask({ reqID: 3, msgType: 'write-composite', data: { content: wrong } });
    expect(await mqtt.next('write-composite')).toMatchObject({ reqID: 3, data: { code: '4.05' } });
    expect(temperature.get('applicationType')).toBe('attic');
  });

  test('reach an end device behind the device by its prefix', async () => {
    const { parts, mqtt, ask, client, behindTemperature } = await setUp(compat, version);
    await using _ = parts;
    ask({ reqID: 20, msgType: 'read', data: { path: '/d01/3303/0/5700' } });
    expect(await mqtt.next('read')).toMatchObject({
      reqID: 20,
      data: { reqPath: '/d01/3303/0/5700', code: '2.05', content: [{ path: '/d01/3303/0/5700', value: 4.5 }] },
    });
    ask({ reqID: 21, msgType: 'write', data: { path: '/d01/3303/0/5750', type: 'String', value: 'freezer' } });
    expect(await mqtt.next('write')).toMatchObject({ reqID: 21, data: { code: '2.04' } });
    expect(behindTemperature.get('applicationType')).toBe('freezer');
    ask({ reqID: 22, msgType: 'discover', data: { path: '/d01/3303/0' } });
    expect(await mqtt.next('discover')).toMatchObject({
      data: { reqPath: '/d01/3303/0', content: ['</3303/0>', '</3303/0/5700>', '</3303/0/5750>'] },
    });
    ask({ reqID: 23, msgType: 'observe', data: { path: '/d01/3303/0/5700' } });
    expect(await mqtt.next('observe')).toMatchObject({ reqID: 23, data: { code: '2.05' } });
    behindTemperature.set({ sensorValue: 5.5 });
    expect(await mqtt.next('notify')).toMatchObject({
      reqID: 23,
      data: { reqPath: '/d01/3303/0/5700', content: [{ path: '/d01/3303/0/5700', value: 5.5 }] },
    });
    ask({ reqID: 26, msgType: 'cancel-observe', data: { path: '/d01/3303/0/5700' } });
    expect(await mqtt.next('cancel-observe')).toMatchObject({ reqID: 26, data: { code: '2.05' } });
    ask({ reqID: 24, msgType: 'read-composite', data: { paths: ['/3303/0/5700', '/d01/3303/0'] } });
    expect(await mqtt.next('read-composite')).toMatchObject({
      data: {
        content: [
          { path: '/3303/0/5700', value: 21.5 },
          { path: '/d01/3303/0/5700', value: 5.5 },
          { path: '/d01/3303/0/5750', value: 'freezer' },
        ],
      },
    });
    ask({ reqID: 25, msgType: 'read', data: { path: '/d09/3303/0/5700' } });
    expect(await mqtt.next('read')).toMatchObject({ reqID: 25, data: { code: '4.04', codeMsg: 'not_found' } });
    await client.send(['/3303/0/5700'], { prefix: 'd01' });
    expect(await mqtt.next('send')).toMatchObject({ data: { content: [{ path: '/d01/3303/0/5700', value: 5.5 }] } });
  });

  test('observe several paths and stop', async () => {
    const { parts, mqtt, ask, temperature } = await setUp(compat, version);
    await using _ = parts;
    const data = { paths: ['/3303/0/5700', '/3303/0/5750'] };
    ask({ reqID: 4, msgType: 'observe-composite', data });
    expect(await mqtt.next('observe-composite')).toMatchObject({ reqID: 4, data: { code: '2.05' } });
    temperature.set({ sensorValue: 25, applicationType: 'hall' });
    expect(await mqtt.next('notify')).toMatchObject({
      topic: 'lwm2m/dev-1/up/notify',
      reqID: 4,
      data: {
        reqPath: data.paths,
        content: [
          { path: '/3303/0/5700', value: 25 },
          { path: '/3303/0/5750', value: 'hall' },
        ],
      },
    });
    ask({ reqID: 5, msgType: 'cancel-observe-composite', data });
    expect(await mqtt.next('cancel-observe-composite')).toMatchObject({ reqID: 5, data: { code: '2.05' } });
  });

  test('publish what the device sends by itself', async () => {
    const { parts, mqtt, client } = await setUp(compat, version);
    await using _ = parts;
    await client.send(['/3303/0/5700']);
    expect(await mqtt.next('send')).toMatchObject({ data: { content: [{ path: '/3303/0/5700', value: 21.5 }] } });
    const path = parsePath('/3303/0/5700');
    await client.send([{ path, value: { type: 'float', value: 7 }, time: 1_700_000_000 }]);
    expect(await mqtt.next('send')).toMatchObject({
      topic: 'lwm2m/dev-1/up/notify',
      data: { content: [{ path: '/3303/0/5700', value: 7, type: 'Float', time: 1_700_000_000 }] },
    });
  });
});
