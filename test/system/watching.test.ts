// What a host does with the observations of its servers: it asks whether there is one, and steers what it tells.
import { seconds } from '@lapwing/kernel';
import { formatPath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

describe('a host', () => {
  it('knows what is observed, by whom, and when nobody wants to hear of it any more', async () => {
    await using world = await World.make();
    const { client } = await world.device('dev');
    await world.pass(seconds(5));
    expect(client.isObserved('/3303/0/5700')).toBe(false);
    const { stop } = world.observing('dev', '/3303/0');
    await world.pass(seconds(2));
    const asked = ['/3303', '/3303/0', '/3303/0/5700', '/3303/1', '/3', '/'] as const;
    expect(asked.map((path) => client.isObserved(path))).toEqual([true, true, true, false, false, true]);
    expect([client.isObserved('/3303/0', 1), client.isObserved('/3303/0', 2)]).toEqual([true, false]);
    stop();
    await world.pass(seconds(2));
    expect(client.isObserved('/3303/0/5700')).toBe(false);
  });

  it('steers what it tells as a server would, and is told what cannot be', async () => {
    await using world = await World.make();
    const thing = await world.device('dev');
    const { client } = thing;
    await world.pass(seconds(5));
    const { values } = world.observing('dev', '/3303/0/5700');
    await world.pass(seconds(2));
    client.writeAttributes('/3303/0/5700', { pmin: 60 });
    thing.warm(21);
    await world.pass(seconds(50));
    expect(values).toEqual([20]);
    await world.pass(seconds(10));
    expect(values).toEqual([20, 21]);
    client.writeAttributes('/3303/0/5700', { pmin: null });
    thing.warm(22);
    await world.pass(seconds(1));
    expect(values).toEqual([20, 21, 22]);
    expect(() => client.writeAttributes('/3303/9', { pmin: 1 })).toThrow('4.04');
    expect(() => client.writeAttributes('/3303/0', { gt: 1 })).toThrow('4.00');
    expect(() => client.writeAttributes('/3303/0', { pmin: 1 }, 77)).toThrow('there is no server 77');
  });

  it('hears why something is told', async () => {
    await using world = await World.make();
    const thing = await world.device('dev');
    await world.pass(seconds(5));
    const reasons: unknown[] = [];
    thing.client.events.on('observation', (event) => {
      if (event.kind !== 'telling') return;
      const { reason } = event;
      reasons.push(reason.cause === 'change' ? `change at ${formatPath(reason.path)}` : reason.cause);
    });
    await world.during(world.server.device('dev').writeAttributes('/3303/0/5700', { pmax: 60, gt: 25 }));
    world.observing('dev', '/3303/0');
    await world.pass(seconds(2));
    thing.warm(21);
    await world.pass(seconds(2));
    thing.warm(30);
    await world.pass(seconds(2));
    expect(reasons).toEqual(['change at /3303/0/5700']);
    await world.during(world.server.device('dev').writeAttributes('/3303/0', { pmax: 30 }));
    await world.pass(seconds(31));
    expect(reasons).toEqual(['change at /3303/0/5700', 'period']);
  });
});
