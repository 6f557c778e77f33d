// What the generated objects let compile. The compiler runs this file: `npx tsc -p tsconfig.tests.json`.
import type { InstanceActions, InstanceValues, ReadableKey, ValueOf, WritableValues } from './definition.ts';
import type { Device } from './objects/device.ts';
import type { Server } from './objects/server.ts';
import { Temperature } from './objects/temperature.ts';

type Content<D extends typeof Device | typeof Server | typeof Temperature> = InstanceValues<D> & InstanceActions<D>;

export const oven: Content<typeof Temperature> = { sensorValue: 21.5, resetMinAndMaxMeasuredValues: () => {} };
export const device: Content<typeof Device> = {
  errorCode: new Map([[0, 0]]),
  supportedBindingAndModes: 'U',
  reboot: async () => {},
};
export const written: WritableValues<typeof Server> = { lifetime: 300 };
export const kept: ValueOf<(typeof Device)['resources']['extDevInfo']> = new Map([[0, { object: 3, instance: 1 }]]);
export const readable: ReadableKey<typeof Temperature> = 'sensorValue';

// @ts-expect-error the sensor value is missing
export const empty: Content<typeof Temperature> = {};
// @ts-expect-error a reboot is an action
export const running: Content<typeof Device> = { errorCode: new Map(), supportedBindingAndModes: 'U', reboot: 1 };
// @ts-expect-error servers cannot write the sensor value
export const wrong: WritableValues<typeof Temperature> = { sensorValue: 1 };
// @ts-expect-error an action cannot be read
export const action: ReadableKey<typeof Temperature> = 'resetMinAndMaxMeasuredValues';
// @ts-expect-error an identity belongs to the definition
Temperature.id = 1;
