// The gateway with two modems: a device that sleeps is woken by one message, by the modem on which it has shown its key where it has. The
// modems are virtual, behind TCP ports.
import { Client, type ServerAccount } from '@lapwing/client';
import { Messenger, smsRoad } from '@lapwing/sms';
import { type TcpTerminal, tcpTerminal, VirtualNetwork } from '@lapwing/sms/virtual';
import { expect, test } from 'vitest';
import { deviceOf, pskOf, SmsGateway } from './parts/sms-gateway.ts';

const [first, second] = ['+12125550178', '+12125550179'] as const;

test('of two modems one wakes a device, by one message: in the open, or under DTLS where it has shown its key', async () => {
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
    const [a, b] = terminals.map(({ port }) => ({ modem: `tcp://127.0.0.1:${port}`, max_per_minute: 60 }));
    await using gateway = await SmsGateway.start({
      sms: { a: a ?? {}, b: b ?? {} },
      identities: [
        ['meter', 'meter'],
        ['meter', 'meter-by-text'],
      ],
    });
    const { mqtt } = gateway;
    const device = async (name: string, number: string, server: ServerAccount): Promise<Client> => {
      const messenger = await Messenger.open({ modem: network.line(number), budget: { perMinute: 60 } });
      const sms = { msisdn: number.slice(1), road: smsRoad(messenger) };
      const servers = [{ ...server, queueMode: true, idle: 'deaf' }] as const;
      return Client.start({ name, objects: deviceOf(name), sms, servers });
    };
    const wake = async (name: string): Promise<readonly string[]> => {
      sent.length = 0;
      await gateway.read(name, name);
      return [...sent];
    };
    await using _open = await device('sleeper', '+14155550125', {
      uri: gateway.udp,
      sms: { number: first.slice(1) },
    });
    await mqtt.next('register');
    await mqtt.next('offline');
    expect(await wake('sleeper')).toEqual([`${first}: plain`]);
    await mqtt.next('offline');
    await using meter = await device('meter', '+14155550126', {
      uri: gateway.dtls,
      credentials: pskOf('meter'),
      sms: { number: second.slice(1), credentials: pskOf('meter-by-text') },
    });
    await mqtt.next('register');
    await mqtt.next('offline');
    await expect.poll(() => meter.stats()?.triggers?.road).toBe('secured');
    expect(await wake('meter')).toEqual([`${second}: record`]);
    expect(meter.stats()?.triggers).toMatchObject({ heard: 1, refused: 0 });
    gateway.process.kill('SIGTERM');
    await gateway.process.exited;
  } finally {
    for (const terminal of terminals) await terminal[Symbol.asyncDispose]();
  }
});
