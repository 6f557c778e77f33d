import { hours, minutes, seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { Temperature } from './objects.ts';
import { World } from './world.ts';

const population = 100;

describe('a day of a hundred devices', () => {
  it.each([11, 12, 13])(
    'with outages, reboots and new addresses ends with all of them registered (seed %i)',
    async (seed) => {
      const chance = new SeededRandom(seed * 1000);
      await using world = await World.make({
        seed,
        weather: { loss: 0.05, duplicate: 0.02, reorder: 0.1, reorderBy: 500, jitter: 10 },
      });
      const names = Array.from({ length: population }, (_, i) => `d${i}`);
      const lifetimes = [minutes(20), hours(1), hours(6)];
      const retry = { retryTimer: seconds(30) };
      const start = (name: string, i: number) =>
        world.device(name, { lifetime: lifetimes[i % 3] ?? hours(1), queueMode: i % 5 === 0, retry });
      for (const [i, name] of names.entries()) await start(name, i);
      await world.pass(minutes(5));
      let down = false;
      const dark = new Set<string>();
      for (let quarter = 0; quarter < 96; quarter += 1) {
        for (let i = 0; i < 4; i += 1) {
          const at = chance.between(0, population - 1);
          const name = names[at] ?? 'd0';
          const thing = world.thing(name);
          const fate = chance.fraction();
          if (fate < 0.25) {
            await world.cut(thing);
            dark.delete(thing.host);
            await start(name, at);
          } else if (fate < 0.45) thing.transport.rebind({});
          else if (fate < 0.6) {
            world.network.darken(thing.host);
            dark.add(thing.host);
          } else if (fate < 0.8) thing.warm(chance.between(-20, 60));
          else if (!down) {
            world.server
              .device(name)
              .read(Temperature, 0, 'sensorValue')
              .catch(() => undefined);
            world.server
              .perform(name, { op: 'observe', path: { kind: 'object', object: 3303 } })
              .catch(() => undefined);
          }
        }
        if (dark.size > 5) {
          for (const host of dark) world.network.lighten(host);
          dark.clear();
        }
        if (quarter === 40 || quarter === 70) {
          await world.stopServer();
          down = true;
        }
        await world.pass(minutes(15));
        if (quarter === 41 || quarter === 70) {
          await world.startServer();
          down = false;
        }
      }
      for (const host of dark) world.network.lighten(host);
      world.network.weather({ loss: 0, duplicate: 0, reorder: 0 });
      await world.pass(hours(7));
      expect(world.server.stats().registrations).toBe(population);
      for (const name of names) {
        expect(['registered', 'rx-off']).toContain(world.thing(name).client.phase());
        expect(world.server.registration(name)?.peer.address).toEqual(world.thing(name).transport.address);
      }
      expect(world.of('listener-failed')).toEqual([]);
      expect(world.of('notify-failed')).toEqual([]);
      const { endpoints, observations, commands } = world.server.stats();
      expect(endpoints['listener-1']).toMatchObject({ open: 0, unacknowledged: 0, serviceErrors: 0, observations });
      // What is left waits for devices in queue mode that have slept since.
      expect(commands).toBeLessThanOrEqual(population / 5);
    },
  );
});
