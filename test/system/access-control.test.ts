// Two servers and a device between them: what one may see ends when the other says so (Core 1.2.1 §8.2).
import { MemoryStateStore, ServerObject } from '@lapwing/client';
import { Code } from '@lapwing/coap';
import { hours, minutes, seconds } from '@lapwing/kernel';
import {
  instancePath,
  makeValue,
  type Operation,
  type ResourcePath,
  resourceInstancePath,
  resourcePath,
} from '@lapwing/lwm2m';
import { AccessControl } from '@lapwing/lwm2m/objects/access-control';
import { Server } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { Setting } from './objects.ts';
import { type ThingOptions, World } from './world.ts';

const [owner, other] = [1, 2];
const warmth = resourcePath(3303, 0, 5700);
const maker = resourcePath(3, 0, 0);

/** A device with two servers, and what the second is told. */
async function between(options: ThingOptions = {}) {
  const world = await World.make();
  const server = await Server.listen({
    listeners: [{ transport: world.network.transport('10.0.0.77', 5683) }],
    clock: world.clock,
    random: world.random,
  });
  const told: unknown[] = [];
  const ended: unknown[] = [];
  const sent: unknown[] = [];
  server.events.on('sent', ({ entries }) => sent.push(entries.map(({ value }) => value?.value)));
  server.events.on('notify', ({ result }) => told.push(result.entries.map(({ value }) => value?.value)));
  server.events.on('observation-ended', ({ refusal }) => ended.push(refusal?.code));
  const start = () =>
    world.device('a', {
      version: '1.1',
      servers: [
        { uri: 'coap://10.0.0.1:5683', id: owner, lifetime: seconds(600) },
        { uri: 'coap://10.0.0.77:5683', id: other, lifetime: seconds(600) },
      ],
      ...options,
    });
  const thing = await start();
  const list = (id: number, object: number, server: number): void => {
    const acl = new Map([[server, 1]]);
    thing.objects.add(AccessControl, id, { objectId: object, objectInstanceId: 0, acl, accessControlOwner: owner });
  };
  await world.until(() => server.registration('a') !== undefined);
  await world.pass(seconds(5));
  return { world, server, thing, told, ended, sent, list, start };
}

async function setUp() {
  const { list, ...all } = await between();
  const { world } = all;
  list(0, 3303, other);
  list(1, 3, 0);
  const revoke = async (): Promise<void> => {
    const entries = [{ path: resourceInstancePath(2, 0, 2, other), value: makeValue('integer', 0) }];
    const path = resourcePath(2, 0, 2) as ResourcePath;
    const done = await world.during(world.server.perform('a', { op: 'write', path, mode: 'replace', entries }));
    expect(done).toMatchObject({ kind: 'done' });
    await world.pass(seconds(5));
  };
  return { ...all, revoke };
}

describe('a server whose right to read is taken', () => {
  it.each([
    ['an instance', { kind: 'instance', object: 3303, instance: 0 }],
    ['a resource', warmth],
  ] as const)('hears 4.01 of %s that it observes, and no value any more', async (_, path) => {
    const { world, server, thing, told, ended, revoke } = await setUp();
    await using _world = world;
    await using _server = server;
    await world.during(server.perform('a', { op: 'observe', path }));
    thing.warm(22);
    await world.pass(seconds(2));
    expect(told).toHaveLength(1);
    await revoke();
    expect(ended).toEqual([Code.Unauthorized]);
    thing.warm(33);
    await world.pass(seconds(5));
    expect(told).toHaveLength(1);
  });

  it('is told no value that was waiting for its time (pmin)', async () => {
    const { world, server, thing, told, ended, revoke } = await setUp();
    await using _world = world;
    await using _server = server;
    await world.during(server.perform('a', { op: 'write-attributes', path: warmth, attributes: { pmin: 60 } }));
    await world.during(server.perform('a', { op: 'observe', path: warmth }));
    thing.warm(22);
    await world.pass(seconds(2));
    await revoke();
    await world.pass(seconds(60));
    expect([told, ended]).toEqual([[], [Code.Unauthorized]]);
  });

  it('hears of several paths those that are left to it', async () => {
    const { world, server, thing, told, ended, revoke } = await setUp();
    await using _world = world;
    await using _server = server;
    await world.during(server.perform('a', { op: 'observe-composite', paths: [warmth, maker] }));
    await revoke();
    expect(told).toEqual([['Lapwing']]);
    thing.warm(33);
    await world.pass(seconds(5));
    expect([told.length, ended]).toEqual([1, []]);
  });

  it('gets of what has waited to be sent what is left to it, and nothing where that is nothing', async () => {
    const { world, server, thing, sent } = await setUp();
    await using _world = world;
    await using _server = server;
    thing.client.goOffline();
    const send = (...paths: ('/3303/0/5700' | '/3/0/0')[]) => thing.client.send(paths, { server: other, queue: true });
    const both = send('/3303/0/5700', '/3/0/0');
    const one = send('/3303/0/5700').catch((error: unknown) => error);
    await world.pass(seconds(1));
    thing.objects.batch((transaction) => transaction.put(2, 0, 2, new Map([[other, makeValue('integer', 0)]])));
    thing.client.resume();
    await world.during(both);
    expect(await world.during(one)).toMatchObject({ problem: 'forbidden' });
    expect(sent).toEqual([['Lapwing']]);
  });
});

describe('a server whose right to read is taken while it cannot be reached (/1/x/6)', () => {
  /** A device on a road that outlives an absence, and another server of its, which nobody runs, as owner. */
  async function away(what: Operation) {
    const world = await World.make({ road: 'dtls-cid' });
    const thing = await world.device('a', { lifetime: hours(1) });
    await world.until(() => thing.client.phase() === 'registered');
    thing.objects.batch((transaction) => transaction.put(1, 0, 6, makeValue('boolean', true)));
    const idle = { registrationUpdateTrigger: () => undefined };
    thing.objects.add(ServerObject, 9, {
      ...idle,
      shortServerId: other,
      lifetime: 60,
      notificationStoringWhenDisabledOrOffline: false,
      binding: 'U',
    });
    const list = (rights: number) => new Map([[owner, makeValue('integer', rights)]]);
    for (const [id, object] of [3303, 3].entries()) {
      const acl = new Map([[owner, 1]]);
      thing.objects.add(AccessControl, id, { objectId: object, objectInstanceId: 0, acl, accessControlOwner: other });
    }
    await world.pass(seconds(5));
    await world.during(world.server.perform('a', what));
    await world.pass(seconds(5));
    thing.client.goOffline();
    thing.warm(22);
    await world.pass(seconds(5));
    thing.objects.batch((transaction) => transaction.put(2, 0, 2, list(0)));
    await world.pass(minutes(10));
    const told = () => world.of('notify').map(({ result }) => result.entries.map(({ value }) => value?.value));
    const ended = () => world.of('observation-ended').map(({ refusal }) => refusal?.code);
    return { world, thing, told, ended, give: () => thing.objects.batch((t) => t.put(2, 0, 2, list(1))) };
  }

  it('is told nothing of what was kept for it, and that it is over', async () => {
    const { world, thing, told, ended } = await away({ op: 'observe', path: warmth });
    await using _ = world;
    thing.client.resume();
    await world.pass(minutes(1));
    expect([told(), ended(), world.of('registered').length]).toEqual([[], [Code.Unauthorized], 1]);
    expect(thing.client.stats()?.relations).toBe(0);
  });

  it('is told of several paths what is left to it', async () => {
    const { world, thing, told, ended } = await away({ op: 'observe-composite', paths: [warmth, maker] });
    await using _ = world;
    thing.client.resume();
    await world.pass(minutes(1));
    expect([told().flat(), ended()]).toEqual([['Lapwing', 'Lapwing'], []]);
  });

  it('goes on to be told when it has the right again before it comes back', async () => {
    const { world, thing, told, ended, give } = await away({ op: 'observe', path: warmth });
    await using _ = world;
    thing.warm(23);
    give();
    await world.pass(seconds(5));
    thing.client.resume();
    await world.pass(minutes(1));
    expect(told().flat()).toEqual([22, 23]);
    thing.warm(24);
    await world.pass(minutes(1));
    expect([told().flat().at(-1), ended()]).toEqual([24, []]);
  });
});

it('what nobody may do stays so when a server has deleted the last list, over a restart too', async () => {
  const { world, server, thing, list, start } = await between({ store: new MemoryStateStore() });
  await using _world = world;
  await using _server = server;
  thing.objects.add(Setting, 0, { label: 'x' });
  list(0, Setting.id, other);
  await world.pass(seconds(5));
  const read = () => world.during(server.perform('a', { op: 'read', path: maker }));
  const refused = { kind: 'refused', code: Code.Unauthorized };
  expect(await read()).toEqual(refused);
  const path = instancePath(Setting.id, 0);
  expect(await world.during(world.server.perform('a', { op: 'delete', path }))).toMatchObject({ kind: 'done' });
  expect(thing.objects.objects.get(2)?.instances.size).toBe(0);
  expect(await read()).toEqual(refused);
  await world.cut(thing);
  await start();
  await world.pass(seconds(30));
  expect(await read()).toEqual(refused);
});
