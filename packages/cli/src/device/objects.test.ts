// The objects of the device that the shell plays, through its shell.
import { type EndDevices, ObjectStore } from '@lapwing/client';
import { minutes, seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import { DefinitionLibrary } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { sceneOf } from '../shell/scene.ts';
import { DeviceObjects } from './objects.ts';
import { simulatedIpso } from './simulated-ipso.ts';

const open = (ids: readonly number[]) => sceneOf({ clock: new VirtualClock(), ids });

/** Resources of an instance by id, as `ls` lists them. */
async function listed({ type }: Awaited<ReturnType<typeof open>>, path: string): Promise<Record<number, string>> {
  const [text = ''] = await type(`ls ${path}`);
  const rows = text.split('\n').map((line) => /^\/\d+\/\d+\/(\d+)\S*\s+(?:RW|R|W|E)?\s+\S+\s*(.*)$/.exec(line) ?? []);
  return Object.fromEntries(rows.map(([, id, value = '']) => [Number(id), value]));
}

describe('the objects of a device', () => {
  it('are any of the registered ones, with what they must have', async () => {
    const failed: string[] = [];
    for (const id of new DefinitionLibrary().ids()) {
      const { objects, device } = await open([id]).catch((error: Error) => {
        failed.push(`${id}: ${error.message}`);
        return { objects: new ObjectStore(), device: undefined };
      });
      // Access lists and containers are others' to make; accounts are the client's.
      const isThere = (objects.objects.get(id)?.instances.size ?? 0) > 0;
      if (isThere === [0, 1, 2, 19, 21].includes(id)) failed.push(`${id}: ${isThere}`);
      await device?.[Symbol.asyncDispose]();
    }
    expect(failed).toEqual([]);
  });

  it('are refused where nobody has registered them', async () => {
    await expect(open([3, 64_000])).rejects.toThrow(
      "--objects: there is no object 64000; 'lapwing objects' lists them",
    );
  });

  it('let go of everything, a timer that runs and a download too', async () => {
    const { clock, objects, device, type } = await open([3, 5, 9, 10, 25, 3303, 3337, 3338, 3340, 33_629]);
    await type('write 3340/0/5850 1; write 3338/0/5850 1; write 3337/0/5536 100');
    expect(clock.pending).toBeGreaterThan(0);
    await device[Symbol.asyncDispose]();
    expect(clock.pending).toBe(0);
    expect([...objects.objects.values()].flatMap(({ instances }) => [...instances.keys()])).toEqual([]);
  });

  it('of IPSO are all simulated, each as often as somebody creates it', async () => {
    const ids = new DefinitionLibrary().ids().filter((id) => (id >= 3200 && id <= 3203) || (id >= 3300 && id <= 3350));
    expect([...simulatedIpso.keys()].sort((a, b) => a - b)).toEqual(ids);
    const { type, objects } = await open(ids);
    for (const id of ids) {
      expect(await type(`create ${id}/7`)).toEqual([`created /${id}/7`]);
      const own = objects.objects.get(id)?.instances;
      expect([id, [...(own?.get(7)?.contents.keys() ?? [])]]).toEqual([id, [...(own?.get(0)?.contents.keys() ?? [])]]);
    }
  });

  it('measure what is written to them, whichever instance', async () => {
    const scene = await open([3303, 3313]);
    await scene.type('create 3303/1; write 3303/1/5700 -5; write 3303/1/5700 50; write 3313/0/5703 2.5');
    expect(await listed(scene, '3303/1')).toMatchObject({
      5601: '-5',
      5602: '50',
      5603: '-40',
      5604: '85',
      5701: 'Cel',
    });
    expect(await listed(scene, '3303/0')).toMatchObject({ 5601: '21', 5602: '21', 5700: '21' });
    expect(await listed(scene, '3313/0')).toMatchObject({ 5702: '0', 5703: '2.5', 5704: '9.81', 5701: 'm/s2' });
    expect(await scene.type('write 3313/0/5703 NaN')).toEqual(['! write: /3313/0/5703: NaN was not measured']);
  });

  it('count what is switched and pressed', async () => {
    const scene = await open([3342, 3347, 3344, 3350]);
    await scene.pass(seconds(3));
    await scene.type('write 3342/0/5500 1; sleep 5; write 3342/0/5500 0; write 3342/0/5500 1');
    expect(await listed(scene, '3342/0')).toMatchObject({ 5500: '1', 5501: '2', 5852: '5', 5854: '3' });
    await scene.type('write 3344/0/5532 1; write 3344/0/5532 0; write 3344/0/5532 1');
    expect(await listed(scene, '3344/0')).toMatchObject({ 5541: '2', 5542: '0' });
    await scene.type('write 3350/0/5850 1; sleep 4; write 3350/0/5850 0');
    expect(Math.floor(Number((await listed(scene, '3350/0'))[5544]))).toBe(4);
  });

  it('say what they do', async () => {
    const { type, acts } = await open([3338, 3341, 3337, 9, 10]);
    await type("write 3338/0/5850 1; write 3341/0/5527 'Good day'; write 3337/0/5536 40; sleep 6");
    await type('write 11/1/3 1; sleep 1; write 11/0/3 0; sleep 1');
    expect(acts).toEqual([
      '/10/0 has connected /11/0',
      '/3338/0 sounds at 50 %',
      "/3341/0 shows 'Good day        ' '                '",
      '/3337/0 goes to 40 %',
      '/3338/0 is silent',
      '/3337/0 is at 40 %',
      '/10/0 has connected /11/1',
      '/10/0 has disconnected /11/0',
    ]);
  });

  it('of a modem come together, and heed its limits', async () => {
    const scene = await open([13]);
    expect([...scene.objects.objects.keys()].sort((a, b) => a - b)).toEqual([10, 11, 13]);
    expect(await scene.type('read 10/0/11')).toEqual(['/10/0/11/0  11:0']);
    expect(await scene.type('write 10/0/13 4')).toEqual(['! write: /10/0/13: power saving modes 4 are not among 3']);
    await scene.type('create 11/2; create 11/3; write 11/1/3 1; sleep 1; write 11/2/3 1; sleep 1');
    expect(await listed(scene, '11/2')).toMatchObject({ 3: '0', 10: '1' });
    expect(await listed(scene, '11/1')).toMatchObject({ 3: '1', 10: '0' });
  });

  it('of a gateway are those behind it, and each that is created', async () => {
    const { type, device } = await open([25]);
    const prefixes = (all: EndDevices | undefined): readonly string[] => [...(all ?? [])].map(({ prefix }) => prefix);
    expect(prefixes(device.endDevices)).toEqual(['d0', 'd1']);
    expect(await type('create 25/5; delete 25/0; ls 25')).toMatchObject([
      'created /25/5',
      'deleted /25/0',
      expect.anything(),
    ]);
    expect(prefixes(device.endDevices)).toEqual(['d1', 'd5']);
    expect((await type('ls 25')).join()).not.toContain('/25/0');
  });

  it('of software take packages by the real engine, each piece of software its own', async () => {
    const { type, objects } = await open([9]);
    await type('create 9/1');
    expect(await type('read 9/1/7 -u8; read 9/0/7 -u8')).toEqual(['0', '0']);
    await type('write 9/1/2 -x 00112233; sleep 1');
    expect(
      await type('read 9/1/7 -u8; exec 9/1/4; sleep 1; read 9/1/7 -u8; exec 9/1/10; sleep 1; read 9/1/12 -b'),
    ).toEqual([...['3', 'executed /9/1/4', '4', 'executed /9/1/10', '1']]);
    expect(objects.objects.get(9)?.instances.get(0)?.contents.get(7)).toMatchObject({ value: 0 });
  });

  it('end with what is deleted, whoever deletes it', async () => {
    const { type, clock, objects } = await open([3340, 3303]);
    await type('write 3340/0/5850 1; delete 3340/0');
    expect(clock.pending).toBe(0);
    await type('create 3340/0; write 3340/0/5850 1');
    expect(clock.pending).toBe(1);
    objects.remove(3340, 0);
    expect(clock.pending).toBe(0);
  });

  it('are as they were at first after a factory reset', async () => {
    const scene = await open([3, 3303, 3304]);
    await scene.type('start dev; write 3303/0/5700 30; write 3/0/15 Europe/Helsinki; create 3303/4; delete 3304/0');
    await scene.type('exec 3/0/5; sleep 1');
    expect(scene.events).toContain('factory-reset');
    expect(await scene.type('read 3303/0/5700 -f; read 3/0/15 -s; ls 3303/4; ls 3304')).toMatchObject([
      ...[
        '21',
        'Etc/UTC',
        "! ls: /3303/4 is not there: 'ls /3303' shows what is",
        expect.stringContaining('/3304/0/5700'),
      ],
    ]);
    expect(scene.session.name).toBe('dev');
  });

  it('keep what happens in logs that collect', async () => {
    const { type, device } = await open([20]);
    device.log('before');
    await type('exec 20/0/4011');
    device.log('registration-complete: server 1');
    expect(await type('read 20/0/4014 -x')).toEqual([Buffer.from('registration-complete: server 1\n').toString('hex')]);
  });

  it('begin a load event in its time', async () => {
    const { type, clock, acts, pass } = await open([3310]);
    const start = Math.floor(clock.wall() / 1000) + 60;
    await type(`write 3310/0/5823 peak; write 3310/0/5827 60; write 3310/0/5825 5; write 3310/0/5824 ${start}`);
    await pass(minutes(10));
    expect(acts).toEqual(['/3310/0 keeps to 60 % for peak', '/3310/0 is free']);
  });

  it('are refused as a whole where one is unknown', () => {
    const objects = new ObjectStore();
    const packages = { addresses: 'network', installed: () => undefined } as const;
    const nothing = () => undefined;
    const device = new DeviceObjects({
      ...{ objects, packages, ids: [3303, 64_000], clock: new VirtualClock() },
      ...{ send: () => Promise.resolve(), reboot: nothing, factoryReset: nothing, acted: nothing },
    });
    return expect(device.furnish().finally(() => expect(objects.objects.size).toBe(0))).rejects.toThrow('64000');
  });
});
