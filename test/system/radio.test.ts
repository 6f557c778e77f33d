// What a radio may be told: whether more follows, one message is waited for, or nothing is, so that a modem can let go of its connection early.
import { minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { roads } from './roads.ts';
import { type Thing, World } from './world.ts';

/** What is told, and each message on the way among it: `>` from the device, `<` to it. */
async function setUp(options: Parameters<World['device']>[1] = {}, road: keyof typeof roads = 'udp') {
  const world = await World.make({ road });
  const thing = await world.device('a', options);
  await world.until(() => thing.client.phase() === 'registered');
  await world.pass(seconds(2));
  const told = listen(thing);
  return { world, thing, told, device: world.server.device('a') };
}

function listen({ client }: Thing): string[] {
  const told: string[] = [];
  client.events.on('radio', ({ expectation }) => told.push(expectation));
  return told;
}

const taken = (told: string[]): readonly string[] => told.splice(0);

describe('the radio', () => {
  it('is told that an Update has one answer, and that nothing follows it', async () => {
    const { world, thing, told } = await setUp();
    await using _ = world;
    thing.client.update();
    await world.pass(seconds(1));
    expect(taken(told)).toEqual(['one-response', 'no-data']);
  });

  it('is told that the answer to a Read is the last that goes', async () => {
    const { world, told, device } = await setUp();
    await using _ = world;
    await world.during(device.read('/3303/0/5700'));
    await world.pass(seconds(1));
    expect(taken(told)).toEqual(['last', 'no-data']);
  });

  it('is told that a confirmable notification has one answer, and one that is not has none', async () => {
    for (const [notifications, first] of [
      ['con', 'one-response'],
      ['auto', 'last'],
    ] as const) {
      const { world, thing, told } = await setUp({ notifications });
      await using _ = world;
      world.observing('a', '/3303/0/5700');
      await world.pass(seconds(2));
      taken(told);
      thing.warm(25);
      await world.pass(seconds(1));
      expect(taken(told)).toEqual([first, 'no-data']);
    }
  });

  it('is told that more follows while several values are sent', async () => {
    const { world, thing, told } = await setUp();
    await using _ = world;
    const sends = [thing.client.send(['/3303/0/5700']), thing.client.send(['/3303/0/5700'])];
    await world.during(Promise.all(sends));
    await world.pass(seconds(1));
    const all = taken(told);
    expect(all).toContain('ongoing');
    expect(all.at(-1)).toBe('no-data');
  });

  it('is told that more follows while a device registers, and nothing while it waits for the next attempt', async () => {
    const { world, thing, told } = await setUp();
    await using _ = world;
    world.network.darken(thing.host);
    thing.client.update();
    await world.until(() => thing.client.phase() === 'waiting', minutes(20));
    await world.pass(seconds(1));
    expect(taken(told).at(-1)).toBe('no-data');
    world.network.lighten(thing.host);
    await world.until(() => thing.client.phase() === 'registered', minutes(60));
    await world.pass(seconds(30));
    const registering = taken(told);
    expect(registering[0]).toBe('ongoing');
    expect(registering.at(-1)).toBe('no-data');
  });

  it('is told that nothing is waited for when a device sleeps, and what it wakes for', async () => {
    const { world, thing, told } = await setUp({ queueMode: true, awakeTime: seconds(10) });
    await using _ = world;
    await world.until(() => thing.client.phase() === 'rx-off');
    await world.pass(seconds(1));
    expect(taken(told)).toEqual(['no-data']);
    thing.client.update();
    await world.until(() => thing.client.phase() === 'registered');
    await world.pass(seconds(1));
    expect(taken(told)).toEqual(['one-response', 'no-data']);
  });

  it.each(Object.keys(roads) as (keyof typeof roads)[])('over %s', async (road) => {
    const { world, thing, told } = await setUp({}, road);
    await using _ = world;
    thing.client.update();
    await world.pass(seconds(1));
    expect(taken(told)).toEqual(['one-response', 'no-data']);
  });
});
