// The gateway with two modems: a device that sleeps is woken by one message, by the modem on which it has shown its key where it has. The
// modems are virtual, behind TCP ports.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, ObjectStore, type ServerAccount } from '@lapwing/client';
import { encodeUtf8, fromHex, Secret } from '@lapwing/kernel';
import { Messenger, smsRoad } from '@lapwing/sms';
import { type TcpTerminal, tcpTerminal, VirtualNetwork } from '@lapwing/sms/virtual';
import { expect, test } from 'vitest';
import { MqttPeer } from './parts/mqtt-client.ts';
import { Device } from './parts/objects.ts';
import { freeTcpPort, freeUdpPort } from './parts/ports.ts';
import { Process } from './parts/process.ts';

const lapwing = fileURLToPath(new URL('../../packages/cli/bin/lapwing.mjs', import.meta.url));
const secret = '000102030405060708090a0b0c0d0e0f';
const [first, second] = ['+12125550178', '+12125550179'] as const;

interface Ports {
  readonly udp: number;
  readonly dtls: number;
  readonly mqtt: number;
}

const configuration = ([a, b]: readonly TcpTerminal[], { udp, dtls, mqtt }: Ports, folder: string): string => `
gateway:
  lwm2m:
    qmode_time_window: 1s
    translators:
      command:  { topic: "dn/#" }
      response: { topic: up/resp }
      notify:   { topic: up/notify }
      register: { topic: up/resp }
      update:   { topic: up/update }
    lifecycle_events: true
    listeners:
      udp: { default: { bind: "127.0.0.1:${udp}" } }
      dtls: { default: { bind: "127.0.0.1:${dtls}" } }
      sms:
        a: { modem: "tcp://127.0.0.1:${a?.port}", max_per_minute: 60 }
        b: { modem: "tcp://127.0.0.1:${b?.port}", max_per_minute: 60 }
mqtt: { bind: "127.0.0.1:${mqtt}" }
security:
  credentials:
    - { endpoint: meter, psk: { identity: meter, key: "${secret}" } }
    - { endpoint: meter, psk: { identity: meter-by-text, key: "${secret}" } }
store: { dir: "${folder}" }
`;

const key = new Secret(fromHex(secret));
const keyOf = (identity: string) => ({ kind: 'psk', identity: encodeUtf8(identity), key }) as const;

test('of two modems one wakes a device, by one message: in the open, or under DTLS where it has shown its key', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lapwing-wake-'));
  const sent: string[] = [];
  using network = new VirtualNetwork({
    onMessage: ({ from, message: { payload } }) => {
      const { content } = payload;
      const [head = 0] = content.kind === 'octets' ? content.bytes : [];
      sent.push(`${from}: ${head >= 20 && head < 64 ? 'record' : 'plain'}`);
    },
  });
  const terminals: TcpTerminal[] = [];
  try {
    for (const number of [first, second]) terminals.push(await tcpTerminal(network.modem(number), '127.0.0.1', 0));
    const ports = { udp: await freeUdpPort(), dtls: await freeUdpPort(), mqtt: await freeTcpPort() };
    const file = join(folder, 'gateway.yaml');
    await writeFile(file, configuration(terminals, ports, folder), { mode: 0o600 });
    await using gateway = await Process.start({
      ...{ name: 'lapwing gateway', command: process.execPath, args: [lapwing, 'gateway', '--config', file] },
      ready: /Lapwing gateway: LwM2M on/,
    });
    await using mqtt = await MqttPeer.start(ports.mqtt);
    const device = async (name: string, number: string, server: ServerAccount): Promise<Client> => {
      const objects = new ObjectStore();
      const errorCode = new Map([[0, 0]]);
      objects.add(Device, 0, { manufacturer: name, bindings: 'U', errorCode, reboot: () => undefined });
      const messenger = await Messenger.open({ modem: network.line(number), budget: { perMinute: 60 } });
      const sms = { msisdn: number.slice(1), road: smsRoad(messenger) };
      return Client.start({ name, objects, sms, servers: [{ ...server, queueMode: true, idle: 'deaf' }] });
    };
    const wake = async (name: string, id: number): Promise<readonly string[]> => {
      sent.length = 0;
      mqtt.publish(`lwm2m/${name}/dn/${id}`, { reqID: id, msgType: 'read', data: { path: '/3/0/0' } });
      expect(await mqtt.next('read')).toMatchObject({ reqID: id, data: { content: [{ value: name }] } });
      return [...sent];
    };
    await using _open = await device('sleeper', '+14155550125', {
      uri: `coap://127.0.0.1:${ports.udp}`,
      sms: { number: first.slice(1) },
    });
    await mqtt.next('register');
    await mqtt.next('offline');
    expect(await wake('sleeper', 1)).toEqual([`${first}: plain`]);
    await mqtt.next('offline');
    await using meter = await device('meter', '+14155550126', {
      uri: `coaps://127.0.0.1:${ports.dtls}`,
      credentials: keyOf('meter'),
      sms: { number: second.slice(1), credentials: keyOf('meter-by-text') },
    });
    await mqtt.next('register');
    await mqtt.next('offline');
    await expect.poll(() => meter.stats()?.triggers?.road).toBe('secured');
    expect(await wake('meter', 2)).toEqual([`${second}: record`]);
    expect(meter.stats()?.triggers).toMatchObject({ heard: 1, refused: 0 });
    gateway.kill('SIGTERM');
    await gateway.exited;
  } finally {
    for (const terminal of terminals) await terminal[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
});
