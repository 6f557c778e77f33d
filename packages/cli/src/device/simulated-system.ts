// LwM2M's own objects of a simulated device, by object id: behind them are this machine, a modem that is not there, and packages that are put
// somewhere.
import { freemem, networkInterfaces, totalmem } from 'node:os';
import {
  AdvancedFirmwareObject,
  BinaryContainer,
  Cellular,
  ConnectivityMonitoring,
  ConnectivityStatistics,
  Device,
  EventLog,
  Location,
  NetworkBearer,
  Portfolio,
  SimulatedModem,
} from '@lapwing/client';
import { encodeUtf8 } from '@lapwing/kernel';
import { AccessControl } from '@lapwing/lwm2m/objects/access-control';
import { addThermometer } from './end-devices.ts';
import { manageSoftware, updateFirmware, updateParts } from './packages.ts';
import type { Made, Place, Simulate, Surroundings } from './simulating.ts';

export const simulatedSystem: ReadonlyMap<number, Simulate> = new Map<number, Simulate>([
  [2, ({ objects }) => void objects.define(AccessControl, { creatable: {} })],
  [
    3,
    ({ objects, reboot, factoryReset, clock }) =>
      new Device({ objects, reboot, factoryReset, clock, memoryFree: () => kilobytes(freemem()), ...label }),
  ],
  [
    4,
    ({ objects }) =>
      new ConnectivityMonitoring({ objects, bearer: NetworkBearer.Ethernet, signalStrength: 0, addresses }),
  ],
  [5, updateFirmware],
  [
    6,
    ({ objects, clock }) =>
      new Location({ objects, clock, latitude: 60.17, longitude: 24.94, altitude: 12, radius: 5, speed: 0 }),
  ],
  [7, ({ objects, clock, texts }) => new ConnectivityStatistics({ objects, clock, ...(texts && { texts }) })],
  [9, manageSoftware],
  [10, cellular],
  [16, portfolio],
  [
    19,
    ({ objects, clock, acted }) =>
      new BinaryContainer({
        objects,
        clock,
        received: (instance, data) => acted(`has received ${bytesIn(data)} bytes in /19/${instance}`),
      }),
  ],
  [20, ({ objects, instance, clock, send }) => new EventLog({ objects, instance, clock, send })],
  [25, endDevice],
  [AdvancedFirmwareObject.id, updateParts],
]);

/** Those of which there may be several. */
export const severalOfSystem: ReadonlySet<number> = new Set([9, 16, 20, 25]);

/** Made together with another. */
export const comesWith: ReadonlyMap<number, number> = new Map([
  [11, 10],
  [13, 10],
]);

const kilobytes = (bytes: number): number => Math.floor(bytes / 1024);
const bytesIn = (data: ReadonlyMap<number, Uint8Array>): number =>
  [...data.values()].reduce((sum, { length }) => sum + length, 0);

const label = {
  manufacturer: 'Lapwing',
  modelNumber: 'Shell',
  serialNumber: '0001',
  firmwareVersion: '0.1.0',
  deviceType: 'simulated',
  hardwareVersion: '1.0',
  softwareVersion: '0.1.0',
  // An internal battery and USB, in mV and mA.
  availablePowerSources: new Map([
    [0, 1],
    [1, 5],
  ]),
  powerSourceVoltage: new Map([
    [0, 3800],
    [1, 5000],
  ]),
  powerSourceCurrent: new Map([
    [0, 125],
    [1, 500],
  ]),
  batteryLevel: 100,
  batteryStatus: 0,
  memoryTotal: kilobytes(totalmem()),
  utcOffset: '+00:00',
  timezone: 'Etc/UTC',
} as const;

/** Of this machine, as the outside sees them. */
const addresses: readonly string[] = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .filter(({ internal }) => !internal)
  .map(({ address }) => address);

class TellingModem extends SimulatedModem {
  private readonly acted: Place['acted'];

  constructor(acted: Place['acted']) {
    super();
    this.acted = acted;
  }

  override configure(): Promise<void> {
    this.acted('is configured');
    return super.configure();
  }

  override select(): Promise<void> {
    this.acted('chooses its bearer');
    return super.select();
  }

  override async connect(profile: number): Promise<void> {
    await super.connect(profile);
    this.acted(`has connected /11/${profile}`);
  }

  override async disconnect(profile: number): Promise<void> {
    await super.disconnect(profile);
    this.acted(`has disconnected /11/${profile}`);
  }
}

function cellular({ objects, clock, acted }: Place): Made {
  return new Cellular({
    objects,
    clock,
    modem: new TellingModem(acted),
    settings: {
      smscAddress: '+12125550100',
      disableRadioPeriod: 0,
      psmTimer: 3600,
      activeTimer: 20,
      edrxParametersForWbS1Mode: Uint8Array.of(0x0d),
      edrxParametersForNbS1Mode: Uint8Array.of(0x0d),
      releaseAssistanceIndicationUsage: 0,
    },
    profiles: new Map([
      [
        0,
        {
          profileName: 'internet',
          apn: 'internet',
          autoSelectApnByDevice: false,
          enableStatus: true,
          reconnectSchedule: '10,60,600',
          pdnType: 1,
          totalBytesSent: 0,
          totalBytesReceived: 0,
        },
      ],
      [1, { profileName: 'private', apn: 'private', autoSelectApnByDevice: false, pdnType: 1 }],
    ]),
    bearers: {
      preferredCommunicationsBearer: new Map([[0, 0]]),
      acceptableRssiGsm: -100,
      acceptableRscpUmts: -105,
      acceptableRsrpLte: -120,
      acceptableRsrpNbIoT: -130,
      cellLockList: '',
      operatorList: '',
      operatorListMode: false,
      listOfAvailablePlmns: '24405,24491',
      higherPriorityPlmnSearchTimer: 30,
      attachWithoutPdnConnection: false,
    },
  });
}

function portfolio({ objects, instance }: Place): Made {
  const identity = new Map(['lapwing-0001', 'Lapwing', 'Shell', '0.1.0'].map((each, i) => [i, each]));
  new Portfolio({ objects, authenticate: (_, args = '') => [encodeUtf8(`simulated ${args}`)] }).add(instance, identity);
  return { [Symbol.dispose]: () => void objects.remove(16, instance) };
}

function endDevice({ instance, endDevices, clock }: Place & Surroundings): Made {
  const all = endDevices();
  const { prefix } = addThermometer(all, `thermometer-${instance}`, clock, instance);
  return { [Symbol.dispose]: () => void all.remove(prefix) };
}
