import { delay, minutes, seconds } from '@lapwing/kernel';
import { defineObject, resourcePath } from '@lapwing/lwm2m';
import { expect, it } from 'vitest';
import { World } from './world.ts';

const Slow = defineObject({ id: 26_250, name: 'Slow', resources: { think: { id: 0, access: 'E', required: true } } });

it('a command whose answer takes long is acknowledged first, answered once, and holds nobody else up for good', async () => {
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
  await world.during(slow);
  expect(heard).toEqual(['acknowledged', 'done']);
  expect(await world.during(next)).toHaveLength(1);
  expect(thoughts).toBe(1);
});
