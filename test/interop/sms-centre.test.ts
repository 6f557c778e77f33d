// Text messages through an SMPP centre, jSMPP: the messenger in both directions, what a centre refuses, TLS, and the gateway with a centre in
// the place of a modem, whose device comes in under DTLS and whose sleeping one is woken for a command from MQTT.
import { readFileSync } from 'node:fs';
import { Client } from '@lapwing/client';
import { encodeUtf8, Secret } from '@lapwing/kernel';
import { Messenger, parseSmppUri, type ReceivedMessage, smppCentre, smsRoad, tcpPort, tlsPort } from '@lapwing/sms';
import { expect, test } from 'vitest';
import { material } from './parts/dtls-material.ts';
import { type Account, JavaCentre, jsmpp } from './parts/jsmpp.ts';
import { openssl } from './parts/openssl.ts';
import { describeWith } from './parts/part.ts';
import { freeTcpPort } from './parts/ports.ts';
import { Process } from './parts/process.ts';
import { deviceOf, lapwing, pskOf, SmsGateway, sharedKey } from './parts/sms-gateway.ts';

const accounts: Readonly<Record<string, Account>> = {
  server: { password: 'secret-1', number: '12125550178' },
  device: { password: 'secret-2', number: '14155550125' },
};
const budget = { perMinute: 600, perHour: 1000 };

/** As `name` of the accounts. */
function bind(port: number, name: string, { password = accounts[name]?.password ?? '', query = '' } = {}) {
  const uri = parseSmppUri(`smpp://${name}:${password}@127.0.0.1:${port}${query}`);
  return smppCentre({ ...uri, dial: tcpPort(uri.host, uri.port) });
}

/** What comes to it, one after the other. */
function inbox(messenger: Messenger): () => Promise<ReceivedMessage> {
  const arrived: ReceivedMessage[] = [];
  let wake = (): void => undefined;
  messenger.receive(undefined, (message) => {
    arrived.push(message);
    wake();
  });
  return async () => {
    for (;;) {
      const next = arrived.shift();
      if (next !== undefined) return next;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}

/** The gateway with the centre at that port in the place of a modem. */
const gatewayAt = (port: number): Promise<SmsGateway> =>
  SmsGateway.start({
    sms: {
      default: {
        modem: `smpp://server@127.0.0.1:${port}?source=+12125550178`,
        smpp: { password: 'secret-1', keepalive: '1s' },
        max_per_minute: 600,
      },
    },
    identities: [
      ['by-number', 'by-number'],
      ['by-command', 'by-command'],
    ],
  });

await describeWith([jsmpp, openssl], 'an SMPP centre', () => {
  test('carries octets both ways, whole and in parts, and says what it carries', async () => {
    await using centre = await JavaCentre.start(accounts);
    await using server = await Messenger.open({
      ...{ modem: bind(centre.port, 'server', { query: '?source=+12125550178' }), parts: 'many', budget },
    });
    await using device = await Messenger.open({ modem: bind(centre.port, 'device'), parts: 'many', budget });
    const [atServer, atDevice] = [inbox(server), inbox(device)];
    const octets = Uint8Array.from({ length: 1000 }, (_, i) => i & 0xff);
    server.send('+14155550125', octets);
    expect(await atDevice()).toMatchObject({ from: '+12125550178', bytes: octets });
    const first = await centre.next('message');
    expect(first).toMatchObject({ from: '12125550178', sourceTon: '1', sourceNpi: '1', esmClass: '64', coding: '4' });
    expect(first.hex).toMatch(/^050003..08/);
    device.send('+12125550178', Uint8Array.of(0, 0x0a, 0x1a, 0xff));
    expect(await atServer()).toMatchObject({ from: '+14155550125', bytes: Uint8Array.of(0, 0x0a, 0x1a, 0xff) });
  });

  test('is waited for when it is asked too much of, and loses nothing by it', async () => {
    await using centre = await JavaCentre.start(accounts);
    const modem = bind(centre.port, 'server');
    await using server = await Messenger.open({ modem, budget });
    await using device = await Messenger.open({ modem: bind(centre.port, 'device'), budget });
    const atDevice = inbox(device);
    centre.tell('throttle 2');
    centre.tell('full 1');
    for (let i = 0; i < 20; i += 1) server.send('+14155550125', Uint8Array.of(i));
    const arrived: (number | undefined)[] = [];
    while (arrived.length < 20) arrived.push((await atDevice()).bytes[0]);
    expect(arrived.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(modem.stats()).toMatchObject({ throttled: 3, refused: 0, unknown: 0 });
  });

  test('sends texts and receipts, which are told apart from octets', async () => {
    await using centre = await JavaCentre.start(accounts);
    const modem = bind(centre.port, 'server');
    await using server = await Messenger.open({ modem, budget });
    const texts: unknown[] = [];
    const read = new Promise<void>((resolve) => {
      server.events.on('text', (text) => {
        texts.push(text);
        resolve();
      });
    });
    centre.tell('receipts');
    server.send('+14155550125', Uint8Array.of(1));
    await centre.next('delivered');
    centre.tell('say 12125550178 4930123456 Hello there');
    await read;
    expect(texts).toEqual([{ from: '+4930123456', content: { kind: 'gsm7', text: 'Hello there' } }]);
    expect(modem.stats().reports).toBe(1);
  });

  test('refuses a wrong password and an unknown account, and both are told', async () => {
    await using centre = await JavaCentre.start(accounts);
    const sink = { receive: () => undefined, report: () => undefined, state: () => undefined };
    const wrong = bind(centre.port, 'server', { password: 'no' }).open(sink);
    await expect(wrong).rejects.toMatchObject({ code: 'SMS_CENTRE', problem: 'refused', status: 0x0e });
    await expect(bind(centre.port, 'nobody', { password: 'no' }).open(sink)).rejects.toMatchObject({ status: 0x0f });
  });

  test('is bound again after it has unbound', async () => {
    await using centre = await JavaCentre.start(accounts);
    await using server = await Messenger.open({ modem: bind(centre.port, 'server'), budget });
    const again = new Promise<void>((resolve) => {
      server.events.on('modem', ({ state }) => {
        if (state === 'ready') resolve();
      });
    });
    centre.tell('unbind');
    await again;
    server.send('+14155550125', Uint8Array.of(7));
    expect(await centre.next('message')).toMatchObject({ hex: '07' });
  });

  test('is spoken to over TLS, when its certificate is trusted', async () => {
    await using centre = await JavaCentre.start(accounts, { security: 'tls' });
    const { authority } = await material();
    const dial = (ca?: string) => tlsPort('localhost', centre.port, ca === undefined ? {} : { ca });
    const account = { systemId: 'server', password: new Secret(encodeUtf8('secret-1')) };
    const sink = { receive: () => undefined, report: () => undefined, state: () => undefined };
    await expect(smppCentre({ ...account, dial: dial() }).open(sink)).rejects.toMatchObject({ problem: 'gone' });
    const trusting = dial(readFileSync(authority, 'utf8'));
    await using server = await Messenger.open({ modem: smppCentre({ ...account, dial: trusting }), budget });
    server.send('+14155550125', Uint8Array.of(7));
    expect(await centre.next('message')).toMatchObject({ hex: '07' });
  });

  test('is waited for by a gateway that was there before it', async () => {
    const port = await freeTcpPort();
    await using gateway = await gatewayAt(port);
    await gateway.process.waitFor(/ECONNREFUSED.*the centre is gone/);
    await using centre = await JavaCentre.start(accounts, { port });
    expect(await centre.next('bound')).toMatchObject({ account: 'server' });
    await gateway.process.waitFor(/the centre is ready/);
  });

  test('stands in the place of the modem of the gateway and of devices', async () => {
    await using centre = await JavaCentre.start(accounts);
    await using gateway = await gatewayAt(centre.port);
    const { mqtt } = gateway;
    {
      const device = `smpp://device:secret-2@127.0.0.1:${centre.port}`;
      const road = ['-u', 'tel:+12125550178', '--modem', device, '--msisdn', '14155550125'];
      const psk = ['--psk-identity', 'by-command', '--psk-key', sharedKey];
      const budget = ['--sms-per-minute', '600', '--sms-per-hour', '1000'];
      const flags = ['-e', 'by-command', ...road, ...psk, ...budget, '--objects', '3', '--exec', 'status', '--stay'];
      await using client = await Process.start({
        ...{ name: 'lapwing client', command: process.execPath, args: [lapwing, 'client', ...flags] },
        ready: /./,
      });
      expect(await mqtt.next('register')).toMatchObject({ data: { ep: 'by-command' } });
      centre.tell('unbind');
      await client.waitFor(/^\* modem-down: /m);
      await client.waitFor(/^\* modem-ready/m);
      client.kill('SIGTERM');
      await client.exited;
    }
    await using messenger = await Messenger.open({
      ...{ modem: bind(centre.port, 'device', { query: '?source=+14155550125' }), budget },
    });
    const sms = { msisdn: '14155550125', road: smsRoad(messenger) };
    {
      const servers = [{ uri: 'tel:+12125550178', credentials: pskOf('by-number') }];
      await using _client = await Client.start({ name: 'by-number', sms, servers, objects: deviceOf('Lapwing') });
      expect(await mqtt.next('register')).toMatchObject({ topic: 'lwm2m/by-number/up/resp' });
      await gateway.read('by-number', 'Lapwing');
      // A centre that is asked too much of, and one that goes and comes back, are nothing that anybody sees.
      centre.tell('throttle 1');
      await gateway.read('by-number', 'Lapwing');
      centre.tell('unbind');
      await centre.next('bound', ({ account }) => account === 'server');
      await centre.next('bound', ({ account }) => account === 'device');
      await gateway.read('by-number', 'Lapwing');
    }
    const servers = [{ uri: gateway.udp, queueMode: true, sms: { number: '12125550178' } }];
    await using _sleeper = await Client.start({ name: 'sleeper', sms, servers, objects: deviceOf('Lapwing') });
    await mqtt.next('register');
    await mqtt.next('offline');
    const before = centre.process.mark;
    await gateway.read('sleeper', 'Lapwing');
    // One message, from the gateway's number, and none back.
    const messages = centre.process.output.slice(before).matchAll(/"event":"message","from":"(\d+)"/g);
    expect([...messages].map(([, from]) => from)).toEqual(['12125550178']);
    gateway.process.kill('SIGTERM');
    await gateway.process.exited;
  });
});
