// The gateway with a modem of its own: a device comes in by text message under DTLS, and one that sleeps on UDP is woken when a command
// for it comes from MQTT. Both modems are virtual, on pseudo-terminals.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, ObjectStore } from '@lapwing/client';
import { encodeUtf8, fromHex, Secret } from '@lapwing/kernel';
import { atModem, Messenger, serialPort, smsRoad } from '@lapwing/sms';
import { expect, test } from 'vitest';
import { MqttPeer } from './parts/mqtt-client.ts';
import { Device } from './parts/objects.ts';
import { freeTcpPort, freeUdpPort } from './parts/ports.ts';
import { Process } from './parts/process.ts';

const lapwing = fileURLToPath(new URL('../../packages/cli/bin/lapwing.mjs', import.meta.url));
const secret = '000102030405060708090a0b0c0d0e0f';

const configuration = (
  modem: string,
  ports: { readonly udp: number; readonly mqtt: number },
  folder: string,
): string => `
gateway:
  lwm2m:
    qmode_time_window: 1s
    translators:
      command:  { topic: "dn/#" }
      response: { topic: up/resp }
      notify:   { topic: up/notify }
      register: { topic: up/resp }
      update:   { topic: up/resp }
    lifecycle_events: true
    listeners:
      udp: { default: { bind: "127.0.0.1:${ports.udp}" } }
      sms: { default: { modem: ${modem}, max_per_minute: 60 } }
mqtt: { bind: "127.0.0.1:${ports.mqtt}" }
security: { credentials: [ { endpoint: by-number, psk: { identity: by-number, key: "${secret}" } } ] }
store: { dir: "${folder}" }
`;

test('devices come to the gateway by its modem, and are woken by it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lapwing-sms-'));
  try {
    await using modems = await Process.start({
      ...{ name: 'lapwing vmodem', command: process.execPath, args: [lapwing, 'vmodem', '--pair', '--trace'] },
      ready: /Modem PTY: \S+ \+12125550178/,
    });
    const terminal = (number: string) => new RegExp(`PTY: (\\S+) \\${number}`).exec(modems.output)?.[1] ?? '';
    const ports = { udp: await freeUdpPort(), mqtt: await freeTcpPort() };
    const file = join(folder, 'gateway.yaml');
    await writeFile(file, configuration(terminal('+12125550178'), ports, folder), { mode: 0o600 });
    await using gateway = await Process.start({
      ...{ name: 'lapwing gateway', command: process.execPath, args: [lapwing, 'gateway', '--config', file] },
      ready: /Lapwing gateway: LwM2M on/,
    });
    await using mqtt = await MqttPeer.start(ports.mqtt);
    const dial = serialPort({ path: terminal('+14155550125') });
    await using messenger = await Messenger.open({ modem: atModem({ dial }), budget: { perMinute: 60 } });
    const sms = { msisdn: '14155550125', road: smsRoad(messenger) };
    const objects = (): ObjectStore => {
      const store = new ObjectStore();
      const errorCode = new Map([[0, 0]]);
      store.add(Device, 0, { manufacturer: 'Lapwing', bindings: 'S', errorCode, reboot: () => undefined });
      return store;
    };
    {
      const credentials = { kind: 'psk', identity: encodeUtf8('by-number'), key: new Secret(fromHex(secret)) } as const;
      const servers = [{ uri: 'tel:+12125550178', credentials }];
      await using _client = await Client.start({ name: 'by-number', sms, servers, objects: objects() });
      const { topic, data } = await mqtt.next('register');
      expect(topic).toBe('lwm2m/by-number/up/resp');
      expect(data).toMatchObject({ ep: 'by-number' });
      mqtt.publish('lwm2m/by-number/dn/1', { reqID: 1, msgType: 'read', data: { path: '/3/0/0' } });
      expect(await mqtt.next('read')).toMatchObject({ reqID: 1, data: { content: [{ value: 'Lapwing' }] } });
    }
    const servers = [{ uri: `coap://127.0.0.1:${ports.udp}`, queueMode: true, sms: { number: '12125550178' } }];
    await using _sleeper = await Client.start({ name: 'sleeper', sms, servers, objects: objects() });
    await mqtt.next('register');
    await mqtt.next('offline');
    const before = modems.mark;
    mqtt.publish('lwm2m/sleeper/dn/2', { reqID: 2, msgType: 'read', data: { path: '/3/0/0' } });
    expect(await mqtt.next('read')).toMatchObject({ reqID: 2, data: { content: [{ value: 'Lapwing' }] } });
    // One message, from the gateway's number, and none back.
    const messages = [...modems.output.slice(before).matchAll(/^(\+\d+) > \+\d+: .*$/gm)].map(([, from]) => from);
    expect(messages).toEqual(['+12125550178']);
    gateway.kill('SIGTERM');
    await gateway.exited;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
