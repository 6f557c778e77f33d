// Text messages through the virtual modem as people start it: a process with a pseudo-terminal, opened as a serial port.
import { createSocket } from 'node:dgram';
import { fileURLToPath } from 'node:url';
import { Client } from '@lapwing/client';
import { encodeUtf8, Secret } from '@lapwing/kernel';
import { MemorySecurityStore, Server, wakeBySms } from '@lapwing/server';
import { atModem, Messenger, serialPort, smsRoad, tcpPort } from '@lapwing/sms';
import { describe, expect, test } from 'vitest';
import { freeUdpPort } from './parts/ports.ts';
import { Process } from './parts/process.ts';

const lapwing = fileURLToPath(new URL('../../packages/cli/bin/lapwing.mjs', import.meta.url));

const root = fileURLToPath(new URL('../..', import.meta.url));

const vmodem = (...args: readonly string[]): Promise<Process> =>
  Process.start({
    ...{ name: 'lapwing vmodem', command: process.execPath, args: [lapwing, 'vmodem', '--trace', ...args] },
    ready: /Modem (?:PTY|TCP): /,
  });

const terminalOf = ({ output }: Process): string => /Modem PTY: (\S+)/.exec(output)?.[1] ?? '';

/** What each of them carried, in hexadecimal digits. */
const messagesOf = ({ output }: Process): readonly string[] =>
  [...output.matchAll(/^\+\d+ > \+\d+: .*octets ([0-9a-f]*)$/gm)].map(([, octets = '']) => octets);

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

/** An example in a process of its own. */
const example = (name: string, ...args: readonly string[]): Promise<Process> =>
  Process.start({
    ...{ name: `examples/${name}.ts`, command: process.execPath, lifetime: 60 },
    args: ['--conditions=source', '--import', 'tsx', `examples/${name}.ts`, ...args],
    cwd: root,
    ready: /registered with|listening on port/,
  });

/** What the example says when it is there: the server's number, or its URI. */
const registeredWith = ({ output }: Process): string | undefined => /^registered with (\S+)$/m.exec(output)?.[1];

/** The first Read of what made the device, from the server's side. */
async function maker(listening: Server, name: string): Promise<unknown> {
  const [entry] = await listening.device(name).read('/3/0/0');
  return entry?.value?.value;
}

describe('the tutorials, through a pseudo-terminal that is opened as a serial port', () => {
  test('no security: a device whose only road is a modem registers, is read, and goes when it is told to', async () => {
    await using listening = await server();
    await using modem = await vmodem('--port', portOf(listening));
    const gone = listening.events.once('deregistered');
    await using device = await example('sms-device', 'tutorial-1', terminalOf(modem));
    expect(registeredWith(device)).toBe('tel:+12125550178');
    const registration = listening.registration('tutorial-1');
    expect(registration).toMatchObject({ binding: 'S', smsNumber: '14155550125', queueMode: false });
    expect(await maker(listening, 'tutorial-1')).toBe('Lapwing');
    device.kill('SIGTERM');
    await gone;
    expect(Math.max(...sizesOf(modem))).toBeLessThanOrEqual(140);
  });

  test('DTLS with a pre-shared key: in twelve messages at most, each of 140 octets at most, and nothing can be read', async () => {
    const security = new MemorySecurityStore();
    const key = new Secret(encodeUtf8('P4s$w0rd'));
    await security.put({ endpoint: 'tutorial-2', credential: { kind: 'psk', identity: encodeUtf8('identity'), key } });
    await using listening = await Server.listen({
      listeners: [{ via: 'udp', host: '127.0.0.1', port: 0, dtls: {} }],
      security,
    });
    await using modem = await vmodem('--port', portOf(listening));
    await using device = await example('sms-device-psk', 'tutorial-2', terminalOf(modem));
    expect(registeredWith(device)).toBe('tel:+12125550178');
    const messages = sizesOf(modem);
    // The last one is the answer to Register, whose question took one or two.
    expect(messages.length).toBeLessThanOrEqual(12 + 3);
    const handshake = messagesOf(modem).filter((octets) => /^(?:14|16)fefd/.test(octets));
    expect(handshake.length).toBeLessThanOrEqual(12);
    expect(handshake.some((octets) => octets.includes('c0a8'))).toBe(true);
    expect(await maker(listening, 'tutorial-2')).toBe('Lapwing');
    expect(Math.max(...sizesOf(modem))).toBeLessThanOrEqual(140);
    expect(messagesOf(modem).some((octets) => octets.includes(Buffer.from('Lapwing').toString('hex')))).toBe(false);
  });

  test('parts: what is longer than a text message is cut and put together, both ways', async () => {
    await using listening = await server();
    await using modem = await vmodem('--port', portOf(listening));
    await using device = await example('sms-device-multipart', 'tutorial-3', terminalOf(modem));
    expect(registeredWith(device)).toBe('tel:+12125550178');
    expect(await maker(listening, 'tutorial-3')).toBe('Lapwing, '.repeat(50));
    expect(modem.output).toMatch(/^\+14155550125 > \+12125550178: part 4 of 4, /m);
    expect(Math.max(...sizesOf(modem))).toBe(140);
  });

  test('a trigger: a sleeping device on UDP is woken by one text message, and hears by UDP what has waited', async () => {
    await using modems = await vmodem('--pair');
    const [, second = ''] = await modems.waitFor(/PTY: (\S+) \+12125550178/, { from: 0 });
    const [, first = ''] = /PTY: (\S+) \+14155550125/.exec(modems.output) ?? [];
    const port = String(await freeUdpPort());
    await using serving = await example('sms-server-trigger', port, second);
    await using device = await example('sms-device-trigger', 'tutorial-4', first, `coap://127.0.0.1:${port}`);
    expect(registeredWith(device)).toBe(`coap://127.0.0.1:${port}`);
    await serving.waitFor(/^tutorial-4 was made by Lapwing$/m);
    await device.waitFor(/^woken$/m);
    // One message, and no answer to it.
    const [trigger = '', ...others] = messagesOf(modems);
    expect(trigger).toMatch(/^5002....b13101300138$/);
    expect(others).toEqual([]);
    expect(modems.output).toMatch(/^\+12125550178 > \+14155550125: /m);
  });
});

test('a device of the shell on UDP is woken by one text message from the number that it was given', async () => {
  await using modems = await vmodem('--pair');
  const [, second = ''] = await modems.waitFor(/PTY: (\S+) \+12125550178/, { from: 0 });
  const [, first = ''] = /PTY: (\S+) \+14155550125/.exec(modems.output) ?? [];
  await using messenger = await Messenger.open({ modem: atModem({ dial: serialPort({ path: second }) }) });
  await using listening = await Server.listen({
    ...{ listeners: [{ via: 'udp', host: '127.0.0.1', port: 0 }], awakeWindow: 1000 },
  });
  using _waking = wakeBySms(listening, { messenger });
  const registered = listening.events.once('registered');
  await using _device = await Process.start({
    ...{ name: 'lapwing client', command: process.execPath, ready: /registration-complete/ },
    args: [
      ...[lapwing, 'client', '-e', 'by-shell', '-u', `coap://127.0.0.1:${portOf(listening)}`, '--queue-mode'],
      ...['--awake', '1', '--modem', first, '--msisdn', '14155550125', '--sms-number', '12125550178'],
    ],
  });
  expect((await registered).registration).toMatchObject({ smsNumber: '14155550125', queueMode: true });
  const woken = listening.events.once('updated');
  await expect.poll(() => listening.isAwake('by-shell'), { timeout: 10_000 }).toBe(false);
  expect(await maker(listening, 'by-shell')).toBe('Lapwing');
  await woken;
  expect(messagesOf(modems)).toHaveLength(1);
});

test('a modem behind a TCP port is spoken to as one on a serial port', async () => {
  await using listening = await server();
  await using modem = await vmodem('--port', portOf(listening), '--tcp', '0');
  const port = Number(/Modem TCP: 127.0.0.1:(\d+)/.exec(modem.output)?.[1]);
  await using messenger = await Messenger.open({ modem: atModem({ dial: tcpPort('127.0.0.1', port) }) });
  const registered = listening.events.once('registered');
  await using _client = await Client.start({
    ...{ name: 'by-tcp', servers: [{ uri: 'tel:+12125550178' }] },
    sms: { msisdn: '14155550125', road: smsRoad(messenger) },
  });
  expect((await registered).registration.name).toBe('by-tcp');
});

describe('a modem behind the pseudo-terminal', () => {
  /** Somebody at the server's number is a UDP socket; what the device hears, and what becomes of it. */
  async function attached(...args: readonly string[]) {
    const far = createSocket('udp4');
    const heardFar: string[] = [];
    const senders: { readonly port: number }[] = [];
    far.on('message', (bytes, sender) => {
      heardFar.push(String(bytes));
      senders.push(sender);
    });
    await new Promise<void>((resolve) => far.bind(0, '127.0.0.1', resolve));
    const process = await vmodem('--port', String(far.address().port), ...args);
    const modem = atModem({ dial: serialPort({ path: terminalOf(process) }), checkEvery: 500 });
    const troubles: string[] = [];
    const states: string[] = [];
    const messenger = await Messenger.open({
      modem: {
        open: (sink) => modem.open({ ...sink, trouble: ({ message }) => troubles.push(message) }),
        send: (destination, payload) => modem.send(destination, payload),
        [Symbol.asyncDispose]: () => modem[Symbol.asyncDispose](),
      },
    });
    messenger.events.on('modem', ({ state }) => states.push(state));
    const heard: string[] = [];
    messenger.receive(undefined, ({ bytes }) => heard.push(Buffer.from(bytes).toString()));
    return {
      ...{ messenger, modem, heard, heardFar, states, troubles },
      fault: async (...faults: readonly string[]) => {
        const from = process.mark;
        process.write(`${faults.join('\n')}\n`);
        await process.waitFor(new RegExp(`^fault: ${faults.at(-1)}$`, 'm'), { from });
      },
      say: (text: string) => messenger.send('+12125550178', Buffer.from(text)),
      answer: (text: string) => far.send(text, senders.at(-1)?.port ?? 0, '127.0.0.1'),
      [Symbol.asyncDispose]: async () => {
        await messenger[Symbol.asyncDispose]();
        await process.stop();
        far.close();
      },
    };
  }

  test('that starts anew without a word is set up again, and nothing that was sent or came meanwhile is lost', async () => {
    await using device = await attached();
    device.say('one');
    await expect.poll(() => device.heardFar, { timeout: 10_000 }).toEqual(['one']);
    await device.fault('forget');
    device.say('two');
    await expect.poll(() => device.heardFar, { timeout: 10_000 }).toEqual(['one', 'two']);
    await device.fault('forget');
    device.answer('three');
    await expect.poll(() => device.heard, { timeout: 10_000 }).toEqual(['three']);
    expect(device.states.filter((state) => state === 'down').length).toBeGreaterThanOrEqual(1);
    expect(device.messenger.stats()).toMatchObject({ sent: 2, failed: 0 });
  });

  test('that was closed can be opened again at once', async () => {
    await using process = await vmodem();
    const dial = serialPort({ path: terminalOf(process) });
    for (let i = 0; i < 3; i += 1) {
      await using modem = atModem({ dial });
      await modem.open({ receive: () => undefined, report: () => undefined, state: () => undefined });
      expect(modem.stats().starts).toBe(1);
    }
  });

  test('that is unplugged is missed at once', async () => {
    await using process = await vmodem();
    await using modem = atModem({ dial: serialPort({ path: terminalOf(process) }) });
    const states: string[] = [];
    await modem.open({
      receive: () => undefined,
      report: () => undefined,
      state: (state) => states.push(state),
    });
    await process.stop();
    await expect.poll(() => states, { timeout: 5000 }).toEqual(['ready', 'down']);
  });

  test('that does not tell of a message, or will not give it out yet, is read a little later, once', async () => {
    await using device = await attached();
    device.say('one');
    await expect.poll(() => device.heardFar, { timeout: 10_000 }).toEqual(['one']);
    await device.fault('hush', 'refuse=314x1@CMGL', 'refuse=314x1@CMGD');
    device.answer('two');
    await expect.poll(() => device.heard, { timeout: 10_000 }).toEqual(['two']);
    await expect.poll(() => device.modem.stats().held, { timeout: 10_000 }).toBe(0);
    expect(device.heard).toEqual(['two']);
  });

  test('whose memory is full of drafts is told of, with what to do', async () => {
    await using device = await attached('--places', '5', '--drafts', '5');
    await expect.poll(() => device.troubles, { timeout: 10_000 }).toHaveLength(1);
    expect(device.troubles[0]).toContain('5 by what is not for us');
    expect(device.modem.stats()).toMatchObject({ foreign: 5, places: 5 });
  });
});

test('vmodem says what is wrong with its options, all at once', async () => {
  await using wrong = await Process.start({
    ...{ name: 'lapwing vmodem', command: process.execPath },
    args: [
      ...[lapwing, 'vmodem', '--loss', '2', '--delay', '5-1', '--client', 'AT', '--fault', 'fire', '--port', '0'],
      ...['--places', '5', '--drafts', '6', '--fault', 'refuse=1x2@;'],
    ],
  });
  expect((await wrong.exited).code).toBe(2);
  const expected = [
    '--loss: 2',
    '--delay: 5-1',
    '--client: AT',
    '--fault: fire',
    '--port: 0',
    '--drafts: 6',
    'refuse=1x2@;',
  ];
  for (const words of expected) expect(wrong.output).toContain(words);
});

test('vmodem says at once that there is no such host', async () => {
  await using wrong = await Process.start({
    ...{ name: 'lapwing vmodem', command: process.execPath },
    args: [lapwing, 'vmodem', '--host', 'no.such.host.invalid', '--port', '5683'],
  });
  expect((await wrong.exited).code).toBe(1);
  expect(wrong.output).toContain('there is no host no.such.host.invalid');
});
