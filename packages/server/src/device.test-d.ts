// What the typed calls on a device let compile, and what they do not. The compiler runs this file, and an expected
// error that does not come is one itself: `npx tsc -p tsconfig.tests.json`.
import { defineObject, type Entry, type Path } from '@lapwing/lwm2m';
import type { Device } from './device.ts';

const Temperature = defineObject({
  id: 3303,
  name: 'Temperature',
  many: true,
  resources: {
    sensorValue: { id: 5700, type: 'float', access: 'R', required: true },
    applicationType: { id: 5750, type: 'string', access: 'RW' },
    codes: { id: 11, type: 'integer', access: 'RW', many: true },
    total: { id: 5805, type: 'unsigned64', access: 'RW' },
    key: { id: 5, type: 'opaque', access: 'W' },
    resetMinMax: { id: 5605, access: 'E' },
  },
});

export async function compiles(device: Device): Promise<void> {
  const celsius: number = await device.read(Temperature, 0, 'sensorValue');
  const codes: ReadonlyMap<number, number> = await device.read(Temperature, 0, 'codes');
  const total: bigint = await device.read(Temperature, 0, 'total');
  const entries: readonly Entry[] = await device.read('/3303/0');
  await device.write(Temperature, 0, { applicationType: 'x', codes: new Map([[0, 1]]), total: 5n });
  await device.write(Temperature, 0, { key: new Uint8Array(1) });
  await device.execute(Temperature, 0, 'resetMinMax', "0='x'");
  const at: Path | undefined = await device.create(Temperature, { applicationType: 'x' }, { instance: 3 });
  await device.writeAttributes('/3303/0/5700', { pmin: 1, gt: null });
  for await (const { entries: seen, sequence } of device.observe('/3303/0/5700')) void [seen, sequence];
  void [celsius, codes, total, entries, at];
}

export async function doesNotCompile(device: Device): Promise<void> {
  // @ts-expect-error a float is no string
  const text: string = await device.read(Temperature, 0, 'sensorValue');
  // @ts-expect-error several values are a map
  const one: number = await device.read(Temperature, 0, 'codes');
  // @ts-expect-error an executable has no value
  await device.read(Temperature, 0, 'resetMinMax');
  // @ts-expect-error what is only written cannot be read
  await device.read(Temperature, 0, 'key');
  // @ts-expect-error there is no such resource
  await device.read(Temperature, 0, 'nothing');
  // @ts-expect-error a path has at most four parts
  await device.read('/1/2/3/4/5');
  // @ts-expect-error a path begins with a slash
  await device.read('3303');
  // @ts-expect-error what is only read cannot be written
  await device.write(Temperature, 0, { sensorValue: 1 });
  // @ts-expect-error a string is no number
  await device.write(Temperature, 0, { applicationType: 5 });
  // @ts-expect-error 64 bits are a bigint
  await device.write(Temperature, 0, { total: 5 });
  // @ts-expect-error a value cannot be executed
  await device.execute(Temperature, 0, 'sensorValue');
  // @ts-expect-error there is no such attribute
  await device.writeAttributes('/3303', { pmim: 1 });
  void [text, one];
}
