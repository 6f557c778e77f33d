import { Code, decodeMessage, encodeMessage, Option, OptionSet, type OptionValue, Type } from '@lapwing/coap';
import { encodeUtf8, fromHex, hours, minutes, type Peer, seconds } from '@lapwing/kernel';
import { type MemoryTransport, SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { Temperature } from './objects.ts';
import { serverHost, World } from './world.ts';

const random = new SeededRandom(42);

/** Malformed datagrams of spec section 2.1, and noise. */
const malformed = [
  '',
  '40',
  '00010001',
  '80010001',
  '4901000100000000000000000000',
  '4f010001',
  '4401000101',
  '40010001f0',
  '400100010f',
  '400100010e',
  '40010001ff',
  '40010001e0fef2c0',
  '40000007',
  '50000007',
  '4000000701',
  '44450001aabbccdd',
  '40200001',
  '401f0001',
  '40010001e006f4',
  '70000001',
  '60000001',
  '4402e6e2e2e68167b2726411',
].map(fromHex);

let id = 0x100;
function message(
  code: number,
  path: string,
  more: { type?: Type; options?: readonly (readonly [number, OptionValue])[]; payload?: string | Uint8Array } = {},
): Uint8Array {
  const { type = Type.Con, options = [], payload = '' } = more;
  id += 1;
  const segments = path.split('/').filter((segment) => segment !== '');
  return encodeMessage({
    type,
    id: id & 0xffff,
    token: random.bytes(random.between(0, 8)),
    code,
    options: OptionSet.of(...segments.map((segment) => [Option.UriPath, segment] as const), ...options),
    payload: typeof payload === 'string' ? encodeUtf8(payload) : payload,
  });
}

const query = (...parts: string[]) => parts.map((part) => [Option.UriQuery, part] as const);

/** What a stranger may try on a server; nothing of it is a Register that could be meant. */
function againstServer(location: string): Uint8Array[] {
  return [
    message(Code.Post, location, { options: query('lt=1') }),
    message(Code.Delete, location),
    message(Code.Get, location),
    message(Code.Post, '/rd/00000000000000000000000000000000'),
    message(Code.Post, '/rd/__proto__'),
    message(Code.Delete, '/rd/constructor'),
    message(Code.Post, `${location}/..`),
    message(Code.Get, '/rd'),
    message(Code.Post, '/rd'),
    message(Code.Post, '/rd', { options: query('lwm2m=1.1') }),
    message(Code.Post, '/rd', { options: query('ep=x', 'ep=y', 'lwm2m=1.1'), payload: '</3/0>' }),
    message(Code.Post, '/rd', { options: query('ep=x', 'lwm2m=9.9'), payload: '</3/0>' }),
    message(Code.Post, '/rd', { options: query('ep=x\n', 'lwm2m=1.1'), payload: '</3/0>' }),
    message(Code.Post, '/rd', { options: query('EP=x', 'lwm2m=1.1'), payload: '</3/0>' }),
    message(Code.Post, '/rd', { options: query('ep=x', 'lwm2m=1.1', 'lt=60abc'), payload: '</3/0>' }),
    message(Code.Post, '/rd', { options: query('ep=x', 'lwm2m=1.1', 'b=XYZ'), payload: '</3/0>' }),
    message(Code.Post, '/rd', { options: query('ep=x', 'lwm2m=1.1'), payload: '</65536/0>' }),
    message(Code.Post, '/rd', { options: query('ep=x', 'lwm2m=1.1'), payload: '3/0>' }),
    message(Code.Post, '/rd', {
      options: [[Option.ContentFormat, 11_542], ...query('ep=x', 'lwm2m=1.1')],
      payload: '{"bn":"/"}',
    }),
    message(Code.Post, '/dp', { options: [[Option.ContentFormat, 112]], payload: fromHex('81a1006161') }),
    message(Code.Post, '/dp', { options: [[Option.ContentFormat, 112]], payload: fromHex('9affffffff') }),
    message(Code.Get, '/3/0'),
    message(Code.Put, '/bs'),
    message(Code.Content, '', { type: Type.Non, options: [[Option.Observe, 5]], payload: '99' }),
    message(Code.Content, '', { options: [[Option.Observe, 5]], payload: '99' }),
    message(Code.Post, '/rd', {
      options: [[Option.Block1, 0x1e], ...query('ep=x', 'lwm2m=1.1')],
      payload: 'x'.repeat(1024),
    }),
    message(Code.Post, '/rd', {
      options: [[Option.Block1, 0x0e], ...query('ep=x', 'lwm2m=1.1')],
      payload: 'x'.repeat(1024),
    }),
    message(Code.Get, '/.well-known/core'),
    ...malformed,
  ];
}

/** What a stranger may try on a device. */
function againstDevice(): Uint8Array[] {
  return [
    message(Code.Get, '/3/0'),
    message(Code.Get, '/'),
    message(Code.Get, '/3303/0/5700', { options: [[Option.Observe, 0]] }),
    message(Code.Get, '/3303/0/5700', { options: [[Option.Observe, 1]] }),
    message(Code.Put, '/1/0/1', { options: [[Option.ContentFormat, 0]], payload: '1' }),
    message(Code.Post, '/3/0/4'),
    message(Code.Post, '/1/0/4'),
    message(Code.Post, '/26241', { options: [[Option.ContentFormat, 11_542]], payload: fromHex('c10061') }),
    message(Code.Delete, '/3303/0'),
    message(Code.Put, '/3303', { options: query('pmin=1') }),
    message(Code.Fetch, '/', { options: [[Option.ContentFormat, 112]], payload: fromHex('80') }),
    message(Code.Created, '', {
      options: [
        [Option.LocationPath, 'rd'],
        [Option.LocationPath, 'x'],
      ],
    }),
    ...malformed,
  ];
}

function digest(world: World): string {
  const { server } = world;
  const registrations = [...server.registrations()].map(({ id: own, name, peer, lifetime, objects, updatedAt }) => [
    own,
    name,
    peer.key,
    lifetime,
    objects,
    updatedAt,
    server.observations(name).map(({ id: observation, path }) => [observation, path]),
  ]);
  const trees = registrations.map(([, name]) =>
    [...world.thing(String(name)).objects.objects.values()].map(({ definition, instances }) => [
      definition.id,
      [...instances.values()].map(({ contents }) => [...contents]),
    ]),
  );
  return JSON.stringify([registrations, trees]);
}

describe('strangers', () => {
  it('change nothing, are counted, and leave nothing behind (INV-1, INV-6, INV-8, INV-9, INV-10)', async () => {
    await using world = await World.make();
    const thing = await world.device('a', { lifetime: hours(24) });
    await world.device('b', { lifetime: hours(24) });
    await world.pass(seconds(1));
    const watching = world.observing('a', '/3303/0/5700');
    await world.pass(minutes(10));
    const before = digest(world);
    const sizes = () => {
      const { contacts, remembered, unacknowledged, open, blocksIn } =
        world.server.stats().endpoints['listener-1'] ?? {};
      const device = thing.client.stats()?.endpoint;
      return {
        server: { contacts, remembered, unacknowledged, open, transfers: blocksIn?.transfers },
        device: [device?.contacts, device?.remembered, device?.unacknowledged, device?.relations],
        commands: world.server.stats().commands,
      };
    };
    const sizesBefore = sizes();
    const stranger: MemoryTransport = world.network.transport('203.0.113.9');
    const heard: Uint8Array[] = [];
    await stranger.open({ receive: ({ bytes }) => void heard.push(bytes), lost: () => undefined });
    const toServer: Peer = await stranger.connect({ via: 'udp', host: serverHost, port: 5683 });
    const toDevice: Peer = await stranger.connect(thing.transport.address);
    const registration = world.server.registration('a');
    let sent = 0;
    for (let round = 0; round < 5; round += 1) {
      for (const bytes of againstServer(`/rd/${registration?.id}`)) {
        stranger.send(toServer, bytes);
        sent += bytes.length;
        await world.pass(5);
      }
      for (const bytes of againstDevice()) {
        stranger.send(toDevice, bytes);
        sent += bytes.length;
        await world.pass(5);
      }
    }
    await world.pass(seconds(1));
    expect(digest(world)).toBe(before);
    expect(thing.reboots).toBe(0);
    // INV-9: errors say nothing but their code. INV-5: nobody gets more than he sent.
    for (const bytes of heard) {
      const code = bytes[1] ?? 0;
      expect(code >= 0x40 && code < 0x60 && code !== 0x5f).toBe(false);
      if (code >= 0x80) expect(decodeMessage(bytes).payload).toHaveLength(0);
    }
    expect(heard.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(3 * sent);
    const stats = world.server.stats();
    expect(stats.outcomes).toMatchObject({ unknown: 20, 'wrong-peer': 15, 'wrong-method': 5 });
    expect(stats.outcomes['malformed']).toBeGreaterThanOrEqual(45);
    expect(stats.unserved + (stats.outcomes['send-refused'] ?? 0)).toBeGreaterThanOrEqual(25);
    expect(stats.listenerErrors).toBe(0);
    expect(stats.endpoints['listener-1']).toMatchObject({ serviceErrors: 0, unknownToken: 15 });
    expect(stats.endpoints['listener-1']?.malformed).toBeGreaterThanOrEqual(35);
    expect(thing.client.stats()?.strangers).toBeGreaterThanOrEqual(55);
    expect(thing.client.stats()?.endpoint.serviceErrors).toBe(0);
    // INV-2: the honest go on as before.
    thing.warm(33);
    await world.pass(seconds(1));
    expect(watching.values.at(-1)).toBe(33);
    expect(await world.during(world.server.device('b').read(Temperature, 0, 'sensorValue'))).toBe(20);
    await world.pass(minutes(15));
    expect(sizes()).toEqual(sizesBefore);
  });

  it('B-10: cannot answer for a device, nor notify in its name', async () => {
    await using world = await World.make();
    const thing = await world.device('a', { lifetime: hours(24) });
    await world.pass(seconds(1));
    const watching = world.observing('a', '/3303/0/5700');
    await world.pass(seconds(1));
    const stranger = world.network.transport('203.0.113.9');
    await stranger.open({ receive: () => undefined, lost: () => undefined });
    const server = await stranger.connect({ via: 'udp', host: serverHost, port: 5683 });
    // He sees what the device sends, and sends it again as his own, with another value.
    world.network.tap = (from, _to, bytes) => {
      if (from.host === thing.host && bytes.length > 10) {
        const forged = new Uint8Array(bytes);
        forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1;
        stranger.send(server, forged);
      }
      return bytes;
    };
    thing.warm(25);
    await world.pass(seconds(1));
    expect(await world.during(world.server.device('a').read(Temperature, 0, 'sensorValue'))).toBe(25);
    expect(watching.values).toEqual([20, 25]);
    expect(world.server.stats().endpoints['listener-1']?.wrongPeer).toBeGreaterThan(0);
  });

  it('I-13: that register thousands of names are held to the limits, and nobody else is hurt', async () => {
    await using world = await World.make({
      server: { limits: { registrations: 50, hostRate: { perSecond: 10, burst: 20 } } },
    });
    const thing = await world.device('a', { lifetime: hours(24) });
    await world.pass(seconds(1));
    const stranger = world.network.transport('203.0.113.9');
    await stranger.open({ receive: () => undefined, lost: () => undefined });
    const server = await stranger.connect({ via: 'udp', host: serverHost, port: 5683 });
    for (let i = 0; i < 2000; i += 1) {
      stranger.send(
        server,
        message(Code.Post, '/rd', { options: query(`ep=x${i}`, 'lwm2m=1.1', 'lt=60'), payload: '</3/0>' }),
      );
      await world.pass(2);
    }
    const { registrations, outcomes } = world.server.stats();
    expect(registrations).toBe(50);
    expect(outcomes['too-often']).toBeGreaterThan(1900);
    expect(outcomes['full']).toBeGreaterThan(0);
    thing.client.update();
    await world.pass(seconds(1));
    expect(world.of('updated').at(-1)?.registration.name).toBe('a');
    // They go as they came, and there is room again.
    await world.pass(minutes(3));
    await world.device('b');
    await world.pass(seconds(5));
    expect([...world.server.registrations()].map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('I-12: that register as somebody else all the time do not keep the true device out of its rate', async () => {
    await using world = await World.make();
    const thing = await world.device('a', { lifetime: hours(24) });
    await world.pass(seconds(1));
    const stranger = world.network.transport('203.0.113.9');
    await stranger.open({ receive: () => undefined, lost: () => undefined });
    const server = await stranger.connect({ via: 'udp', host: serverHost, port: 5683 });
    for (let i = 0; i < 1000; i += 1) {
      stranger.send(server, message(Code.Post, '/rd', { options: query('ep=a', 'lwm2m=1.1'), payload: '</3/0>' }));
      await world.pass(1);
    }
    expect(world.server.stats().outcomes['too-often']).toBeGreaterThan(900);
    expect(world.server.stats().registrations).toBe(1);
    thing.client.update();
    await world.pass(seconds(2));
    expect(world.server.registration('a')?.peer.address).toEqual(thing.transport.address);
  });
});
