import { hours, minutes, seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import type { Operation, Result } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { Setting } from './objects.ts';
import { longBody, rows } from './rows.ts';
import { World } from './world.ts';

const usual = 64 * 1024;
const imagePath = '/26241/0/3';

describe.each(rows)('over $name, a value of many blocks', ({ options }) => {
  const image = new SeededRandom(99).bytes(longBody(options, usual));
  async function setUp() {
    const world = await World.make(options);
    const thing = await world.device('a', { lifetime: hours(24) });
    while (world.server.registration('a') === undefined) await world.pass(seconds(1));
    const setting = thing.objects.add(Setting, 0, { label: 'x' });
    await world.pass(minutes(1));
    return { world, thing, setting, device: world.server.device('a') };
  }

  it('is written and read in blocks, byte for byte', async () => {
    const { world, setting, device } = await setUp();
    await using _ = world;
    await world.during(device.write(Setting, 0, { label: 'y' }));
    const path = { kind: 'resource', object: Setting.id, instance: 0, resource: 3 } as const;
    const entries = [{ path, value: { type: 'opaque', value: image } }] as const;
    // At 20 % loss one of 64 blocks fails for good more often than not in three: who asks tries again (H14).
    const insist = async (operation: Operation): Promise<Result> => {
      for (let tries = 1; ; tries += 1) {
        try {
          return await world.during(device.perform(operation), hours(1));
        } catch (error) {
          if (tries === 10) throw error;
        }
      }
    };
    expect(await insist({ op: 'write', path, mode: 'replace', entries })).toMatchObject({ kind: 'done', code: 0x44 });
    expect(setting.get('image')).toEqual(image);
    const read = await insist({ op: 'read', path, accept: 42 });
    expect(read.kind === 'content' && read.entries[0]?.value?.value).toEqual(image);
  });

  it('is notified whole', async () => {
    const { world, setting } = await setUp();
    await using _ = world;
    setting.set({ image: Uint8Array.of(1) });
    const watching = world.observing('a', imagePath);
    while (watching.values.length === 0) await world.pass(seconds(1));
    const part = image.subarray(0, longBody(options, 20_000));
    setting.set({ image: part });
    await world.pass(minutes(30));
    expect(watching.values.at(-1)).toEqual(part);
    expect(world.of('notify-failed')).toEqual([]);
  });

  it('leaves nothing behind in either endpoint once it is through', async () => {
    const { world, thing, setting, device } = await setUp();
    await using _ = world;
    // What surrounds it in SenML counts too.
    const most = image.subarray(0, longBody(options, 60_000));
    setting.set({ image: most });
    const entries = await world.during(
      device.read(imagePath).catch(() => device.read(imagePath)),
      hours(1),
    );
    expect(entries[0]?.value?.value).toEqual(most);
    await world.pass(minutes(15));
    const empty = {
      open: 0,
      unacknowledged: 0,
      blocksIn: { transfers: 0, bytes: 0 },
      blocksOut: { fetching: 0 },
    };
    expect(thing.client.stats()?.endpoint).toMatchObject(empty);
    expect(world.server.stats().endpoints['listener-1']).toMatchObject(empty);
  });
});
