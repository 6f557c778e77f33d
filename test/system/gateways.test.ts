// A device that is a gateway, the end devices behind it, and a server that manages them (LwM2M Gateway 1.1.1).
import { ObjectStore } from '@lapwing/client';
import { minutes, seconds } from '@lapwing/kernel';
import { type Entry, formatPath, type Operation, parsePrefixedPath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { Setting, Temperature } from './objects.ts';
import { rows, type Thing, World } from './world.ts';

/** An end device with a thermometer, and settings that servers may create. */
function sensor(thing: Thing, id: string, prefix: string, celsius = 20) {
  const objects = new ObjectStore();
  objects.define(Setting, { creatable: {} });
  const resets: (string | undefined)[] = [];
  const thermometer = objects.add(Temperature, 0, {
    sensorValue: celsius,
    applicationType: prefix,
    resetMinMax: (args) => void resets.push(args),
  });
  thing.endDevices.add({ id, prefix, objects });
  return { objects, resets, warm: (value: number) => thermometer.set({ sensorValue: value }) };
}

const shown = (entries: readonly Entry[]): string[] =>
  entries.map(({ path, value }) => `${formatPath(path)} ${value?.value}`);

describe.each(rows)('over $name, a server', ({ options }) => {
  async function setUp() {
    const world = await World.make(options);
    const thing = await world.device('gw', { lifetime: minutes(60), isGateway: true, version: '1.2' });
    const first = sensor(thing, 'urn:dev:1', 'd01', 21);
    const second = sensor(thing, 'urn:dev:2', 'd02', 22);
    while ((world.server.registration('gw')?.objects.length ?? 0) < 6) await world.pass(seconds(1));
    const perform = (operation: Operation) => world.during(world.server.perform('gw', operation));
    return { world, thing, first, second, perform };
  }

  it('reaches end devices by paths with a prefix', async () => {
    const { world, perform, first } = await setUp();
    await using _ = world;
    const at = parsePrefixedPath;
    const read = async (path: string) => {
      const result = await perform({ op: 'read', path: at(path) });
      return result.kind === 'content' ? shown(result.entries) : result;
    };
    expect(await read('/d01/3303/0/5700')).toEqual(['/d01/3303/0/5700 21']);
    expect(await read('/d02/3303/0/5700')).toEqual(['/d02/3303/0/5700 22']);
    expect(await read('/3303/0/5700')).toEqual(['/3303/0/5700 20']);
    expect(await read('/d03/3303/0/5700')).toMatchObject({ kind: 'refused', code: 0x84 });
    await perform({ op: 'execute', path: at('/d01/3303/0/5605') as never, args: '3' });
    expect(first.resets).toEqual(['3']);
  });
});
