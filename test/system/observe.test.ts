import { minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { World, type WorldOptions } from './world.ts';

const rows: readonly { readonly name: string; readonly options: WorldOptions }[] = [
  { name: 'a perfect network', options: {} },
  {
    name: 'a network that loses 20 %, repeats and reorders',
    options: { seed: 7, weather: { loss: 0.2, duplicate: 0.1, reorder: 0.2, reorderBy: 400, jitter: 10 } },
  },
];

describe.each(rows)('over $name, a server', ({ options }) => {
  async function setUp() {
    const world = await World.make(options);
    const thing = await world.device('a', { lifetime: minutes(60) });
    while (world.server.registration('a') === undefined) await world.pass(seconds(1));
    return { world, thing, device: world.server.device('a') };
  }

  it('observes a value and hears the newest, until it cancels', async () => {
    const { world, thing, device } = await setUp();
    await using _ = world;
    const seen: unknown[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const { entries } of device.observe('/3303/0/5700', { signal: stop.signal }))
        seen.push(entries[0]?.value?.value);
    })().catch(() => undefined);
    while (seen.length === 0) await world.pass(100);
    for (const celsius of [21, 22, 23]) {
      thing.warm(celsius);
      await world.pass(minutes(2));
    }
    expect(seen[0]).toBe(20);
    expect(seen.at(-1)).toBe(23);
    expect(seen.every((value, i) => i === 0 || (value as number) > (seen[i - 1] as number))).toBe(true);
    stop.abort();
    await world.during(watching);
    const before = seen.length;
    thing.warm(30);
    await world.pass(minutes(5));
    expect(seen).toHaveLength(before);
    expect(world.server.stats().observations).toBe(0);
  });
});
