// The gateway with listeners for connections as it is run: a process of its own, and devices that come over TCP, TLS and
// WebSockets: ours, libcoap's client and aiocoap.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, type Credentials, ObjectStore } from '@lapwing/client';
import { makeAuthority } from '@lapwing/dtls/testing';
import { encodeUtf8, Secret, toBase64 } from '@lapwing/kernel';
import { Device } from '@lapwing/lwm2m/objects/device';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AiocoapClient, aiocoap } from './parts/aiocoap.ts';
import { ask, libcoap, secureLibcoap } from './parts/libcoap.ts';
import { MqttPeer } from './parts/mqtt-client.ts';
import { describeWith } from './parts/part.ts';
import { freeTcpPort } from './parts/ports.ts';
import { Process } from './parts/process.ts';

const lapwing = fileURLToPath(new URL('../../packages/cli/bin/lapwing.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lapwing-streams-'));
const pem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${(toBase64(der).match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`;
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content, { mode: 0o600 });
  return join(folder, name);
};
const authority = makeAuthority({ name: 'Authority of devices' });
const own = authority.issue({ name: 'localhost', alternativeNames: [Uint8Array.of(127, 0, 0, 1)] });
const pump = authority.issue({ name: 'pump' });
const keyOf = (name: string): Uint8Array => encodeUtf8(`the key of ${name}`);

const ports = { tcp: 0, tls: 0, ws: 0, wss: 0, mqtt: 0 };
let config = '';
beforeAll(async () => {
  for (const each of Object.keys(ports) as (keyof typeof ports)[]) ports[each] = await freeTcpPort();
  const ssl = `ssl_options {
    certfile = "${file('server.pem', pem('CERTIFICATE', own.certificate))}"
    keyfile = "${file('server.key', pem('PRIVATE KEY', own.privateKey.reveal()))}"
    cacertfile = "${file('ca.pem', pem('CERTIFICATE', authority.certificate))}"
    verify = verify_peer, fail_if_no_peer_cert = true }`;
  const keys = ['meter', 'valve', 'libcoap'].map(
    (name) => `{ endpoint = ${name}, psk.key = "${Buffer.from(keyOf(name)).toString('hex')}" }`,
  );
  config = file(
    'gateway.conf',
    `gateway.lwm2m {
      translators { command.topic = "dn/#", response.topic = up/resp, notify.topic = up/notify
        register.topic = up/register, update.topic = up/update }
      listeners {
        tcp.default { bind = "127.0.0.1:${ports.tcp}" }
        tls.default { bind = "127.0.0.1:${ports.tls}", ${ssl} }
        ws.default { bind = "127.0.0.1:${ports.ws}" }
        wss.default { bind = "127.0.0.1:${ports.wss}", ${ssl} }
      }
    }
    mqtt.bind = "127.0.0.1:${ports.mqtt}"
    security.credentials = [ ${keys.join(', ')} ]
    store.dir = ":memory:"
    log.format = json`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

async function startGateway(): Promise<{ readonly gateway: Process; readonly mqtt: MqttPeer } & AsyncDisposable> {
  const gateway = await Process.start({
    name: 'lapwing gateway',
    command: process.execPath,
    args: [lapwing, 'gateway', '--config', config],
    ready: /LwM2M on coap\+tcp:\S+, coaps\+tcp:\S+, coap\+ws:\S+, coaps\+ws:/,
  });
  const mqtt = await MqttPeer.start(ports.mqtt);
  return {
    gateway,
    mqtt,
    [Symbol.asyncDispose]: async () => {
      await mqtt[Symbol.asyncDispose]();
      await gateway.stop();
    },
  };
}

async function countersOf(gateway: Process): Promise<Record<string, Record<string, Record<string, number>>>> {
  const from = gateway.mark;
  gateway.kill('SIGUSR2');
  const [line] = await gateway.waitFor(/^\{"registrations".*$/m, { from });
  return JSON.parse(line);
}

function startDevice(name: string, uri: string, credentials?: Credentials): Promise<Client> {
  const objects = new ObjectStore();
  const device = { manufacturer: 'Lapwing', supportedBindingAndModes: 'T', reboot: () => undefined };
  objects.add(Device, 0, { ...device, errorCode: new Map([[0, 0]]) });
  const server = { uri, binding: 'T' };
  return Client.start({
    name,
    servers: [credentials === undefined ? server : { ...server, credentials }],
    objects,
  });
}

const psk = (name: string): Credentials => ({
  kind: 'psk',
  identity: encodeUtf8(name),
  key: new Secret(keyOf(name)),
});
const certificate: Credentials = {
  kind: 'x509',
  own: { chain: [pump.certificate], privateKey: pump.privateKey },
  trust: { roots: [authority.certificate] },
};

await describeWith([], 'the gateway takes connections', () => {
  test.each<[string, string, keyof typeof ports, Credentials | undefined]>([
    ['sensor', 'coap+tcp', 'tcp', undefined],
    ['meter', 'coaps+tcp', 'tls', psk('meter')],
    ['pump', 'coaps+tcp', 'tls', certificate],
    ['browser', 'coap+ws', 'ws', undefined],
    ['valve', 'coaps+ws', 'wss', psk('valve')],
  ])('of %s over %s, and MQTT reads from it', async (name, scheme, port, credentials) => {
    await using running = await startGateway();
    const { mqtt, gateway } = running;
    await using _client = await startDevice(name, `${scheme}://127.0.0.1:${ports[port]}`, credentials);
    expect(await mqtt.next('register')).toMatchObject({ topic: `lwm2m/${name}/up/register`, data: { ep: name } });
    mqtt.publish(`lwm2m/${name}/dn/dm`, { reqID: 1, msgType: 'read', data: { path: '/3/0/0' } });
    expect(await mqtt.next('read')).toMatchObject({
      reqID: 1,
      data: { code: '2.05', content: [{ path: '/3/0/0', value: 'Lapwing' }] },
    });
    const { streams } = await countersOf(gateway);
    expect(streams?.[`${port}:default`]).toMatchObject({ connections: 1, accepted: 1, refused: 0 });
  });

  test('but not under the name of another, nor with a key that it does not know, and says so', async () => {
    await using running = await startGateway();
    const { gateway } = running;
    const uri = `coaps+tcp://127.0.0.1:${ports.tls}`;
    await using _impostor = await startDevice('valve', uri, certificate);
    await gateway.waitFor(/"endpoint":"valve".*"fact":"register refused: credentials"/);
    await using _stranger = await startDevice('stranger', uri, psk('stranger'));
    await gateway.waitFor(/"problem":"[A-Z_0-9]+".*"fact":"tls: handshake failed"/);
    const { handshakesFailed } = await countersOf(gateway);
    expect(Object.keys(handshakesFailed ?? {})).not.toEqual([]);
  });
});

const register = (scheme: string, port: number, name: string): string =>
  `${scheme}://127.0.0.1:${port}/rd?ep=${name}&lt=300&lwm2m=1.1&b=T`;
const links = { method: 'post', payload: '</3/0>', args: ['-t', '40'] } as const;

await describeWith([libcoap], 'the gateway and coap-client over TCP', () => {
  test('a Register is published', async () => {
    await using running = await startGateway();
    const { refusal } = await ask(register('coap+tcp', ports.tcp, 'libcoap-tcp'), links);
    expect(refusal).toBeUndefined();
    expect(await running.mqtt.next('register')).toMatchObject({ data: { ep: 'libcoap-tcp', objectList: ['/3/0'] } });
  });
});

await describeWith([secureLibcoap], 'the gateway and coap-client over TLS', () => {
  test('a Register is published, with a key and with a certificate', async () => {
    await using running = await startGateway();
    const secure = { ...links, secure: true } as const;
    const args = ['-u', 'libcoap', '-k', 'the key of libcoap'];
    const byKey = await ask(register('coaps+tcp', ports.tls, 'libcoap'), { ...secure, args: [...links.args, ...args] });
    expect(byKey.refusal).toBeUndefined();
    expect(await running.mqtt.next('register')).toMatchObject({ data: { ep: 'libcoap' } });
    const files = [
      ...['-c', file('pump.pem', pem('CERTIFICATE', pump.certificate))],
      ...['-j', file('pump.key', pem('PRIVATE KEY', pump.privateKey.reveal()))],
      ...['-C', join(folder, 'ca.pem')],
    ];
    const byName = await ask(register('coaps+tcp', ports.tls, 'pump'), { ...secure, args: [...links.args, ...files] });
    expect(byName.refusal).toBeUndefined();
    expect(await running.mqtt.next('register')).toMatchObject({ data: { ep: 'pump' } });
  });
});

await describeWith([aiocoap], 'the gateway and aiocoap over WebSockets', () => {
  test('a Register is published', async () => {
    await using running = await startGateway();
    await using client = await AiocoapClient.start({ transport: 'ws' });
    const uri = register('coap+ws', ports.ws, 'aiocoap');
    const answer = await client.ask({ uri, method: 'POST', payload: '</3/0>', contentFormat: 40 });
    expect(answer).toMatchObject({ code: '2.01 Created', location: expect.stringMatching(/^\/rd\//) });
    expect(await running.mqtt.next('register')).toMatchObject({ data: { ep: 'aiocoap', objectList: ['/3/0'] } });
  });
});
