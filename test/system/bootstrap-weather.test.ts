// Bootstraps on a network that loses, repeats and reorders, with sites that go dark and servers that come and go: a device is
// registered in the end or says why it is not, and at no moment half configured.
import { hours, minutes, seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { type Thing, World } from './world.ts';

const population = 12;

/** Every server has a road and every road a server; nothing is there of what is not whole. */
function checkWhole({ name, objects }: Thing): void {
  const idsOf = (object: number, resource: number): unknown[] =>
    [...(objects.objects.get(object)?.instances.values() ?? [])].flatMap(({ contents }) => {
      const value = contents.get(resource);
      return value !== undefined && 'value' in value ? [value.value] : [];
    });
  const roads = idsOf(0, 10);
  const servers = idsOf(1, 0);
  if (JSON.stringify(roads) !== JSON.stringify(servers))
    throw new Error(`${name} has roads to ${roads}, servers ${servers}`);
  if (servers.length > 1) throw new Error(`${name} has the servers ${servers} of two configurations`);
  if (idsOf(1, 1).length !== servers.length) throw new Error(`${name} has a server without a lifetime`);
}

describe('a dozen devices on a bad network', () => {
  it.each([21, 22, 23, 24, 25, 26])(
    'are never half configured, and registered in the end (seed %i)',
    async (seed) => {
      const chance = new SeededRandom(seed * 1000);
      await using world = await World.make({
        seed,
        road: seed % 2 === 0 ? 'udp' : 'dtls-psk',
        weather: { loss: 0.3, duplicate: 0.2, reorder: 0.3, reorderBy: 2000, jitter: 15 },
        bootstrap: {},
      });
      const told = new Map<string, string[]>();
      const things: Thing[] = [];
      for (let i = 0; i < population; i += 1) {
        const name = `d${i}`;
        await world.plan(name);
        const thing = await world.device(name, { knows: i % 3 === 0 ? 'both' : 'bootstrap' });
        const heard: string[] = [];
        thing.client.events.on('bootstrap-failed', ({ failure }) => heard.push(failure));
        thing.client.events.on('failed', () => heard.push('not registered'));
        thing.client.events.on('bootstrapped', () => heard.push('bootstrapped'));
        told.set(name, heard);
        things.push(thing);
      }
      const pass = async (time: number): Promise<void> => {
        for (const end = world.clock.now() + time; world.clock.now() < end; ) {
          await world.pass(Math.min(seconds(1), end - world.clock.now()));
          for (const thing of things) checkWhole(thing);
        }
      };
      for (let i = 0; i < 20; i += 1) {
        const thing = things[chance.between(0, population - 1)];
        const fate = chance.fraction();
        if (thing === undefined) continue;
        if (fate < 0.3) {
          world.network.darken(thing.host);
          await pass(seconds(chance.between(1, 20)));
          world.network.lighten(thing.host);
        } else if (fate < 0.6) thing.client.bootstrap();
        else if (fate < 0.7) world.bootstrapServer.cancel(thing.name);
        await pass(seconds(chance.between(1, 15)));
      }
      // Who has no server is at it, or has said why he is not.
      for (const { name, client } of things)
        if (
          client.servers.length === 0 &&
          client.bootstrapPhase !== 'provisioning' &&
          client.bootstrapPhase !== 'requesting'
        )
          expect(told.get(name)?.length).toBeGreaterThan(0);
      world.network.weather({ loss: 0.05, duplicate: 0.05, reorder: 0.05 });
      const isEverybodyThere = (): boolean => things.every(({ name }) => world.server.registration(name) !== undefined);
      for (let i = 0; i < 200 && !isEverybodyThere(); i += 1) await world.pass(minutes(3));
      expect(
        things.filter(({ name }) => world.server.registration(name) === undefined).map(({ name }) => name),
      ).toEqual([]);
      for (const thing of things) checkWhole(thing);
      expect(world.clock.now()).toBeLessThan(hours(12));
    },
    120_000,
  );
});
