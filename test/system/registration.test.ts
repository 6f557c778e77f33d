import { hours, minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { serverHost, World } from './world.ts';

describe('a device and its server', () => {
  it('register, keep the registration up for a day and end it', async () => {
    await using world = await World.make();
    const thing = await world.device('a', { lifetime: minutes(10) });
    await world.pass(seconds(1));
    const [{ registration } = expect.fail('nobody registered')] = world.of('registered');
    expect(registration).toMatchObject({
      name: 'a',
      lifetime: minutes(10),
      version: '1.1',
      queueMode: false,
      rootPath: '',
    });
    expect(registration.objects.map(({ target }) => target)).toEqual(['/3/0', '/26241', '/3303', '/3303/0', '/1/0']);
    await world.pass(hours(24));
    expect(world.of('registered')).toHaveLength(1);
    expect(world.of('updated').length).toBeGreaterThan(24 * 6);
    expect(world.of('expired')).toEqual([]);
    await world.during(thing.client[Symbol.asyncDispose]());
    expect(world.of('deregistered')).toHaveLength(1);
    expect(world.server.registration('a')).toBeUndefined();
  });

  it('find each other again after the server was restarted without memory', async () => {
    await using world = await World.make();
    await world.device('a', { lifetime: minutes(10) });
    await world.pass(seconds(1));
    await world.stopServer();
    await world.startServer();
    expect(world.server.registration('a')).toBeUndefined();
    await world.pass(minutes(10));
    expect(world.server.registration('a')).toBeDefined();
  });

  it('lose the registration when the device goes dark for longer than its lifetime, and make it again', async () => {
    await using world = await World.make();
    const { host } = await world.device('a', { lifetime: minutes(5) });
    await world.pass(seconds(1));
    world.network.darken(host);
    await world.pass(minutes(6));
    expect(world.of('expired')).toHaveLength(1);
    world.network.lighten(host);
    await world.pass(minutes(20));
    expect(world.server.registration('a')).toBeDefined();
    expect(world.of('registered')).toHaveLength(2);
  });

  it('register anew after the device changed its address', async () => {
    await using world = await World.make();
    const { transport } = await world.device('a', { lifetime: minutes(5) });
    await world.pass(seconds(1));
    transport.rebind({});
    await world.pass(minutes(6));
    expect(world.server.registration('a')?.peer.address).toEqual(transport.address);
    expect(world.of('registered').at(-1)?.replaced?.name).toBe('a');
  });

  it('are told apart from whoever else speaks up', async () => {
    await using world = await World.make();
    await world.device('a');
    await world.device('b');
    await world.pass(seconds(1));
    expect([...world.server.registrations()].map(({ name }) => name)).toEqual(['a', 'b']);
    expect(world.server.addresses).toEqual([{ via: 'udp', host: serverHost, port: 5683 }]);
  });
});
