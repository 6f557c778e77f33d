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
