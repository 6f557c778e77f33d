// The objects that devices of the system tests have.
import { defineObject } from '@lapwing/lwm2m';

export const DeviceObject = defineObject({
  id: 3,
  name: 'Device',
  required: true,
  resources: {
    manufacturer: { id: 0, type: 'string', access: 'R' },
    modelNumber: { id: 1, type: 'string', access: 'R' },
    serialNumber: { id: 2, type: 'string', access: 'R' },
    reboot: { id: 4, access: 'E', required: true },
    availablePowerSources: { id: 6, type: 'integer', access: 'R', many: true },
    errorCode: { id: 11, type: 'integer', access: 'R', many: true, required: true },
    utcOffset: { id: 14, type: 'string', access: 'RW' },
    timezone: { id: 15, type: 'string', access: 'RW' },
    bindings: { id: 16, type: 'string', access: 'R', required: true },
  },
});

export const Temperature = defineObject({
  id: 3303,
  name: 'Temperature',
  version: '1.1',
  many: true,
  resources: {
    sensorValue: { id: 5700, type: 'float', access: 'R', required: true, unit: 'Cel' },
    minMeasured: { id: 5601, type: 'float', access: 'R' },
    maxMeasured: { id: 5602, type: 'float', access: 'R' },
    resetMinMax: { id: 5605, access: 'E' },
    applicationType: { id: 5750, type: 'string', access: 'RW' },
  },
});

/** For creating, deleting and partial writes: everything in it can be written. */
export const Setting = defineObject({
  id: 26_241,
  name: 'Setting',
  many: true,
  resources: {
    label: { id: 0, type: 'string', access: 'RW', required: true },
    level: { id: 1, type: 'integer', access: 'RW' },
    ratio: { id: 2, type: 'float', access: 'RW' },
    image: { id: 3, type: 'opaque', access: 'RW' },
    tags: { id: 4, type: 'string', access: 'RW', many: true },
    count: { id: 5, type: 'integer64', access: 'RW' },
  },
});

/** Mandatory, and only the device knows it. */
export const Meter = defineObject({
  id: 26_260,
  name: 'Meter',
  many: true,
  resources: { reading: { id: 0, type: 'float', access: 'R', required: true } },
});
