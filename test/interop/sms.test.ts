// Text messages through the virtual modem as people start it: a process with a pseudo-terminal, opened as a serial port.
import { fileURLToPath } from 'node:url';
import { Client, ObjectStore } from '@lapwing/client';
import { Server } from '@lapwing/server';
import { atModem, type Dial, Messenger, serialPort, smsTransport, tcpPort } from '@lapwing/sms';
import { describe, expect, test } from 'vitest';
import { Device } from './parts/objects.ts';
import { Process } from './parts/process.ts';

const lapwing = fileURLToPath(new URL('../../packages/cli/bin/lapwing.mjs', import.meta.url));

const vmodem = (...args: readonly string[]): Promise<Process> =>
  Process.start({
    ...{ name: 'lapwing vmodem', command: process.execPath, args: [lapwing, 'vmodem', '--trace', ...args] },
    ready: /Modem (?:PTY|TCP): /,
  });

const terminalOf = ({ output }: Process): string => /Modem PTY: (\S+)/.exec(output)?.[1] ?? '';

/** Octets of each text message that passed, headers included. */
const sizesOf = ({ output }: Process): readonly number[] =>
  [...output.matchAll(/^\+\d+ > \+\d+: (part .*, )?(\d+) octets/gm)].map(
    ([, part, size]) => Number(size) + (part ? 6 : 0),
  );

const server = () => Server.listen({ listeners: [{ via: 'udp', host: '127.0.0.1', port: 0 }] });
const portOf = (listening: Server): string => {
  const [address] = listening.addresses;
  return String(address?.via === 'udp' ? address.port : 0);
};

async function device(dial: Dial) {
  const messenger = await Messenger.open({ modem: atModem({ dial }), budget: { perHour: 1000, perMinute: 1000 } });
  const objects = new ObjectStore();
  objects.add(Device, 0, {
    manufacturer: 'Lapwing',
    bindings: 'S',
    reboot: () => undefined,
    errorCode: new Map([[0, 0]]),
  });
  const client = await Client.start({
    ...{ name: 'by-sms', smsNumber: '14155550125', objects },
    servers: [{ uri: 'tel:+12125550178' }],
    connectors: { tel: () => smsTransport({ messenger, from: '+12125550178' }) },
  });
  return {
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      await messenger[Symbol.asyncDispose]();
    },
  };
}

describe('a device whose only road is a modem', () => {
  test.each([
    ['a pseudo-terminal, opened as a serial port', [], (modem: Process) => serialPort({ path: terminalOf(modem) })],
    [
      'a TCP port',
      ['--tcp', '0'],
      (modem: Process) => tcpPort('127.0.0.1', Number(/Modem TCP: 127.0.0.1:(\d+)/.exec(modem.output)?.[1])),
    ],
  ] as const)('on %s registers, is read and goes', async (_what, args, dial) => {
    await using listening = await server();
    await using modem = await vmodem('--port', portOf(listening), ...args);
    const registered = listening.events.once('registered');
    const gone = listening.events.once('deregistered');
    {
      await using _device = await device(dial(modem));
      const { registration } = await registered;
      expect(registration.name).toBe('by-sms');
      expect(registration.binding).toBe('S');
      expect(registration.parameters.get('sms')).toBe('14155550125');
      const [entry] = await listening.device('by-sms').read('/3/0/0');
      expect(entry?.value).toEqual({ type: 'string', value: 'Lapwing' });
    }
    await gone;
    const sizes = sizesOf(modem);
    expect(sizes.length).toBeGreaterThanOrEqual(6);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(140);
  });
});

test('vmodem says what is wrong with its options, all at once', async () => {
  await using wrong = await Process.start({
    ...{ name: 'lapwing vmodem', command: process.execPath },
    args: [lapwing, 'vmodem', '--loss', '2', '--delay', '5-1', '--client', 'AT', '--fault', 'fire', '--port', '0'],
  });
  expect((await wrong.exited).code).toBe(2);
  for (const words of ['--loss: 2', '--delay: 5-1', '--client: AT', '--fault: fire', '--port: 0'])
    expect(wrong.output).toContain(words);
});
