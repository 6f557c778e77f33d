import { delay, minutes, seconds, TimeoutError } from '@lapwing/kernel';
import { defineObject, resourcePath } from '@lapwing/lwm2m';
import { expect, it } from 'vitest';
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

it('an observe that is answered late holds its turn, and a command after it does not take its answer away', async () => {
  await using world = await World.make();
  const { host } = await world.device('a', { lifetime: minutes(60) });
  await world.pass(seconds(1));
  // The device acknowledges every request first, and says a second later, in a message of its own, what it has to say.
  world.network.tap = (from, to, bytes) => {
    const [first = 0, code = 0, high = 0, low = 0] = bytes;
    if (from.host !== host || (first & 0x30) !== 0x20 || code === 0) return bytes;
    const separate = Uint8Array.of(first ^ 0x30, code, high ^ 0x80, low, ...bytes.subarray(4));
    world.clock.at(world.clock.now() + seconds(1), () => world.network.carry(from, to, separate));
    return Uint8Array.of(0x60, 0, high, low);
  };
  const heard: string[] = [];
  const path = resourcePath(3303, 0, 5700);
  const acknowledged = () => heard.push('acknowledged');
  const observe = world.server
    .perform('a', { op: 'observe', path }, { acknowledged })
    .then(({ kind }) => heard.push(`observe ${kind}`));
  const cancel = world.server
    .perform('a', { op: 'cancel-observe', path })
    .then(({ kind }) => heard.push(`cancel ${kind}`));
  await world.during(Promise.all([observe, cancel]));
  expect(heard).toEqual(['acknowledged', 'observe content', 'cancel content']);
  expect(world.server.observations('a')).toEqual([]);
});
