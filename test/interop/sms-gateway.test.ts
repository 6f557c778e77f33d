// The gateway with a modem of its own: a device comes in by text message under DTLS, and one that sleeps on UDP is woken when a command
// for it comes from MQTT. Both modems are virtual, on pseudo-terminals.
import { Client } from '@lapwing/client';
import { atModem, Messenger, serialPort, smsRoad } from '@lapwing/sms';
import { expect, test } from 'vitest';
import { Process } from './parts/process.ts';
import { deviceOf, lapwing, pskOf, SmsGateway } from './parts/sms-gateway.ts';

test('devices come to the gateway by its modem, and are woken by it', async () => {
  await using modems = await Process.start({
    ...{ name: 'lapwing vmodem', command: process.execPath, args: [lapwing, 'vmodem', '--pair', '--trace'] },
    ready: /Modem PTY: \S+ \+12125550178/,
  });
  const terminal = (number: string) => new RegExp(`PTY: (\\S+) \\${number}`).exec(modems.output)?.[1] ?? '';
  await using gateway = await SmsGateway.start({
    sms: { default: { modem: terminal('+12125550178'), max_per_minute: 60 } },
    identities: [['by-number', 'by-number']],
  });
  const { mqtt } = gateway;
  const dial = serialPort({ path: terminal('+14155550125') });
  await using messenger = await Messenger.open({ modem: atModem({ dial }), budget: { perMinute: 60 } });
  const sms = { msisdn: '14155550125', road: smsRoad(messenger) };
  {
    const servers = [{ uri: 'tel:+12125550178', credentials: pskOf('by-number') }];
    await using _client = await Client.start({ name: 'by-number', sms, servers, objects: deviceOf('Lapwing') });
    const { topic, data } = await mqtt.next('register');
    expect(topic).toBe('lwm2m/by-number/up/resp');
    expect(data).toMatchObject({ ep: 'by-number' });
    await gateway.read('by-number', 'Lapwing');
  }
  const servers = [{ uri: gateway.udp, queueMode: true, sms: { number: '12125550178' } }];
  await using _sleeper = await Client.start({ name: 'sleeper', sms, servers, objects: deviceOf('Lapwing') });
  await mqtt.next('register');
  await mqtt.next('offline');
  const before = modems.mark;
  await gateway.read('sleeper', 'Lapwing');
  // One message, from the gateway's number, and none back.
  const messages = [...modems.output.slice(before).matchAll(/^(\+\d+) > \+\d+: .*$/gm)].map(([, from]) => from);
  expect(messages).toEqual(['+12125550178']);
  gateway.process.kill('SIGTERM');
  await gateway.process.exited;
});
