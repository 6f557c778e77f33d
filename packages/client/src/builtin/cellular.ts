// Objects 10, 11 and 13 (LwM2M Connectivity Management 1.1): the modem's settings, its connections and its choice of bearer. What stands
// behind them is handed in; `SimulatedModem` takes the place of one that is not there.
import { ResponseError } from '@lapwing/coap';
import { type Clock, systemClock } from '@lapwing/kernel';
import { BearerSelection } from '@lapwing/lwm2m/objects/bearer-selection';
import { CellularConnectivity } from '@lapwing/lwm2m/objects/cellular-connectivity';
import { within } from '../objects/checks.ts';
import type { Instance, InstancePatch } from '../objects/instance.ts';
import type { ObjectStore } from '../objects/store.ts';
import { type Content, numberOf } from '../objects/tree.ts';
import { onWritten } from '../objects/written.ts';
import { ApnConnectionProfile } from './account-objects.ts';

export type CellularSettings = InstancePatch<typeof CellularConnectivity>;
export type BearerSettings = InstancePatch<typeof BearerSelection>;
export type ApnSettings = InstancePatch<typeof ApnConnectionProfile>;

/** What a modem does of what servers want. Each may reject: then what it was stays to be read. */
export interface CellularModem {
  /** Power saving modes that it has, as bits (/10/0/12). */
  readonly powerSavingModes: number;
  /** Connections at once. */
  readonly mostProfiles: number;
  /** Settings of the modem (object 10). */
  configure(settings: CellularSettings): Promise<void>;
  /** Which bearer to prefer (object 13). */
  select(settings: BearerSettings): Promise<void>;
  /** Opens or closes the connection of a profile (object 11). */
  connect(profile: number, settings: ApnSettings): Promise<void>;
  disconnect(profile: number): Promise<void>;
}

export interface CellularOptions {
  readonly objects: ObjectStore;
  readonly modem: CellularModem;
  /** Object 10 at the start. */
  readonly settings?: CellularSettings;
  /** Object 11 at the start, by instance. */
  readonly profiles?: ReadonlyMap<number, ApnSettings & { readonly profileName: string }>;
  /** Object 13 at the start. */
  readonly bearers?: BearerSettings;
  readonly clock?: Clock;
}

/** Of resource 4 of object 11: none. Below it are PAP, CHAP, and either of them. */
const noAuthentication = 3;
/** Of resource 10 of object 11. */
const Established = { Accepted: 0, Rejected: 1 } as const;
const { activePowerSavingModes } = CellularConnectivity.resources;
const apn = ApnConnectionProfile.resources;

/** Does what it is told and remembers it. */
export class SimulatedModem implements CellularModem {
  readonly powerSavingModes: number;
  readonly mostProfiles: number;
  /** Instances of object 11 that are connected. */
  readonly connected = new Set<number>();

  /** `powerSavingModes` as bits, default 3: PSM and eDRX; `mostProfiles` default 2. */
  constructor({
    powerSavingModes = 3,
    mostProfiles = 2,
  }: Partial<Pick<CellularModem, 'powerSavingModes' | 'mostProfiles'>> = {}) {
    this.powerSavingModes = powerSavingModes;
    this.mostProfiles = mostProfiles;
  }

  configure(): Promise<void> {
    return Promise.resolve();
  }

  select(): Promise<void> {
    return Promise.resolve();
  }

  connect(profile: number): Promise<void> {
    if (!this.connected.has(profile) && this.connected.size >= this.mostProfiles)
      return Promise.reject(new RangeError(`no more than ${this.mostProfiles} connections`));
    this.connected.add(profile);
    return Promise.resolve();
  }

  disconnect(profile: number): Promise<void> {
    this.connected.delete(profile);
    return Promise.resolve();
  }
}

export class Cellular implements Disposable {
  private readonly objects: ObjectStore;
  private readonly clock: Clock;
  private readonly modem: CellularModem;
  private readonly cellular: Instance<typeof CellularConnectivity>;
  private readonly subscriptions: Disposable[];
  private readonly active = new Set<number>();

  constructor(options: CellularOptions) {
    const { objects, modem, settings = {}, profiles = new Map(), bearers = {}, clock = systemClock } = options;
    this.objects = objects;
    this.clock = clock;
    this.modem = modem;
    objects.define(CellularConnectivity, {
      check: (valueOf) => checkModes(valueOf(activePowerSavingModes.id), modem.powerSavingModes),
    });
    this.cellular = objects.add(CellularConnectivity, 0, {
      activePowerSavingModes: 0,
      supportedPowerSavingModes: modem.powerSavingModes,
      activatedProfileNames: new Map(),
      ...(settings as object),
    });
    objects.define(ApnConnectionProfile, {
      creatable: {},
      check: within([apn.authenticationType.id, 'authentication', 0, noAuthentication]),
    });
    for (const [id, profile] of profiles)
      objects.add(ApnConnectionProfile, id, {
        authenticationType: noAuthentication,
        enableStatus: false,
        ...(profile as { profileName: string }),
      });
    objects.add(BearerSelection, 0, bearers as object);
    this.subscriptions = [
      onWritten(objects, CellularConnectivity.id, 0, () =>
        this.tell(modem.configure(valuesOf(objects, CellularConnectivity))),
      ),
      onWritten(objects, BearerSelection.id, 0, () => this.tell(modem.select(valuesOf(objects, BearerSelection)))),
      objects.events.on('changed', ({ paths }) => {
        if (paths.some((path) => path.kind !== 'root' && path.object === ApnConnectionProfile.id)) this.follow();
      }),
    ];
    this.follow();
  }

  /** Instances of object 11 that are connected. */
  get connected(): ReadonlySet<number> {
    return this.active;
  }

  /** Lets go of the objects. */
  [Symbol.dispose](): void {
    for (const subscription of this.subscriptions) subscription[Symbol.dispose]();
    this.objects.remove(CellularConnectivity.id, 0);
    this.objects.remove(BearerSelection.id, 0);
    for (const id of [...this.profiles]) this.objects.remove(ApnConnectionProfile.id, id);
  }

  /** Connects the profiles that are enabled, and lets go of all others. */
  private follow(): void {
    const enabled = [...this.profiles].filter((id) => this.profile(id)?.get('enableStatus') === true);
    for (const id of [...this.active]) {
      if (enabled.includes(id)) continue;
      this.active.delete(id);
      this.profile(id)?.set({ connectionEndTime1: new Map([[0, this.now]]) });
      this.tell(this.modem.disconnect(id));
    }
    for (const id of enabled) {
      if (this.active.has(id)) continue;
      this.active.add(id);
      const settings = valuesOf(this.objects, ApnConnectionProfile, id);
      this.tell(
        this.modem.connect(id, settings).then(
          () => this.established(id, Established.Accepted),
          () => {
            this.active.delete(id);
            this.profile(id)?.set({ enableStatus: false });
            this.established(id, Established.Rejected);
          },
        ),
      );
    }
    this.show();
  }

  /** When it was tried last, and what came of it. */
  private established(id: number, result: number): void {
    this.profile(id)?.set({
      connectionEstablishmentTime1: new Map([[0, this.now]]),
      connectionEstablishmentResult1: new Map([[0, result]]),
    });
  }

  private get now(): number {
    return Math.floor(this.clock.wall() / 1000);
  }

  private get profiles(): Iterable<number> {
    return this.objects.objects.get(ApnConnectionProfile.id)?.instances.keys() ?? [];
  }

  private show(): void {
    const links = [...this.active]
      .sort((a, b) => a - b)
      .map((instance) => ({ object: ApnConnectionProfile.id, instance }));
    this.cellular.set({ activatedProfileNames: new Map(links.map((link, i) => [i, link])) });
  }

  private profile(id: number): Instance<typeof ApnConnectionProfile> | undefined {
    return this.objects.get(ApnConnectionProfile, id);
  }

  /** What a modem cannot do is no reason to end. */
  private tell(work: Promise<void>): void {
    work.catch(() => undefined);
  }
}

function valuesOf<D extends typeof CellularConnectivity | typeof BearerSelection | typeof ApnConnectionProfile>(
  objects: ObjectStore,
  definition: D,
  id = 0,
): InstancePatch<D> {
  const own = objects.get(definition, id);
  return Object.fromEntries(
    Object.keys(definition.resources).flatMap((key) => {
      const value = own?.get(key as never);
      return value === undefined ? [] : [[key, value]];
    }),
  ) as InstancePatch<D>;
}

/** Only modes that the modem has can be made active (/10/0/13). */
function checkModes(modes: Content | undefined, supported: number): void {
  const active = numberOf(modes) ?? 0;
  if (active < 0 || (active & ~supported) !== 0)
    throw ResponseError.badRequest(`power saving modes ${active} are not among ${supported}`);
}
