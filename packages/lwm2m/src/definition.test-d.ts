// What a definition lets compile, and what it does not. The compiler runs this file: an @ts-expect-error that is not
// needed is an error. `npx tsc -p tsconfig.tests.json`.
import {
  type Access,
  defineObject,
  type ExecutableKey,
  type InstanceActions,
  type InstanceValues,
  type ObjectDefinition,
  type ReadableKey,
  type ValueOf,
  type WritableKey,
  type WritableValues,
} from './definition.ts';

const Temperature = defineObject({
  id: 3303,
  name: 'Temperature',
  many: true,
  resources: {
    sensorValue: { id: 5700, type: 'float', access: 'R', required: true, unit: 'Cel' },
    errorCodes: { id: 11, type: 'integer', access: 'R', many: true },
    applicationType: { id: 5750, type: 'string', access: 'RW' },
    total: { id: 5805, type: 'unsigned64', access: 'RW' },
    package: { id: 0, type: 'opaque', access: 'W', required: true },
    key: { id: 5, type: 'opaque', access: 'none' },
    resetMinMax: { id: 5605, access: 'E' },
    reboot: { id: 4, access: 'E', required: true },
  },
});
type Temperature = typeof Temperature;
type Resources = Temperature['resources'];

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <_ extends true>(): void => {};

holds<Same<ReadableKey<Temperature>, 'sensorValue' | 'errorCodes' | 'applicationType' | 'total'>>();
holds<Same<WritableKey<Temperature>, 'applicationType' | 'total' | 'package'>>();
holds<Same<ExecutableKey<Temperature>, 'resetMinMax' | 'reboot'>>();
holds<Same<ValueOf<Resources['sensorValue']>, number>>();
holds<Same<ValueOf<Resources['errorCodes']>, ReadonlyMap<number, number>>>();
holds<Same<ValueOf<Resources['total']>, bigint>>();
holds<Same<ValueOf<Resources['key']>, Uint8Array>>();
holds<Same<ValueOf<Resources['reboot']>, never>>();
holds<Same<ReadableKey<ObjectDefinition>, string>>();
holds<Same<ExecutableKey<ObjectDefinition>, string>>();
holds<Same<Access, 'R' | 'W' | 'RW' | 'E' | 'none'>>();

type Content = InstanceValues<Temperature> & InstanceActions<Temperature>;
const take = (_: Content): void => {};
const read = <K extends ReadableKey<Temperature>>(_: K): void => {};
const write = (_: WritableValues<Temperature>): void => {};
const execute = <K extends ExecutableKey<Temperature>>(_: K): void => {};

take({ sensorValue: 21.5, reboot: () => {} });
take({
  sensorValue: 21.5,
  errorCodes: new Map([[0, 1]]),
  total: 1n,
  package: new Uint8Array(1),
  reboot: async (args) => void args?.length,
  resetMinMax: () => {},
});
// @ts-expect-error a required resource is missing
take({ reboot: () => {} });
// @ts-expect-error a required executable is missing
take({ sensorValue: 21.5 });
// @ts-expect-error a string is no float
take({ sensorValue: '21.5', reboot: () => {} });
// @ts-expect-error a number is no 64-bit integer
take({ sensorValue: 21.5, total: 1, reboot: () => {} });
// @ts-expect-error several instances are a map
take({ sensorValue: 21.5, errorCodes: 0, reboot: () => {} });
// @ts-expect-error an executable has no value
take({ sensorValue: 21.5, reboot: 1 });
// @ts-expect-error nobody has defined it
take({ sensorValue: 21.5, reboot: () => {}, humidity: 1 });

read('sensorValue');
// @ts-expect-error an executable cannot be read
read('reboot');
// @ts-expect-error a write-only resource cannot be read
read('package');
// @ts-expect-error a resource without operations cannot be read
read('key');

write({ applicationType: 'oven' });
// @ts-expect-error a read-only resource cannot be written
write({ sensorValue: 22 });
// @ts-expect-error an executable cannot be written
write({ reboot: () => {} });

execute('reboot');
// @ts-expect-error a value cannot be executed
execute('sensorValue');

// @ts-expect-error a resource needs an access
defineObject({ id: 1, name: 'X', resources: { a: { id: 0, type: 'string' } } });
// @ts-expect-error there is no such type
defineObject({ id: 1, name: 'X', resources: { a: { id: 0, type: 'double', access: 'R' } } });
