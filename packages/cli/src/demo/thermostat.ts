// The simulated device of `lapwing gateway --demo`: a thermometer and a lamp that register over real UDP, change by
// themselves and obey commands. Also the first example of a device made with the client.
import { Client, ObjectStore } from '@lapwing/client';
import { type Clock, delay, minutes } from '@lapwing/kernel';
import { defineObject } from '@lapwing/lwm2m';

const Device = defineObject({
  id: 3,
  name: 'Device',
  required: true,
  resources: {
    manufacturer: { id: 0, type: 'string', access: 'R' },
    modelNumber: { id: 1, type: 'string', access: 'R' },
    serialNumber: { id: 2, type: 'string', access: 'R' },
    firmwareVersion: { id: 3, type: 'string', access: 'R' },
    reboot: { id: 4, access: 'E', required: true },
    errorCode: { id: 11, type: 'integer', access: 'R', many: true, required: true },
    currentTime: { id: 13, type: 'time', access: 'RW' },
    utcOffset: { id: 14, type: 'string', access: 'RW' },
    bindings: { id: 16, type: 'string', access: 'R', required: true },
  },
});

const Temperature = defineObject({
  id: 3303,
  name: 'Temperature',
  many: true,
  resources: {
    sensorValue: { id: 5700, type: 'float', access: 'R', required: true, unit: 'Cel' },
    unit: { id: 5701, type: 'string', access: 'R' },
    minMeasured: { id: 5601, type: 'float', access: 'R' },
    maxMeasured: { id: 5602, type: 'float', access: 'R' },
    resetMinMax: { id: 5605, access: 'E' },
  },
});

const Light = defineObject({
  id: 3311,
  name: 'Light Control',
  many: true,
  resources: {
    onOff: { id: 5850, type: 'boolean', access: 'RW', required: true },
    dimmer: { id: 5851, type: 'integer', access: 'RW', range: '0..100' },
    colour: { id: 5706, type: 'string', access: 'RW' },
    onTime: { id: 5852, type: 'integer', access: 'RW' },
  },
});

export interface Thermostat extends AsyncDisposable {
  readonly name: string;
}

/** Registers at `server` (`coap://host:port`); resolves once it is started, whether or not the server is there yet. */
export async function startThermostat(name: string, server: string, clock: Clock): Promise<Thermostat> {
  const objects = new ObjectStore();
  objects.add(Device, 0, {
    manufacturer: 'Lapwing',
    modelNumber: 'Demo thermostat',
    serialNumber: '0001',
    firmwareVersion: '0.1.0',
    reboot: () => undefined,
    errorCode: new Map([[0, 0]]),
    currentTime: Math.floor(clock.wall() / 1000),
    utcOffset: '+00:00',
    bindings: 'U',
  });
  const thermometer = objects.add(Temperature, 0, {
    sensorValue: 21,
    unit: 'Cel',
    minMeasured: 21,
    maxMeasured: 21,
    resetMinMax: () => {
      const now = thermometer.get('sensorValue');
      thermometer.set({ minMeasured: now, maxMeasured: now });
    },
  });
  objects.add(Light, 0, { onOff: false, dimmer: 50, colour: '#ffcc88', onTime: 0 });

  const client = await Client.start({ name, servers: [{ uri: server, lifetime: minutes(5) }], objects, clock });
  const stop = new AbortController();
  const warmUp = async (): Promise<void> => {
    for (let second = 1; !stop.signal.aborted; second += 1) {
      await delay(clock, 1000, stop.signal);
      // A day in ten minutes, to a tenth of a degree.
      const sensorValue = Math.round((21 + 4 * Math.sin((second / 600) * 2 * Math.PI) + Math.sin(second)) * 10) / 10;
      thermometer.set({
        sensorValue,
        minMeasured: Math.min(sensorValue, thermometer.get('minMeasured') ?? sensorValue),
        maxMeasured: Math.max(sensorValue, thermometer.get('maxMeasured') ?? sensorValue),
      });
    }
  };
  const running = warmUp().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return {
    name,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await client[Symbol.asyncDispose]();
    },
  };
}
