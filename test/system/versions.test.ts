import { hours, minutes, seconds } from '@lapwing/kernel';
import { formatPath, resourcePath } from '@lapwing/lwm2m';
import { UnsupportedError } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { DeviceObject, Setting, Temperature } from './objects.ts';
import { World } from './world.ts';

const roots = ['', '/lwm2m', '/a/b c'];
const table = (['1.0', '1.1', '1.2'] as const).flatMap((version) => roots.map((rootPath) => ({ version, rootPath })));

describe.each(table)("a device of $version below '$rootPath'", ({ version, rootPath }) => {
  async function setUp() {
    const world = await World.make();
    const thing = await world.device('a', { lifetime: hours(24), version, rootPath });
    await world.pass(seconds(1));
    return { world, thing, device: world.server.device('a') };
  }

  it('registers its objects without the root, and its formats from 1.1 on', async () => {
    const { world } = await setUp();
    await using _ = world;
    const registration = world.server.registration('a');
    expect(registration).toMatchObject({ version, rootPath, queueMode: false });
    expect(registration?.objects.map(({ target }) => target)).toEqual(['/3/0', '/26241', '/3303', '/3303/0', '/1/0']);
    expect(registration?.formats.includes(112)).toBe(version !== '1.0');
    expect(registration?.formats.includes(11_542)).toBe(version !== '1.0');
  });

  it('obeys every operation', async () => {
    const { world, thing, device } = await setUp();
    await using _ = world;
    expect(await world.during(device.read(Temperature, 0, 'sensorValue'))).toBe(20);
    expect((await world.during(device.read('/3/0'))).length).toBeGreaterThan(3);
    await world.during(device.write(DeviceObject, 0, { timezone: 'Europe/Vienna', utcOffset: '+01:00' }));
    expect(await world.during(device.read(DeviceObject, 0, 'timezone'))).toBe('Europe/Vienna');
    await world.during(device.execute(DeviceObject, 0, 'reboot', "0='x'"));
    expect(thing.reboots).toBe(1);
    const made = await world.during(device.create(Setting, { label: 'l', count: -(2n ** 63n) }));
    expect(made === undefined ? '' : formatPath(made)).toBe('/26241/0');
    expect(await world.during(device.read(Setting, 0, 'count'))).toBe(-(2n ** 63n));
    await world.during(device.writeAttributes('/3303/0/5700', { pmin: 1 }));
    const links = await world.during(device.discover('/3303/0/5700'));
    expect(links.map(({ target, attributes }) => [target, attributes.get('pmin')])).toEqual([['/3303/0/5700', '1']]);
    await world.during(device.delete('/26241/0'));
    const watching = world.observing('a', '/3303/0/5700');
    await world.pass(seconds(2));
    thing.warm(22);
    await world.pass(seconds(2));
    expect(watching.values).toEqual([20, 22]);
    watching.stop();
    await world.pass(seconds(2));
    expect(thing.client.stats()?.relations).toBe(0);
  });

  it('tells of instances that come and go', async () => {
    const { world, thing } = await setUp();
    await using _ = world;
    thing.objects.add(Setting, 7, { label: 'seven' });
    await world.pass(seconds(1));
    const targets = () => world.server.registration('a')?.objects.map(({ target }) => target);
    expect(targets()).toContain('/26241/7');
    thing.objects.remove(Setting.id, 7);
    await world.pass(seconds(1));
    expect(targets()).not.toContain('/26241/7');
    expect(world.of('updated').map(({ withObjects }) => withObjects)).toEqual([true, true]);
  });
});

describe('what a device of an older version does not have', () => {
  const composite = { op: 'read-composite', paths: [resourcePath(3303, 0, 5700)] } as const;

  it('is not sent to it from the queue either, and the failure says that it has not seen it', async () => {
    await using world = await World.make();
    await world.device('a', { version: '1.0' });
    await world.pass(seconds(1));
    const command = await world.server.queue('a', composite);
    expect(await world.during(command.settled())).toMatchObject({
      kind: 'failed',
      failure: { kind: 'refused-here', why: 'version', delivered: 'no' },
    });
  });

  it('is not sent to it when it registers anew while the command waits', async () => {
    await using world = await World.make();
    const thing = await world.device('a', { version: '1.1', queueMode: true });
    await world.pass(minutes(5));
    expect(world.server.isAwake('a')).toBe(false);
    const asked = world.server.perform('a', composite);
    await world.cut(thing);
    await world.device('a', { version: '1.0' });
    await expect(world.during(asked)).rejects.toThrow(UnsupportedError);
  });

  it('is not observed on it, and again once the device has it', async () => {
    await using world = await World.make();
    const thing = await world.device('a', { version: '1.1' });
    await world.pass(seconds(1));
    const watching = world.observingAll('a', ['/3303/0/5700', '/3/0/0'], { lasting: true });
    await world.pass(seconds(1));
    await world.cut(thing);
    const older = await world.device('a', { version: '1.0' });
    await world.pass(hours(3));
    expect(world.of('observation-not-renewed')).toEqual([
      expect.objectContaining({ name: 'a', error: expect.any(UnsupportedError) }),
    ]);
    await world.cut(older);
    await world.device('a', { version: '1.1' });
    await world.pass(seconds(1));
    expect(watching.values).toHaveLength(2);
    watching.stop();
  });
});

describe('the server object of a device', () => {
  it('changes the lifetime, updates on demand and goes away for as long as it is told', async () => {
    await using world = await World.make();
    const thing = await world.device('a', { lifetime: hours(24) });
    await world.pass(seconds(1));
    const device = world.server.device('a');
    const write = (resource: number, value: number) => {
      const path = { kind: 'resource', object: 1, instance: 0, resource } as const;
      const entries = [{ path, value: { type: 'integer', value } }] as const;
      return world.during(device.perform({ op: 'write', path, mode: 'replace', entries }));
    };
    const execute = (resource: number) =>
      world.during(device.perform({ op: 'execute', path: { kind: 'resource', object: 1, instance: 0, resource } }));
    expect(await write(1, 300)).toMatchObject({ kind: 'done' });
    await world.pass(seconds(1));
    expect(world.server.registration('a')?.lifetime).toBe(seconds(300));
    for (const bad of [-1, 2 ** 33]) expect(await write(1, bad)).toMatchObject({ kind: 'refused', code: 0x80 });
    const before = world.of('updated').length;
    expect(await execute(8)).toMatchObject({ kind: 'done', code: 0x44 });
    await world.pass(seconds(1));
    expect(world.of('updated')).toHaveLength(before + 1);
    expect(await write(5, 600)).toMatchObject({ kind: 'done' });
    expect(await execute(4)).toMatchObject({ kind: 'done', code: 0x44 });
    await world.pass(seconds(1));
    expect(world.of('deregistered')).toHaveLength(1);
    expect(thing.client.phase()).toBe('disabled');
    await world.pass(seconds(590));
    expect(world.server.registration('a')).toBeUndefined();
    await world.pass(seconds(10));
    expect(world.server.registration('a')?.lifetime).toBe(seconds(300));
  });

  it('K-14: takes no lifetime, period or binding that would cut the device off; 0 is endless', async () => {
    await using world = await World.make({ server: { lifetime: { max: Number.POSITIVE_INFINITY } } });
    const thing = await world.device('a', { lifetime: hours(24) });
    await world.pass(seconds(1));
    const binding = { kind: 'resource', object: 1, instance: 0, resource: 7 } as const;
    for (const value of ['T', 'S', 'UQSQT', '']) {
      const entries = [{ path: binding, value: { type: 'string', value } }] as const;
      const device = world.server.device('a');
      expect(
        await world.during(device.perform({ op: 'write', path: binding, mode: 'replace', entries })),
      ).toMatchObject({
        kind: 'refused',
        code: 0x80,
      });
    }
    const path = { ...binding, resource: 1 } as const;
    const entries = [{ path, value: { type: 'integer', value: 0 } }] as const;
    await world.during(world.server.perform('a', { op: 'write', path, mode: 'replace', entries }));
    await world.pass(hours(48));
    expect(world.server.registration('a')?.lifetime).toBe(Number.POSITIVE_INFINITY);
    expect(world.of('updated')).toHaveLength(1);
    expect(thing.client.phase()).toBe('registered');
  });
});
