// Thermometers behind a simulated gateway (object 25).
import { type EndDevice, type EndDevices, ObjectStore, Sensor } from '@lapwing/client';
import type { Clock } from '@lapwing/kernel';
import { Temperature } from '@lapwing/lwm2m/objects/temperature';

/** Adds one; `instance` of object 25, default the lowest that is free. Throws EndDeviceError. */
export function addThermometer(endDevices: EndDevices, id: string, clock: Clock, instance?: number): EndDevice {
  const objects = new ObjectStore();
  new Sensor({ objects, definition: Temperature, value: 20, units: 'Cel', clock });
  return endDevices.add({ id, objects, ...(instance === undefined ? {} : { instance }) });
}
