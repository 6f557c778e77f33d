import { describe, expect, it } from 'vitest';
import { readEndDevices } from './end-devices.ts';
import type { Entry } from './entry.ts';
import { parsePath, resourcePath } from './path.ts';

const told = (instance: number, id?: string, prefix?: string, objects?: string): Entry[] => [
  ...(id === undefined ? [] : [{ path: resourcePath(25, instance, 0), value: { type: 'string', value: id } as const }]),
  ...(prefix === undefined
    ? []
    : [{ path: resourcePath(25, instance, 1), value: { type: 'string', value: prefix } as const }]),
  ...(objects === undefined
    ? []
    : [{ path: resourcePath(25, instance, 3), value: { type: 'corelnk', value: objects } as const }]),
];

describe('what object 25 tells', () => {
  it('is the id, the prefix and the object list of each end device', () => {
    const { devices, problems } = readEndDevices([
      ...told(3, 'urn:dev:b', 'd02', ''),
      ...told(0, 'urn:dev:a', 'd01', '</3303>;ver=1.1,</3303/0>,</3303/1>,</0/0>'),
    ]);
    expect(problems).toEqual([]);
    expect(devices.map(({ instance, id, prefix }) => [instance, id, prefix])).toEqual([
      [0, 'urn:dev:a', 'd01'],
      [3, 'urn:dev:b', 'd02'],
    ]);
    expect(devices[0]?.objects.map(({ target }) => target)).toEqual(['/3303', '/3303/0', '/3303/1']);
    expect(devices[1]?.objects).toEqual([]);
  });

  it('leaves out what a gateway must not say, and says which instance it was', () => {
    const { devices, problems } = readEndDevices([
      ...told(0, 'a', 'd01', '</3/0>'),
      ...told(1, 'b', 'd01'),
      ...told(2, 'a', 'd02'),
      ...told(3, 'c', '..'),
      ...told(4, 'd', '3303'),
      ...told(5, 'e', 'd01/3'),
      ...told(6, 'f', '%2e%2e'),
      ...told(7, undefined, 'd07'),
      ...told(8, 'g\u0000', 'd08'),
      ...told(9, 'h'),
      ...told(10, 'i', 'd10', '</3303'),
      ...told(11, 'j', 'd11', `</3303/0>,${'</1>,'.repeat(20_000)}</1>`),
      { path: parsePath('/25/12') },
    ]);
    expect(devices.map(({ id }) => id)).toEqual(['a']);
    expect(problems.map(({ instance, problem }) => `${instance} ${problem}`)).toEqual([
      '1 prefix-taken',
      '2 id-taken',
      '3 prefix',
      '4 prefix',
      '5 prefix',
      '6 prefix',
      '7 id',
      '8 id',
      '9 prefix',
      '10 objects',
      '11 objects',
      '12 id',
    ]);
  });

  it('is no more than the limits allow', () => {
    const entries = Array.from({ length: 100 }, (_, i) => told(i, `id${i}`, `d${i}`, '</3/0>,</4/0>')).flat();
    const few = readEndDevices(entries, { devices: 10 });
    expect(few.devices).toHaveLength(10);
    expect(few.problems).toHaveLength(90);
    expect(few.problems.every(({ problem }) => problem === 'too-many')).toBe(true);
    expect(readEndDevices(entries, { links: 1 }).devices).toEqual([]);
  });

  it('is about the gateway itself, not about gateways behind it', () => {
    const behind = told(0, 'a', 'd01').map(({ path, value }) => ({
      path: { ...path, prefix: 'x' },
      ...(value && { value }),
    }));
    expect(readEndDevices([...behind, ...told(1, 'b', 'd01')]).devices.map(({ id }) => id)).toEqual(['b']);
  });
});
