// What is different where a peer is a connection (RFC 8323): bindings, connections that break, and the way back.
import { delay, hours, minutes, seconds } from '@lapwing/kernel';
import { defineObject, resourcePath } from '@lapwing/lwm2m';
import { failureOf } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

const Slow = defineObject({ id: 26_251, name: 'Slow', resources: { think: { id: 0, access: 'E', required: true } } });

describe.each(['tcp', 'ws'] as const)('over %s, commands', (road) => {
  it('go out one after the other, each after the answer before, and none is told to be acknowledged', async () => {
    await using world = await World.make({ road });
    const { client } = await world.device('a', { lifetime: hours(1) });
    client.objects.add(Slow, 0, { think: () => delay(world.clock, seconds(20)) });
    await world.pass(seconds(1));
    const heard: string[] = [];
    const acknowledged = () => heard.push('acknowledged');
    const path = resourcePath(3303, 0, 5700);
    const all = (
      [
        { op: 'execute', path: resourcePath(26_251, 0, 0) },
        { op: 'observe', path },
        { op: 'read', path },
        { op: 'cancel-observe', path },
      ] as const
    ).map((operation) =>
      world.server.perform('a', operation, { acknowledged }).then(({ kind }) => heard.push(`${operation.op} ${kind}`)),
    );
    await world.pass(seconds(10));
    expect(heard).toEqual([]);
    await world.during(Promise.all(all));
    expect(heard).toEqual(['execute done', 'observe content', 'read content', 'cancel-observe content']);
    expect(world.server.observations('a')).toEqual([]);
  });

  it('may have arrived or not when the device falls silent', async () => {
    await using world = await World.make({ road });
    const thing = await world.device('a', { lifetime: hours(1) });
    thing.client.objects.add(Slow, 0, { think: () => delay(world.clock, seconds(20)) });
    await world.pass(seconds(1));
    const failure = world.server
      .perform('a', { op: 'execute', path: resourcePath(26_251, 0, 0) })
      .then(() => undefined, failureOf);
    await world.pass(seconds(1));
    await world.cut(thing);
    expect(await world.during(failure)).toMatchObject({ kind: 'timeout', delivered: 'unsure' });
  });
});

describe('over TCP, a device and its server', () => {
  it('register with binding T, for a day, over one connection', async () => {
    await using world = await World.make({ road: 'tcp' });
    await world.device('a', { lifetime: minutes(10) });
    await world.pass(seconds(1));
    expect(world.of('registered')[0]?.registration).toMatchObject({ name: 'a', version: '1.1', binding: 'T' });
    const { peer } = world.server.registration('a') ?? expect.fail('not registered');
    await world.pass(hours(24));
    expect(world.of('registered')).toHaveLength(1);
    expect(world.of('updated').length).toBeGreaterThan(24 * 6);
    expect(world.server.registration('a')?.peer.key).toBe(peer.key);
  });

  it('find each other again within seconds after the server was restarted without memory', async () => {
    await using world = await World.make({ road: 'tcp' });
    for (const name of ['a', 'b', 'c']) await world.device(name, { lifetime: hours(24) });
    await world.pass(seconds(1));
    await world.stopServer();
    await world.startServer();
    await world.pass(seconds(5));
    expect([...world.server.registrations()].map(({ name }) => name).sort()).toEqual(['a', 'b', 'c']);
  });

  it('keep the registration while the network is dark, and go on over the same connection', async () => {
    await using world = await World.make({ road: 'tcp' });
    const { host } = await world.device('a', { lifetime: hours(1) });
    await world.pass(seconds(1));
    const before = world.server.registration('a')?.peer.key;
    world.network.darken(host);
    const read = world.server.device('a').perform({ op: 'discover', path: { kind: 'object', object: 3 } });
    await world.pass(minutes(3));
    world.network.lighten(host);
    expect(await world.during(read)).toMatchObject({ kind: 'links' });
    expect(world.server.registration('a')?.peer.key).toBe(before);
  });

  it('F-14: fail what waits at once when the device reboots, and end what was observed with the new registration', async () => {
    await using world = await World.make({ road: 'tcp' });
    const thing = await world.device('a', { lifetime: hours(1) });
    await world.pass(seconds(1));
    const watching = world.observing('a', '/3303/0/5700');
    await world.pass(seconds(1));
    await world.cut(thing);
    await world.device('a', { lifetime: hours(1) });
    await world.pass(seconds(5));
    expect(world.of('registered')).toHaveLength(2);
    expect(world.of('observation-ended').map(({ cause }) => cause)).toEqual(['registration-ended']);
    expect(await world.during(watching.ended)).toBeUndefined();
    expect(watching.values).toEqual([20]);
  });
});
