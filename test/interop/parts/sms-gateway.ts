// `lapwing gateway` that hears devices by text message, by UDP and by DTLS, on free ports and with a store of its own, and what they send on
// MQTT.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ObjectStore } from '@lapwing/client';
import { encodeUtf8, fromHex, Secret } from '@lapwing/kernel';
import { expect } from 'vitest';
import { MqttPeer } from './mqtt-client.ts';
import { Device } from './objects.ts';
import { freeTcpPort, freeUdpPort } from './ports.ts';
import { Process } from './process.ts';

export const lapwing = fileURLToPath(new URL('../../../packages/cli/bin/lapwing.mjs', import.meta.url));
/** Of every device, in hexadecimal. */
export const sharedKey = '000102030405060708090a0b0c0d0e0f';

export interface SmsGatewayOptions {
  /** Its listeners for text messages: name and options, in the configuration's words. */
  readonly sms: Readonly<Record<string, object>>;
  /** Identities of PSK by name of the endpoint: all with `sharedKey`. */
  readonly identities: readonly (readonly [endpoint: string, identity: string])[];
}

interface Ports {
  readonly udp: number;
  readonly dtls: number;
  readonly mqtt: number;
}

const configuration = ({ sms, identities }: SmsGatewayOptions, ports: Ports, folder: string): object => ({
  gateway: {
    lwm2m: {
      qmode_time_window: '1s',
      translators: {
        command: { topic: 'dn/#' },
        response: { topic: 'up/resp' },
        notify: { topic: 'up/notify' },
        register: { topic: 'up/resp' },
        update: { topic: 'up/update' },
      },
      lifecycle_events: true,
      listeners: {
        udp: { default: { bind: `127.0.0.1:${ports.udp}` } },
        dtls: { default: { bind: `127.0.0.1:${ports.dtls}` } },
        sms,
      },
    },
  },
  mqtt: { bind: `127.0.0.1:${ports.mqtt}` },
  security: {
    credentials: identities.map(([endpoint, identity]) => ({ endpoint, psk: { identity, key: sharedKey } })),
  },
  store: { dir: folder },
});

export class SmsGateway implements AsyncDisposable {
  readonly process: Process;
  readonly mqtt: MqttPeer;
  /** Where devices reach it without text messages. */
  readonly udp: string;
  readonly dtls: string;
  private readonly folder: string;
  private requests = 0;

  private constructor(process: Process, mqtt: MqttPeer, { udp, dtls }: Ports, folder: string) {
    this.process = process;
    this.mqtt = mqtt;
    this.udp = `coap://127.0.0.1:${udp}`;
    this.dtls = `coaps://127.0.0.1:${dtls}`;
    this.folder = folder;
  }

  static async start(options: SmsGatewayOptions): Promise<SmsGateway> {
    const folder = await mkdtemp(join(tmpdir(), 'lapwing-sms-'));
    const ports = { udp: await freeUdpPort(), dtls: await freeUdpPort(), mqtt: await freeTcpPort() };
    const file = join(folder, 'gateway.yaml');
    await writeFile(file, JSON.stringify(configuration(options, ports, folder)), { mode: 0o600 });
    const gateway = await Process.start({
      ...{ name: 'lapwing gateway', command: process.execPath, args: [lapwing, 'gateway', '--config', file] },
      ready: /Lapwing gateway: LwM2M on/,
    });
    return new SmsGateway(gateway, await MqttPeer.start(ports.mqtt), ports, folder);
  }

  /** Reads the manufacturer of a device by a command from MQTT: it is `manufacturer`. */
  async read(endpoint: string, manufacturer: string): Promise<void> {
    this.requests += 1;
    const reqID = this.requests;
    this.mqtt.publish(`lwm2m/${endpoint}/dn/${reqID}`, { reqID, msgType: 'read', data: { path: '/3/0/0' } });
    expect(await this.mqtt.next('read')).toMatchObject({ reqID, data: { content: [{ value: manufacturer }] } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mqtt[Symbol.asyncDispose]();
    await this.process[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The objects of a device with this manufacturer. */
export function deviceOf(manufacturer: string): ObjectStore {
  const store = new ObjectStore();
  const errorCode = new Map([[0, 0]]);
  store.add(Device, 0, { manufacturer, bindings: 'U', errorCode, reboot: () => undefined });
  return store;
}

export const pskOf = (identity: string) =>
  ({ kind: 'psk', identity: encodeUtf8(identity), key: new Secret(fromHex(sharedKey)) }) as const;
