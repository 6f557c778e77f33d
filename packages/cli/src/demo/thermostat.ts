// The simulated device of `lapwing gateway --demo`: a thermometer and a lamp that register over real UDP, change by
// themselves and obey commands. Also the first example of a device made with the client.

import { Actuator, Client, Device, ObjectStore, Sensor } from '@lapwing/client';
import { type Clock, delay, minutes } from '@lapwing/kernel';
import { LightControl } from '@lapwing/lwm2m/objects/light-control';
import { Temperature } from '@lapwing/lwm2m/objects/temperature';

export interface Thermostat extends AsyncDisposable {
  readonly name: string;
}

/** Registers at `server` (`coap://host:port`); resolves once it is started, whether or not the server is there yet. */
export async function startThermostat(name: string, server: string, clock: Clock): Promise<Thermostat> {
  const objects = new ObjectStore();
  new Device({
    ...{ objects, clock, reboot: () => client.update() },
    ...{ manufacturer: 'Lapwing', modelNumber: 'Demo thermostat', serialNumber: '0001', firmwareVersion: '0.1.0' },
    utcOffset: '+00:00',
  });
  const thermometer = new Sensor({ objects, definition: Temperature, value: 21, units: 'Cel', clock });
  const state = { dimmer: 50, colour: '#ffcc88' };
  new Actuator({ objects, definition: LightControl, state, power: 9, units: 'RGB', clock });

  const client = await Client.start({ name, servers: [{ uri: server, lifetime: minutes(5) }], objects, clock });
  const stop = new AbortController();
  const warmUp = async (): Promise<void> => {
    for (let second = 1; !stop.signal.aborted; second += 1) {
      await delay(clock, 1000, stop.signal);
      // A day in ten minutes, to a tenth of a degree.
      const value = 21 + 4 * Math.sin((second / 600) * 2 * Math.PI) + Math.sin(second);
      thermometer.measure(Math.round(value * 10) / 10);
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
