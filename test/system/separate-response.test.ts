import { delay, minutes, seconds, TimeoutError } from '@lapwing/kernel';
import { defineObject, resourcePath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

const Slow = defineObject({ id: 26_250, name: 'Slow', resources: { think: { id: 0, access: 'E', required: true } } });

it('a command whose answer takes long is acknowledged first, answered once, and lets the next one go meanwhile', async () => {
  await using world = await World.make();
  const { client } = await world.device('a', { lifetime: minutes(60) });
  let thoughts = 0;
  client.objects.add(Slow, 0, {
    think: async () => {
      thoughts += 1;
      await delay(world.clock, seconds(20));
    },
  });
  await world.pass(seconds(1));
  const heard: string[] = [];
  const slow = world.server
    .perform(
      'a',
      { op: 'execute', path: resourcePath(26_250, 0, 0) },
      { acknowledged: () => heard.push('acknowledged') },
    )
    .then((result) => heard.push(result.kind));
  const next = world.server.device('a').read('/3/0/0');
  await world.pass(seconds(10));
  expect(heard).toEqual(['acknowledged']);
  expect(await next).toHaveLength(1);
  await world.during(slow);
  expect(heard).toEqual(['acknowledged', 'done']);
  expect(thoughts).toBe(1);
});

it('an urgent command goes out beside one that nobody has acknowledged yet', async () => {
  await using world = await World.make();
  const { host } = await world.device('a', { lifetime: minutes(60) });
  await world.pass(seconds(1));
  // The first request is lost for ever; whatever comes after it arrives.
  let lost: string | undefined;
  world.network.tap = (_, to, bytes) => {
    const token = Buffer.from(bytes.subarray(4, 12)).toString('hex');
    if (to.host === host && bytes[1] === 1) lost ??= token;
    return token === lost ? undefined : bytes;
  };
  const stuck = world.server.perform('a', { op: 'read', path: resourcePath(3, 0, 0) });
  const failed = expect(stuck).rejects.toThrow(TimeoutError);
  await world.pass(seconds(1));
  const urgent = world.server.perform('a', { op: 'read', path: resourcePath(3, 0, 1) }, { order: 'now' });
  await world.pass(seconds(1));
  expect(await urgent).toMatchObject({ kind: 'content' });
  await world.pass(minutes(2));
  await failed;
});

/**
 * The device acknowledges every request first, and says a second later, in a message of its own, what it has to say. `losing`: while that is
 * true its acknowledgements do not arrive.
 */
function answerLate(world: World, host: string, losing = () => false): void {
  world.network.tap = (from, to, bytes) => {
    const [first = 0, code = 0, high = 0, low = 0] = bytes;
    if (from.host !== host || (first & 0x30) !== 0x20) return bytes;
    if (code === 0) return losing() ? undefined : bytes;
    const separate = Uint8Array.of(first ^ 0x30, code, high ^ 0x80, low, ...bytes.subarray(4));
    world.clock.at(world.clock.now() + seconds(1), () => world.network.carry(from, to, separate));
    return losing() ? undefined : Uint8Array.of(0x60, 0, high, low);
  };
}

const celsius = resourcePath(3303, 0, 5700);
const observe = { op: 'observe', path: celsius } as const;
const cancelObserve = { op: 'cancel-observe', path: celsius } as const;

describe('an observe that is answered late', () => {
  it('holds its turn, and a command after it does not take its answer away', async () => {
    await using world = await World.make();
    const { host } = await world.device('a', { lifetime: minutes(60) });
    await world.pass(seconds(1));
    answerLate(world, host);
    const heard: string[] = [];
    const observed = world.server
      .perform('a', observe, { acknowledged: () => heard.push('acknowledged') })
      .then(({ kind }) => heard.push(`observe ${kind}`));
    const cancelled = world.server.perform('a', cancelObserve).then(({ kind }) => heard.push(`cancel ${kind}`));
    await world.during(Promise.all([observed, cancelled]));
    expect(heard).toEqual(['acknowledged', 'observe content', 'cancel content']);
    expect(world.server.observations('a')).toEqual([]);
  });

  it('is over by a cancel that does not wait for its answer', async () => {
    await using world = await World.make();
    const { host, client, warm } = await world.device('a', { lifetime: minutes(60) });
    await world.pass(seconds(1));
    answerLate(world, host);
    const observed = expect(world.server.perform('a', observe)).rejects.toThrow('cancelled before it was answered');
    await world.pass(500);
    expect(world.server.observations('a')).toHaveLength(1);
    const cancelled = await world.during(world.server.perform('a', cancelObserve, { order: 'now' }));
    await observed;
    expect(cancelled).toMatchObject({ kind: 'content' });
    await world.pass(seconds(10));
    expect(world.server.observations('a')).toEqual([]);
    expect(client.stats()).toMatchObject({ relations: 0, endpoint: { relations: 0 } });
    warm(40);
    await world.pass(seconds(10));
    expect(world.of('notify')).toEqual([]);
  });

  it.each(['udp', 'oscore'] as const)(
    'over %s and repeated is answered also where its acknowledgement is lost',
    async (road) => {
      await using world = await World.make({ road });
      const { host, client, warm } = await world.device('a', { lifetime: minutes(60) });
      await world.pass(seconds(1));
      await world.during(world.server.perform('a', observe));
      const since = world.clock.now();
      answerLate(world, host, () => world.clock.now() < since + seconds(2));
      const again = await world.during(world.server.perform('a', observe), seconds(15));
      expect(again).toMatchObject({ kind: 'content' });
      expect(world.server.observations('a')).toHaveLength(1);
      warm(40);
      await world.pass(seconds(10));
      expect(world.of('notify').map(({ result }) => result.entries[0]?.value?.value)).toEqual([40]);
      expect(client.stats()).toMatchObject({ relations: 1, endpoint: { relations: 1 } });
    },
  );
});
