// What objects 3 and 4 refuse to say of a device.
import { expect, it } from 'vitest';
import { ObjectStore } from '../objects/store.ts';
import { ConnectivityMonitoring, NetworkBearer } from './connectivity-monitoring.ts';
import { Device } from './device.ts';

it.each([
  [{ batteryLevel: 101 }, 'battery level'],
  [{ batteryStatus: 7 }, 'battery status'],
])('of a device it is not said %o', (values, what) => {
  const device = new Device({
    objects: new ObjectStore(),
    reboot: () => undefined,
    batteryLevel: 100,
    batteryStatus: 6,
  });
  expect(() => device.set(values)).toThrow(what);
});

it.each([
  [{ utilization: 101 }, 'link utilization'],
  [{ networkCode: 1000 }, 'network code'],
  [{ countryCode: -1 }, 'country code'],
  [{ coverageEnhancement: 5 }, 'coverage enhancement'],
])('of a connection it is not said %o', (values, what) => {
  const own = { bearer: NetworkBearer.NbIot, signalStrength: -90, addresses: [] };
  const most = { utilization: 100, networkCode: 999, countryCode: 0, coverageEnhancement: 4 };
  const monitoring = new ConnectivityMonitoring({ objects: new ObjectStore(), ...own, ...most });
  expect(() => monitoring.set({ ...own, ...values })).toThrow(what);
});
