// Whatever has happened to a device: once the network carries its messages again, it is registered within the time that
// docs/reference/client-events.md promises.
import { hours, minutes, seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { Temperature } from './objects.ts';
import { World } from './world.ts';

/** The longest wait of a sequence with its quarter by chance, and one attempt; an address may have to be learnt first. */
const promised = minutes(16) * 1.25 + seconds(93);
const lifetime = minutes(20);
const isRegistered: ReadonlySet<string> = new Set(['registered', 'rx-off', 'updating']);

describe.each(['udp', 'dtls-cid', 'tcp'] as const)('over %s', (road) => {
  it.each([1, 2, 3, 4])('a device is back in time after every fault there is (seed %i)', async (seed) => {
    const chance = new SeededRandom(seed);
    await using world = await World.make({ seed, road });
    let thing = await world.device('a', { lifetime, queueMode: seed % 2 === 0 });
    const phases = new Set<string>();
    for (let round = 0; round < 6; round += 1) {
      for (let step = 0; step < 6; step += 1) {
        const fate = chance.fraction();
        if (fate < 0.25) world.network.darken(thing.host);
        else if (fate < 0.35) world.network.lighten(thing.host);
        else if (fate < 0.45) world.network.weather({ loss: chance.fraction() * 0.6 });
        else if (fate < 0.48) thing.client.pause();
        else if (fate < 0.51) thing.client.goOffline();
        else if (fate < 0.55) thing.client.resume();
        else if (fate < 0.58) thing.client.update();
        else if (fate < 0.65) thing.client.disable(seconds(chance.between(1, 600)));
        else if (fate < 0.75) thing.warm(chance.between(-20, 60));
        else if (fate < 0.85) thing.objects.get(Temperature, 0)?.set({ minMeasured: step });
        else if (fate < 0.95) {
          world.server.perform('a', { op: 'observe', path: { kind: 'object', object: 3303 } }).catch(() => undefined);
        } else {
          await world.cut(thing);
          thing = await world.device('a', { lifetime });
        }
        await world.pass(chance.between(0, chance.pick([seconds(1), minutes(2), hours(1)])));
        phases.add(thing.client.phase() ?? 'none');
      }
      world.network.lighten(thing.host);
      world.network.weather({ loss: 0 });
      thing.client.resume();
      const isBack = (): boolean =>
        world.server.registration('a') !== undefined && isRegistered.has(thing.client.phase() ?? '');
      const end = world.clock.now() + promised;
      while (!isBack() && world.clock.now() < end) await world.pass(seconds(5));
      expect([isBack(), thing.client.phase()]).toEqual([true, expect.anything()]);
    }
    expect(phases.size).toBeGreaterThan(2);
  });
});
