// The objects that Lapwing's devices have in these tests and that Leshan's programs know too.
import { defineObject } from '@lapwing/lwm2m';

export { Temperature } from '../../system/objects.ts';

export const Device = defineObject({
  id: 3,
  name: 'Device',
  version: '1.1',
  required: true,
  resources: {
    manufacturer: { id: 0, type: 'string', access: 'R' },
    modelNumber: { id: 1, type: 'string', access: 'R' },
    reboot: { id: 4, access: 'E', required: true },
    availablePowerSources: { id: 6, type: 'integer', access: 'R', many: true },
    errorCode: { id: 11, type: 'integer', access: 'R', many: true, required: true },
    currentTime: { id: 13, type: 'time', access: 'RW' },
    utcOffset: { id: 14, type: 'string', access: 'RW' },
    timezone: { id: 15, type: 'string', access: 'RW' },
    bindings: { id: 16, type: 'string', access: 'R', required: true },
  },
});

/** A resource of each type. */
export const TestObject = defineObject({
  id: 3442,
  name: 'LwM2M v1.1 Test Object',
  many: true,
  resources: {
    resetValues: { id: 0, access: 'E' },
    clearValues: { id: 2, access: 'E' },
    storeArguments: { id: 3, access: 'E' },
    storedArguments: { id: 4, type: 'string', access: 'R', many: true },
    string: { id: 110, type: 'string', access: 'RW' },
    integer: { id: 120, type: 'integer', access: 'RW' },
    unsigned: { id: 125, type: 'unsigned64', access: 'RW' },
    float: { id: 130, type: 'float', access: 'RW' },
    boolean: { id: 140, type: 'boolean', access: 'RW' },
    opaque: { id: 150, type: 'opaque', access: 'RW' },
    time: { id: 160, type: 'time', access: 'RW' },
    objectLink: { id: 170, type: 'objlnk', access: 'RW' },
    coreLink: { id: 180, type: 'corelnk', access: 'RW' },
    strings: { id: 1110, type: 'string', access: 'RW', many: true },
    integers: { id: 1120, type: 'integer', access: 'RW', many: true },
    unsigneds: { id: 1125, type: 'unsigned64', access: 'RW', many: true },
    floats: { id: 1130, type: 'float', access: 'RW', many: true },
    booleans: { id: 1140, type: 'boolean', access: 'RW', many: true },
    opaques: { id: 1150, type: 'opaque', access: 'RW', many: true },
    times: { id: 1160, type: 'time', access: 'RW', many: true },
    objectLinks: { id: 1170, type: 'objlnk', access: 'RW', many: true },
    coreLinks: { id: 1180, type: 'corelnk', access: 'RW', many: true },
  },
});
