// Devices whose address changes under a living association: behind a NAT that forgot them, or on another network.
import { hours, minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

describe('a device that comes from another port', () => {
  it('keeps its registration and its observations by connection id, without a new handshake (E 103, D-11)', async () => {
    await using world = await World.make({ road: 'dtls-cid' });
    const thing = await world.device('dev', { lifetime: minutes(10) });
    await world.pass(seconds(5));
    const registered = world.server.registration('dev');
    const { values } = world.observing('dev', '/3303/0/5700');
    await world.pass(seconds(2));
    thing.transport.rebind({ port: 55_555 });
    thing.warm(25);
    await world.pass(seconds(5));
    expect(values).toEqual([20, 25]);
    expect(world.server.registration('dev')?.id).toBe(registered?.id);
    // The server finds it at its new place by itself.
    expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
    await world.pass(minutes(10));
    expect(world.server.registration('dev')?.id).toBe(registered?.id);
    expect(world.dtls()).toMatchObject({ handshakesStarted: 1, addressChanges: 1, associations: 1 });
  });

  it('shakes hands again without connection ids, and registers anew by itself', async () => {
    await using world = await World.make({ road: 'dtls-psk' });
    const thing = await world.device('dev', { lifetime: minutes(5) });
    await world.pass(seconds(5));
    const registered = world.server.registration('dev');
    thing.transport.rebind({ port: 55_555 });
    await world.pass(minutes(10));
    expect(world.server.registration('dev')).toBeDefined();
    expect(world.server.registration('dev')?.id).not.toBe(registered?.id);
    expect(world.dtls()).toMatchObject({ handshakesDone: 2, addressChanges: 0 });
  });

  it('finds out long before its lifetime ends where it is kept alive', async () => {
    await using world = await World.make({ road: 'dtls-psk' });
    const thing = await world.device('dev', { lifetime: hours(24), keepAlive: seconds(30) });
    await world.pass(seconds(5));
    const registered = world.server.registration('dev');
    thing.transport.rebind({ port: 55_555 });
    await world.pass(minutes(5));
    expect(world.server.registration('dev')?.id).not.toBe(registered?.id);
    expect(await world.during(world.server.device('dev').read('/3/0/0'))).toHaveLength(1);
  });
});

describe('a device that is kept alive', () => {
  it.each(['udp', 'dtls-cid', 'oscore', 'oscore-dtls', 'tcp', 'tls-psk', 'ws'] as const)(
    'is answered over %s, and has nothing else to say',
    async (road) => {
      await using world = await World.make({ road });
      await world.device('dev', { lifetime: hours(24), keepAlive: seconds(30) });
      await world.pass(seconds(5));
      const registered = world.server.registration('dev');
      await world.pass(hours(1));
      expect(world.server.registration('dev')?.id).toBe(registered?.id);
      expect(world.of('updated')).toEqual([]);
    },
  );
});
