// What only text messages have: sizes, patience, bad roads, triggers, and what a binding says of them.
import { Client, ObjectStore } from '@lapwing/client';
import { Code, Endpoint, makeRequest, Option, OptionSet } from '@lapwing/coap';
import { secure } from '@lapwing/dtls';
import { pskParties } from '@lapwing/dtls/testing';
import { encodeUtf8, minutes, noBytes, Secret, seconds } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { MemorySecurityStore, Server, wakeBySms } from '@lapwing/server';
import {
  Messenger,
  type MessengerOptions,
  type Modem,
  octetCoding,
  parseNumber,
  smsRoad,
  smsTransport,
} from '@lapwing/sms';
import { VirtualNetwork, type VirtualNetworkOptions } from '@lapwing/sms/virtual';
import { describe, expect, it, test } from 'vitest';
import { DeviceObject, Temperature } from './objects.ts';

const [device, server] = ['+14155550125', '+12125550178'] as const;
const free = { perHour: 1e6, perMinute: 1e6 };
const key = new Secret(encodeUtf8('0123456789abcdef'));
const credentials = { kind: 'psk', identity: encodeUtf8('meter-1'), key } as const;

interface Sent {
  readonly from: string;
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** Two numbers on a virtual network, and everything that passed. */
class Scene {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly sent: Sent[] = [];
  readonly network: VirtualNetwork;

  constructor(options: VirtualNetworkOptions = {}, seed = 1) {
    this.random = new SeededRandom(seed);
    this.network = new VirtualNetwork({
      ...{ clock: this.clock, random: this.random, ...options },
      onMessage: ({ from, message: { payload } }) => {
        const bytes = payload.content.kind === 'octets' ? payload.content.bytes : noBytes;
        this.sent.push({ from, bytes, at: this.clock.now() });
      },
    });
  }

  get ambient() {
    return { clock: this.clock, random: this.random };
  }

  messenger(number: string, options: Partial<MessengerOptions> = {}): Promise<Messenger> {
    return Messenger.open({ modem: this.network.line(number), budget: free, ...this.ambient, ...options });
  }

  /** A server that hears devices by number. */
  async server(secured: 'psk' | 'none' = 'none') {
    const security = new MemorySecurityStore();
    await security.put({ endpoint: 'meter-1', credential: credentials });
    const transport = smsTransport({ messenger: await this.messenger(server) });
    const suites = ['TLS_PSK_WITH_AES_128_CCM_8'];
    return Server.listen({
      listeners: [secured === 'psk' ? { transport, dtls: { suites } } : { transport }],
      ...{ security, ...this.ambient },
    });
  }

  async device(secured: 'psk' | 'none' = 'none') {
    const objects = new ObjectStore();
    objects.add(DeviceObject, 0, {
      ...{ manufacturer: 'Lapwing', modelNumber: 'Meter', utcOffset: '+00:00', bindings: 'S' },
      ...{ reboot: () => undefined, errorCode: new Map([[0, 0]]) },
    });
    const thermometer = objects.add(Temperature, 0, { sensorValue: 20, minMeasured: 20 });
    const account = { uri: `tel:${server}`, lifetime: minutes(30) };
    const client = await Client.start({
      ...{ name: secured === 'psk' ? 'meter-1' : 'open-1', objects, ...this.ambient },
      servers: [secured === 'psk' ? { ...account, credentials } : account],
      sms: { msisdn: device.slice(1), road: smsRoad(await this.messenger(device)) },
    });
    return { client, thermometer };
  }
}

test('an Update under DTLS with a connection id is one text message, and so is what a notification begins with', async () => {
  const scene = new Scene();
  await using listening = await scene.server('psk');
  const { client, thermometer } = await scene.device('psk');
  await scene.clock.advance(seconds(5));
  expect(listening.registration('meter-1')).toMatchObject({ binding: 'S', smsNumber: device.slice(1) });
  const values: unknown[] = [];
  const stop = new AbortController();
  const observing = (async () => {
    for await (const { entries } of listening.device('meter-1').observe('/3303/0/5700', { signal: stop.signal }))
      values.push(entries[0]?.value?.value);
  })().catch(() => undefined);
  await scene.clock.advance(seconds(5));
  // Content type 25 is a record with a connection id (RFC 9146 §4).
  const said = async (act: () => void): Promise<readonly number[]> => {
    scene.sent.length = 0;
    act();
    await scene.clock.advance(seconds(5));
    const own = scene.sent.filter(({ from }) => from === device);
    expect(own.every(({ bytes }) => bytes[0] === 25)).toBe(true);

    return own.map(({ bytes }) => bytes.length);
  };
  const update = await said(() => client.update());
  expect(update).toHaveLength(1);
  expect(update[0]).toBeLessThanOrEqual(140);
  const notification = await said(() => thermometer.set({ sensorValue: 21.5 }));
  expect(notification[0]).toBeLessThanOrEqual(140);
  expect(values).toEqual([20, 21.5]);
  stop.abort();
  await observing;
  const closing = client[Symbol.asyncDispose]();
  await scene.clock.advance(seconds(10));
  await closing;
});

test('G-36: a handshake with a pre-shared key and a short tag is done in twelve text messages of 140 octets', async () => {
  const scene = new Scene({ delay: [seconds(3), seconds(3)] });
  await using _listening = await scene.server('psk');
  const { client } = await scene.device('psk');
  await scene.clock.advance(seconds(60));
  const handshake = scene.sent.filter(({ bytes }) => bytes[0] === 22 || bytes[0] === 20);
  expect(handshake.length).toBeGreaterThan(4);
  expect(handshake.length).toBeLessThanOrEqual(12);
  expect(Math.max(...scene.sent.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(140);
  const closing = client[Symbol.asyncDispose]();
  await scene.clock.advance(seconds(30));
  await closing;
});

test('N-17: on a road that loses 20 % and takes 5 to 60 s a handshake ends or fails in ten minutes, with five copies of a flight at most (40 runs)', async () => {
  let done = 0;
  for (let seed = 1; seed <= 40; seed += 1) {
    const scene = new Scene({ loss: 0.2, delay: [seconds(5), seconds(60)] }, seed);
    const parties = pskParties();
    const side = async (number: string) => smsTransport({ messenger: await scene.messenger(number) });
    await using accepting = secure(await side(server), { accept: parties.store, ...scene.ambient });
    await using connecting = secure(await side(device), { connect: parties.credentials, ...scene.ambient });
    const sink = { receive: () => undefined, lost: () => undefined };
    await accepting.open(sink);
    await connecting.open(sink);
    let outcome: 'done' | 'failed' | undefined;
    connecting.connect({ via: 'sms', msisdn: server }).then(
      () => {
        outcome = 'done';
      },
      () => {
        outcome = 'failed';
      },
    );
    await scene.clock.advance(seconds(601));
    expect(outcome).toBeDefined();
    if (outcome === 'done') done += 1;
    // Plain handshake records of the device by what they begin with: a hello without and one with a cookie, then its keys.
    const copies = new Map<string, number>();
    for (const { from, bytes } of scene.sent) {
      if (from !== device || bytes[0] !== 22 || bytes[4] !== 0) continue;
      // Number of the message and, where it is cut, the place of the piece.
      const flight = `${bytes[18]} ${bytes.subarray(19, 22).join('.')}`;
      copies.set(flight, (copies.get(flight) ?? 0) + 1);
    }
    for (const count of copies.values()) expect(count).toBeLessThanOrEqual(5);
  }
  // Three flights of the device and two answers, each of which may come late or not at all.
  expect(done).toBeGreaterThan(20);
});

test('N-18: a request by text message is said once, and waited for as long as CoAP is patient', async () => {
  const scene = new Scene();
  await using listening = await scene.server();
  const { client } = await scene.device();
  await scene.clock.advance(seconds(5));
  await using _dead = await scene.messenger(device);
  scene.sent.length = 0;
  const asked = scene.clock.now();
  let gaveUp = 0;
  const reading = listening
    .device('open-1')
    .read('/3/0/0')
    .catch(() => {
      gaveUp = scene.clock.now() - asked;
    });
  await scene.clock.advance(minutes(5));
  await reading;
  expect(scene.sent.filter(({ from }) => from === server)).toHaveLength(1);
  expect(gaveUp).toBeGreaterThanOrEqual(seconds(62));
  expect(gaveUp).toBeLessThanOrEqual(seconds(93));
  const closing = client[Symbol.asyncDispose]();
  await scene.clock.advance(seconds(30));
  await closing;
});

describe('a device on UDP with a number', () => {
  async function setUp(version: '1.0' | '1.1', binding?: string) {
    const scene = new Scene();
    const ip = new MemoryNetwork(scene.clock, scene.random, { latency: 20 });
    const listening = await Server.listen({
      listeners: [{ transport: ip.transport('10.0.0.1', 5683) }],
      ...scene.ambient,
    });
    const modem: Modem = scene.network.line(server);
    const serving = await Messenger.open({ modem, budget: free, ...scene.ambient });
    const waking = wakeBySms(listening, { messenger: serving, ...scene.ambient });
    const objects = new ObjectStore();
    const client = await Client.start({
      ...{ name: 'sleeper', objects, version, ...scene.ambient },
      servers: [{ uri: 'coap://10.0.0.1:5683', queueMode: true, sms: { number: server.slice(1) } }],
      sms: { msisdn: device.slice(1), road: smsRoad(await scene.messenger(device)) },
      connectors: { coap: () => ip.transport('10.0.1.1') },
    });
    await scene.clock.advance(seconds(5));
    if (binding !== undefined) {
      const writing = listening.device('sleeper').perform({
        ...{ op: 'write', mode: 'update', path: { kind: 'instance', object: 1, instance: 0 } },
        entries: [
          {
            path: { kind: 'resource', object: 1, instance: 0, resource: 7 },
            value: { type: 'string', value: binding },
          },
        ],
      });
      await scene.clock.advance(seconds(5));
      await writing;
    }
    return {
      ...{ scene, listening, client },
      [Symbol.asyncDispose]: async () => {
        waking[Symbol.dispose]();
        const closing = client[Symbol.asyncDispose]();
        await scene.clock.advance(seconds(300));
        await closing;
        await listening[Symbol.asyncDispose]();
      },
    };
  }

  it.each([
    ['1.1', undefined],
    ['1.0', 'UQS'],
  ] as const)(
    'in LwM2M %s is woken by one message when something is asked of it while it sleeps',
    async (version, binding) => {
      await using world = await setUp(version, binding);
      const { scene, listening } = world;
      expect(listening.registration('sleeper')).toMatchObject({ queueMode: true, smsNumber: device.slice(1) });
      await scene.clock.advance(seconds(100));
      expect(listening.isAwake('sleeper')).toBe(false);
      const reading = listening.device('sleeper').read('/1/0/1');
      const queued = await listening.queue('sleeper', {
        op: 'read',
        path: { kind: 'resource', object: 1, instance: 0, resource: 1 },
      });
      await scene.clock.advance(seconds(5));
      expect((await reading)[0]?.value).toEqual({ type: 'integer', value: 86_400 });
      expect(await queued.settled()).toMatchObject({ kind: 'answered' });
      expect(scene.sent.map(({ from, bytes }) => [from, Buffer.from(bytes).toString('hex').slice(8)])).toEqual([
        [server, 'b13101300138'],
      ]);
    },
  );

  it('in LwM2M 1.0 without S in its binding, or with a trigger from elsewhere, sleeps on', async () => {
    await using world = await setUp('1.0');
    const { scene, listening } = world;
    await scene.clock.advance(seconds(100));
    const octets = (digits: string) => ({
      ...{ coding: octetCoding, elements: [] },
      content: { kind: 'octets', bytes: Buffer.from(digits, 'hex') } as const,
    });
    for (const from of [server, '+19995550100']) {
      await scene.network.line(from).send(parseNumber(device), octets('50020001b13101300138'));
      await scene.clock.advance(seconds(70));
    }
    expect(listening.isAwake('sleeper')).toBe(false);
  });
});

test('a device that registers with more digits than a number has is not written to, and does no harm', async () => {
  const scene = new Scene();
  const ip = new MemoryNetwork(scene.clock, scene.random, { latency: 20 });
  const transport = ip.transport('10.0.0.1', 5683);
  await using listening = await Server.listen({ listeners: [{ transport }], ...scene.ambient });
  using _waking = wakeBySms(listening, { messenger: await scene.messenger(server), ...scene.ambient });
  const problems: unknown[] = [];
  listening.events.on('listener-failed', ({ error }) => problems.push(error));
  await using endpoint = await Endpoint.open({ transport: ip.transport('10.0.1.1'), ...scene.ambient });
  const peer = await endpoint.connect({ via: 'udp', host: '10.0.0.1', port: 5683 });
  for (const [name, number] of [
    ['liar', '1'.repeat(16)],
    ['honest', device.slice(1)],
  ] as const) {
    const query = [`ep=${name}`, 'lt=86400', 'lwm2m=1.1', 'b=U', 'Q', `sms=${number}`];
    const options = OptionSet.of([Option.UriPath, 'rd'], ...query.map((text) => [Option.UriQuery, text] as const), [
      Option.ContentFormat,
      40,
    ]);
    const registering = endpoint.request(peer, makeRequest(Code.Post, options, encodeUtf8('</1/0>,</3/0>')));
    await scene.clock.advance(seconds(1));
    expect((await registering).code).toBe(Code.Created);
  }
  await scene.clock.advance(seconds(200));
  for (const name of ['liar', 'honest'])
    await listening.queue(name, { op: 'read', path: { kind: 'resource', object: 3, instance: 0, resource: 0 } });
  await scene.clock.advance(minutes(60));
  expect(scene.sent.map(({ from }) => from)).toEqual([server, server, server]);
  expect(problems).toEqual([]);
});
