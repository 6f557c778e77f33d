// The simulated device of `lapwing gateway --demo`: a thermometer and a lamp that register over real UDP, change by
// themselves and obey commands. Also the first example of a device made with the client.

import { Client, ObjectStore } from '@lapwing/client';
import { ResponseError } from '@lapwing/coap';
import { type Clock, delay, minutes } from '@lapwing/kernel';
import { Device } from '@lapwing/lwm2m/objects/device';
import { LightControl } from '@lapwing/lwm2m/objects/light-control';
import { Temperature } from '@lapwing/lwm2m/objects/temperature';

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
    supportedBindingAndModes: 'U',
  });
  const thermometer = objects.add(Temperature, 0, {
    sensorValue: 21,
    sensorUnits: 'Cel',
    minMeasuredValue: 21,
    maxMeasuredValue: 21,
    resetMinAndMaxMeasuredValues: () => {
      const now = thermometer.get('sensorValue');
      thermometer.set({ minMeasuredValue: now, maxMeasuredValue: now });
    },
  });
  objects.define(LightControl, {
    check: (valueOf) => {
      const dimmer = valueOf(LightControl.resources.dimmer.id);
      if (dimmer !== undefined && 'value' in dimmer && !(Number(dimmer.value) >= 0 && Number(dimmer.value) <= 100))
        throw ResponseError.badRequest('the dimmer goes from 0 to 100');
    },
  });
  objects.add(LightControl, 0, { onOff: false, dimmer: 50, colour: '#ffcc88', onTime: 0 });

  const client = await Client.start({ name, servers: [{ uri: server, lifetime: minutes(5) }], objects, clock });
  const stop = new AbortController();
  const warmUp = async (): Promise<void> => {
    for (let second = 1; !stop.signal.aborted; second += 1) {
      await delay(clock, 1000, stop.signal);
      // A day in ten minutes, to a tenth of a degree.
      const sensorValue = Math.round((21 + 4 * Math.sin((second / 600) * 2 * Math.PI) + Math.sin(second)) * 10) / 10;
      thermometer.set({
        sensorValue,
        minMeasuredValue: Math.min(sensorValue, thermometer.get('minMeasuredValue') ?? sensorValue),
        maxMeasuredValue: Math.max(sensorValue, thermometer.get('maxMeasuredValue') ?? sensorValue),
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
