// Text messages of which a fifth is lost. CoAP says nothing twice there (RFC 7252 §4.8, MAX_RETRANSMIT 0): what is asked fails as often as a
// message of it is lost, is told so, and whoever asks tries again. Nothing is done twice, and everything comes about in the end.
import { hours } from '@lapwing/kernel';
import { expect, test } from 'vitest';
import { DeviceObject, Temperature } from './objects.ts';
import { World } from './world.ts';

const weather = { loss: 0.2, duplicate: 0.1, reorder: 0.2, latency: 1000, jitter: 9000 };
/** Profile LP11 of the weather: a bootstrap is a dozen exchanges in a row, none of which may be lost. */
const usual = { loss: 0.05, duplicate: 0.02, reorder: 0.2, latency: 5000, jitter: 15_000 };
const seeds = [1, 2, 3];

/** Until it comes about; the waits of the device are its own. */
async function insist<T>(world: World, ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await world.during(ask(), hours(1));
    } catch (error) {
      if (tries === 30) throw error;
    }
  }
}

test.each(['sms', 'dtls-sms', 'dtls-sms-parts'] as const)(
  'over %s a device registers, is read, written and executed once, and is observed',
  async (road) => {
    for (const seed of seeds) {
      await using world = await World.make({ road, seed, weather });
      const thing = await world.device('a', { lifetime: hours(2) });
      await world.until(() => world.server.registration('a') !== undefined, hours(6));
      const device = world.server.device('a');
      expect(await insist(world, () => device.read(DeviceObject, 0, 'manufacturer'))).toBe('Lapwing');
      await insist(world, () => device.write(DeviceObject, 0, { timezone: 'Etc/UTC' }));
      expect(thing.objects.get(DeviceObject, 0)?.get('timezone')).toBe('Etc/UTC');
      for (let i = 1; i <= 5; i += 1) {
        await world.during(device.execute(DeviceObject, 0, 'reboot')).catch(() => undefined);
        expect(thing.reboots).toBeLessThanOrEqual(i);
      }
      const stop = new AbortController();
      const values: unknown[] = [];
      const watching = (async () => {
        while (!stop.signal.aborted) {
          try {
            const observed = device.observe('/3303/0/5700', { lasting: true, signal: stop.signal });
            for await (const { entries } of observed) values.push(entries[0]?.value?.value);
          } catch {
            // Lost on its way: it is asked for again.
          }
        }
      })();
      await world.until(() => values.at(-1) === 20, hours(4));
      thing.warm(31);
      await world.until(() => values.at(-1) === 31, hours(4));
      stop.abort();
      await watching;
      expect(await insist(world, () => device.read(Temperature, 0, 'sensorValue'))).toBe(31);
    }
  },
);

test.each(['sms', 'dtls-sms'] as const)(
  'over %s a device comes by its bootstrap server to its server',
  async (road) => {
    for (const seed of seeds) {
      await using world = await World.make({ road, seed, weather: usual, bootstrap: {} });
      await world.plan('a');
      const thing = await world.device('a', { knows: 'bootstrap' });
      await world.until(() => world.server.registration('a') !== undefined, hours(6));
      expect(thing.client.servers.map(({ id }) => id)).toEqual([101]);
    }
  },
);
