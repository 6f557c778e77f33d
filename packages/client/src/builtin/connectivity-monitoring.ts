// Object 4 (Core 1.2.1 Appendix E.5): over what the device is connected, and how well. What it says comes from the application; what belongs
// together changes together.
import { ConnectivityMonitoring as MonitoringObject } from '@lapwing/lwm2m/objects/connectivity-monitoring';
import { within } from '../objects/checks.ts';
import type { Instance } from '../objects/instance.ts';
import type { ObjectStore } from '../objects/store.ts';

/** Resources 0 and 1; others are reserved or of a vendor. */
export const NetworkBearer = {
  Gsm: 0,
  TdScdma: 1,
  Wcdma: 2,
  Cdma2000: 3,
  WiMax: 4,
  LteTdd: 5,
  LteFdd: 6,
  NbIot: 7,
  Wlan: 21,
  Bluetooth: 22,
  Ieee802154: 23,
  Ethernet: 41,
  Dsl: 42,
  Plc: 43,
} as const;

export interface Connectivity {
  /** In use now: one of `NetworkBearer`. */
  readonly bearer: number;
  /** Default only the one in use. */
  readonly availableBearers?: readonly number[];
  /** dBm, or as the bearer counts it; 0 for a wire. */
  readonly signalStrength: number;
  readonly linkQuality?: number;
  readonly addresses: readonly string[];
  readonly routers?: readonly string[];
  /** Percent. */
  readonly utilization?: number;
  readonly apns?: readonly string[];
  readonly cellId?: number;
  readonly networkCode?: number;
  readonly countryCode?: number;
  /** dB. */
  readonly signalToNoise?: number;
  readonly locationAreaCode?: number;
  /** 0 to 4. */
  readonly coverageEnhancement?: number;
}

export class ConnectivityMonitoring implements Disposable {
  private readonly objects: ObjectStore;
  private readonly instance: Instance<typeof MonitoringObject>;

  /** Throws ResponseError for numbers out of range, RangeError where the store has another object 4. */
  constructor({ objects, ...state }: Connectivity & { readonly objects: ObjectStore }) {
    this.objects = objects;
    const values = Object.entries(valuesOf(state)).filter(([, value]) => value !== undefined);
    objects.define(MonitoringObject, { check });
    this.instance = objects.add(MonitoringObject, 0, Object.fromEntries(values) as ReturnType<typeof required>);
  }

  /** How it is connected now; what is not said is not known. */
  set(state: Connectivity): void {
    this.instance.set(valuesOf(state));
  }

  /** Lets go of the object. */
  [Symbol.dispose](): void {
    this.objects.remove(MonitoringObject.id, 0);
  }
}

const { resources } = MonitoringObject;
const check = within(
  [resources.linkUtilization.id, 'link utilization', 0, 100],
  [resources.smnc.id, 'network code', 0, 999],
  [resources.smcc.id, 'country code', 0, 999],
  [resources.coverageEnhancementLevel.id, 'coverage enhancement level', 0, 4],
);

const many = <T>(values: readonly T[]): ReadonlyMap<number, T> => new Map(values.map((value, i) => [i, value]));
const some = <T>(values: readonly T[] | undefined): ReadonlyMap<number, T> | undefined =>
  values === undefined ? undefined : many(values);

const required = ({ bearer, availableBearers = [bearer], signalStrength, addresses }: Connectivity) => ({
  networkBearer: bearer,
  availableNetworkBearer: many(availableBearers),
  radioSignalStrength: signalStrength,
  ipAddresses: many(addresses),
});

const valuesOf = (state: Connectivity) => ({
  ...required(state),
  linkQuality: state.linkQuality,
  routerIpAddresses: some(state.routers),
  linkUtilization: state.utilization,
  apn: some(state.apns),
  cellId: state.cellId,
  smnc: state.networkCode,
  smcc: state.countryCode,
  signalsnr: state.signalToNoise,
  lac: state.locationAreaCode,
  coverageEnhancementLevel: state.coverageEnhancement,
});
