// Records one by one: what is delivered, what is dropped, and that nobody from outside can end an association (dtls E.1, E.2).
import { encodeUtf8 } from '@lapwing/kernel';
import type { UdpAddress } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import type { SecureOptions } from './index.ts';
import { pskParties } from './testing/parties.ts';
import { sayAs, splitRecords, World } from './testing/world.ts';

const parties = pskParties();
const byAddress = { connectionId: false } as const;

/** Two sides that have shaken hands; `ping` sends one record and returns the datagram that carried it. */
async function associated(serverOptions: Partial<SecureOptions> = byAddress, seed = 1) {
  const world = new World(seed);
  const server = await world.side('server', 5684, { accept: parties.store, ...serverOptions });
  const client = await world.side('client', 4000, { connect: parties.credentials, resumption: false });
  const peer = await world.connect(client, server);
  const from = client.road.address;
  const ping = async (text: string): Promise<Uint8Array> => {
    await world.say(client, peer, text);
    return world.passed.at(-1)?.bytes as Uint8Array;
  };
  /** As `ping`, but the datagram is lost. */
  const hold = async (text: string): Promise<Uint8Array> => {
    world.drops = () => true;
    const bytes = await ping(text);
    world.drops = () => false;
    return bytes;
  };
  const forge = (bytes: Uint8Array, as: UdpAddress = from): Promise<void> => world.forge(as, server, bytes);
  return { world, server, client, peer, from, ping, hold, forge };
}

const changed = (bytes: Uint8Array, at: number, to: number): Uint8Array => {
  const copy = bytes.slice();
  copy[at < 0 ? copy.length + at : at] = to;
  return copy;
};
const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const record = (type: number, epoch: number, body: readonly number[], version = 0xfd): Uint8Array =>
  Uint8Array.of(type, 0xfe, version, epoch >> 8, epoch, 0, 0, 0, 0, 0, 99, body.length >> 8, body.length, ...body);

describe('records of an association', () => {
  it('drops a forged record in silence, and takes the true one with the same number after it (dtls E 1)', async () => {
    const { world, server, hold, forge } = await associated();
    const bytes = await hold('true');
    const sent = world.passed.length;
    await forge(changed(bytes, -1, (bytes.at(-1) ?? 0) ^ 1));
    expect(server.transport.stats().forged).toBe(1);
    await forge(bytes);
    expect(server.texts()).toEqual(['true']);
    expect(world.passed.length).toBe(sent + 2);
  });

  it('drops what a later record has overtaken where it is told to, unopened (dtls E 24)', async () => {
    for (const [lateRecords, heard] of [
      ['drop', ['1', '3', '4']],
      ['deliver', ['1', '3', '2', '4']],
    ] as const) {
      const { server, ping, hold, forge } = await associated({ ...byAddress, lateRecords });
      await ping('1');
      const late = await hold('2');
      await ping('3');
      await forge(changed(late, -1, (late.at(-1) ?? 0) ^ 1));
      await forge(late);
      await forge(late);
      await ping('4');
      expect(server.texts()).toEqual(heard);
      const isDropped = lateRecords === 'drop';
      expect(server.transport.stats()).toMatchObject({
        late: isDropped ? 3 : 0,
        forged: isDropped ? 0 : 1,
        replayed: isDropped ? 0 : 1,
      });
    }
  });

  it('survives ten thousand forged records without an answer (G-16, dtls E 42)', async () => {
    const { world, server, client, peer, hold, from } = await associated();
    const bytes = await hold('x');
    const answers = server.transport.stats().datagramsOut;
    for (let i = 0; i < 10_000; i += 1)
      world.network.carry(from, server.road.address, changed(bytes, 10, 100 + (i % 100)));
    await world.clock.advance(10);
    expect(server.transport.stats()).toMatchObject({ forged: 10_000, datagramsOut: answers, associations: 1 });
    await world.say(client, peer, 'alive');
    expect(server.texts()).toEqual(['alive']);
  });

  it('ends the association after as many forgeries as were allowed', async () => {
    const { server, hold, forge } = await associated({ ...byAddress, limits: { forgeries: 3 } });
    const bytes = await hold('x');
    for (let i = 0; i < 3; i += 1) await forge(changed(bytes, -1, (bytes.at(-1) ?? 0) ^ (i + 1)));
    expect(server.lost[0]?.cause).toMatchObject({ code: 'LIMIT' });
    expect(server.transport.stats()).toMatchObject({ associations: 0, forgeryLimit: 1 });
  });

  it('takes an empty record (dtls E 3)', async () => {
    const { server, ping } = await associated();
    await ping('');
    expect(server.texts()).toEqual(['']);
  });

  it('keeps the records of a datagram before one that is cut short (dtls E 4)', async () => {
    const { server, hold, forge } = await associated();
    const first = await hold('first');
    const second = await hold('second');
    await forge(joined(first, second.subarray(0, second.length - 1)));
    expect(server.texts()).toEqual(['first']);
    expect(server.transport.stats().noRecord).toBe(1);
    await forge(joined(second, Uint8Array.of(1, 2, 3)));
    expect(server.texts()).toEqual(['first', 'second']);
  });

  it('ignores datagrams that are shorter than a header, down to none (dtls E 5)', async () => {
    const { server, ping, forge } = await associated();
    const bytes = await ping('x');
    for (let length = 0; length < 13; length += 1) await forge(bytes.subarray(0, length));
    expect(server.transport.stats().noRecord).toBe(12);
    expect(server.texts()).toEqual(['x']);
  });

  it('looks at so many records of a datagram and no more (G-37)', async () => {
    const { server, forge } = await associated();
    await forge(joined(...Array.from({ length: 90 }, () => record(22, 5, []))));
    expect(server.transport.stats()).toMatchObject({ wrongEpoch: 64, tooManyRecords: 1 });
  });

  it('drops unknown content types without an alert, in both epochs (G-37, dtls E 6)', async () => {
    const { world, server, forge } = await associated();
    const sent = world.passed.length;
    for (const type of [0, 19, 24, 26, 99, 255])
      for (const epoch of [0, 1]) await forge(record(type, epoch, [1, 2, 3]));
    expect(server.transport.stats()).toMatchObject({ unknownType: 12, associations: 1 });
    expect(world.passed.length).toBe(sent + 12);
  });

  it('takes version 254.253 alone (dtls E 7)', async () => {
    const { server, hold, forge } = await associated();
    const bytes = await hold('x');
    await forge(changed(bytes, 2, 0xff));
    await forge(changed(bytes, 2, 0xfc));
    await forge(changed(bytes, 1, 0x03));
    expect(server.received).toHaveLength(0);
    expect(server.transport.stats()).toMatchObject({ wrongVersion: 2, noRecord: 1 });
    await forge(bytes);
    expect(server.texts()).toEqual(['x']);
  });

  it('drops ciphertext that is shorter than nonce and tag (dtls E 8)', async () => {
    const { server, forge } = await associated();
    for (let length = 0; length < 17; length += 1) await forge(record(23, 1, new Array<number>(length).fill(7)));
    expect(server.transport.stats()).toMatchObject({ forged: 17, associations: 1 });
  });

  it('never delivers data of epoch 0 (G-12, dtls E 16)', async () => {
    const { server, forge } = await associated();
    await forge(record(23, 0, [1, 2, 3]));
    await forge(record(23, 0, [1, 2, 3]), { via: 'udp', host: 'stranger', port: 9 });
    expect(server.received).toHaveLength(0);
    expect(server.transport.stats().plaintextData).toBe(2);
  });

  it('G-12: delivers nothing while hands are shaken: neither data of epoch 0 nor what overtakes Finished (dtls E 16)', async () => {
    const world = new World();
    const server = await world.side('server', 5684, { accept: parties.store, ...byAddress });
    const client = await world.side('client', 4000, { connect: parties.credentials, resumption: false });
    const connecting = client.transport.connect(server.road.address);
    let finished: Uint8Array | undefined;
    const between: { readonly to: typeof server; readonly from: UdpAddress }[] = [
      { to: server, from: client.road.address },
      { to: client, from: server.road.address },
    ];
    world.drops = ({ from, bytes }) => {
      // After each datagram, data without keys, as if under keys, and of an epoch that is far ahead (G-13).
      for (const each of between)
        for (const epoch of [0, 1, 2, 0xffff])
          world.clock.at(world.clock.now(), () => {
            const data = record(23, epoch, new Array<number>(40).fill(7));
            const tap = world.network.tap;
            world.network.tap = undefined;
            world.network.carry(each.from, each.to.road.address, data);
            world.network.tap = tap;
          });
      if (from.host !== 'client' || finished !== undefined || !hasEpoch1(bytes)) return false;
      finished = bytes;
      return true;
    };
    await world.clock.advance(3000);
    const peer = await connecting;
    expect(finished).toBeDefined();
    expect([...server.received, ...client.received]).toEqual([]);
    const { plaintextData, wrongEpoch } = server.transport.stats();
    expect(plaintextData).toBeGreaterThanOrEqual(5);
    expect(wrongEpoch).toBeGreaterThanOrEqual(5);
    world.drops = () => false;
    await world.say(client, peer, 'in order');
    expect(server.texts()).toEqual(['in order']);
  });

  it.each([
    ['a fatal alert', [2, 40]],
    ['close_notify', [1, 0]],
  ])('ignores %s that is not protected, on both sides (G-20, dtls E 17)', async (_, body) => {
    const { world, server, client, forge, ping } = await associated();
    await forge(record(21, 0, body));
    await forge(record(21, 1, body));
    await forge(record(21, 2, body));
    await world.forge(server.road.address, client, record(21, 0, body));
    await ping('alive');
    expect(server.texts()).toEqual(['alive']);
    expect(server.lost.length + client.lost.length).toBe(0);
    expect(server.transport.stats().plaintextAlert).toBe(1);
  });

  it('drops records of other epochs (G-13, dtls E 27)', async () => {
    const { server, hold, forge, ping } = await associated();
    const bytes = await hold('x');
    await forge(changed(bytes, 4, 2));
    await forge(changed(changed(bytes, 3, 0xff), 4, 0xff));
    expect(server.transport.stats().wrongEpoch).toBe(2);
    await ping('alive');
    expect(server.texts()).toEqual(['alive']);
  });

  it('delivers each record once when every datagram comes twice (dtls E 20)', async () => {
    const world = new World(3, { duplicate: 1 });
    const server = await world.side('server', 5684, { accept: parties.store }, { echo: true });
    const client = await world.side('client', 4000, { connect: parties.credentials });
    const peer = await world.connect(client, server);
    for (const text of ['1', '2', '3']) await world.say(client, peer, text);
    expect(server.texts()).toEqual(['1', '2', '3']);
    expect(client.texts()).toEqual(['1', '2', '3']);
    expect(server.transport.stats().associations).toBe(1);
  });

  it.each([1, 63, 64, 65, 1000])('drops a replay after %i newer records (G-15)', async (newer) => {
    const { world, server, client, peer, ping, forge } = await associated();
    const bytes = await ping('once');
    for (let i = 0; i < newer; i += 1) client.transport.send(peer, encodeUtf8('newer'));
    await world.clock.advance(10);
    await forge(bytes);
    expect(server.texts().filter((text) => text === 'once')).toHaveLength(1);
    expect(server.transport.stats().replayed).toBe(1);
  });

  it('delivers a late record that the window still covers, once (dtls E 22)', async () => {
    const { server, hold, ping, forge } = await associated();
    const late = await hold('late');
    for (let i = 0; i < 63; i += 1) await ping('n');
    await forge(late);
    await forge(late);
    expect(server.texts().filter((text) => text === 'late')).toHaveLength(1);
    const older = await hold('too late');
    for (let i = 0; i < 64; i += 1) await ping('n');
    await forge(older);
    expect(server.texts()).not.toContain('too late');
  });

  it('keeps a Finished that comes before its ChangeCipherSpec and key exchange (dtls E 25)', async () => {
    const world = new World();
    // The last flight of the client arrives as three datagrams, the last one first.
    const held: Uint8Array[] = [];
    const server = await world.side('server', 5684, { accept: parties.store, ...byAddress });
    const client = await world.side('client', 4000, { connect: parties.credentials, resumption: false });
    world.drops = ({ from, bytes }) => {
      if (from.host !== 'client' || held.length > 0 || !hasEpoch1(bytes)) return false;
      held.push(bytes);
      return true;
    };
    const connecting = client.transport.connect(server.road.address);
    await world.clock.advance(20);
    const [flight] = held;
    const records = splitRecords(flight as Uint8Array);
    expect(records).toHaveLength(3);
    for (const each of [...records].reverse()) await world.forge(client.road.address, server, each);
    await world.clock.advance(100);
    expect(server.transport.stats()).toMatchObject({ associations: 1, tooEarly: 0 });
    await connecting;
  });

  it('repeats its last flight when that was lost, and not for ever (dtls E 28)', async () => {
    const world = new World();
    const server = await world.side('server', 5684, { accept: parties.store });
    const client = await world.side('client', 4000, { connect: parties.credentials, resumption: false });
    world.drops = ({ from, bytes }, index) => index < 8 && from.host === 'server' && hasEpoch1(bytes);
    const peer = await world.connect(client, server);
    expect(server.transport.stats().lastFlightsRepeated).toBeGreaterThan(0);
    await world.say(client, peer, 'through');
    expect(server.texts()).toEqual(['through']);
    expect(server.transport.stats().lingering).toBe(0);
    // The flight of the client once more, now that nobody waits for an answer.
    const again = world.passed.find(({ from, bytes }) => from.host === 'client' && hasEpoch1(bytes))?.bytes;
    const sent = server.transport.stats().datagramsOut;
    for (let i = 0; i < 50; i += 1) await world.forge(client.road.address, server, again as Uint8Array);
    expect(server.transport.stats().datagramsOut - sent).toBeLessThan(8);
    expect(server.texts()).toEqual(['through']);
  });

  it('refuses to renegotiate with a warning now and then, and goes on (dtls E 75)', async () => {
    const { world, server, client, peer, ping } = await associated();
    await ping('before');
    for (let i = 0; i < 5; i += 1) sayAs(client, peer, 22, Uint8Array.of(1, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0));
    await world.clock.advance(50);
    expect(server.transport.stats()).toMatchObject({ renegotiationsRefused: 5, alertsSent: 1 });
    await ping('after');
    expect(server.texts()).toEqual(['before', 'after']);
  });

  it('closes for a protected alert with any description, and drops those of other lengths (dtls E 122)', async () => {
    const { world, server, client, peer, ping } = await associated();
    sayAs(client, peer, 21, Uint8Array.of(2));
    sayAs(client, peer, 21, Uint8Array.of(2, 40, 0));
    sayAs(client, peer, 21, Uint8Array.of(7, 40));
    for (let i = 0; i < 100; i += 1) sayAs(client, peer, 21, Uint8Array.of(1, 90));
    await world.clock.advance(50);
    expect(server.transport.stats()).toMatchObject({ malformed: 3, associations: 1, alertsSent: 0 });
    await ping('alive');
    sayAs(client, peer, 21, Uint8Array.of(2, 199));
    await world.clock.advance(50);
    expect(server.lost[0]?.cause).toMatchObject({ code: 'DTLS_ALERT', description: 199, direction: 'received' });
    expect(server.transport.stats().associations).toBe(0);
  });
});

/** Whether one of the records is protected. */
function hasEpoch1(datagram: Uint8Array): boolean {
  return splitRecords(datagram).some((each) => each[4] === 1);
}
