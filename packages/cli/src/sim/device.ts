// One simulated device (shell): the engine with its objects, switched on and off, and put to rest. What it does and when is said from outside;
// what comes of it goes into the report.
import { Client, type Credentials, type PackageStore, type Phase, secured } from '@lapwing/client';
import { type Clock, ClosedError, concatBytes, type Duration, type Instant, type Random } from '@lapwing/kernel';
import type { Measurement, Place } from './behaviour.ts';
import { Equipment } from './equipment.ts';
import type { Profile } from './profile.ts';
import type { Report } from './report.ts';
import type { Road } from './road.ts';

export interface DeviceOptions {
  readonly name: string;
  readonly profile: Profile;
  readonly uri: string;
  /** What to call the server in a handshake, where it has a name. */
  readonly serverName: string | undefined;
  readonly credentials: Credentials | undefined;
  /** Makes the way to the server, also again where it was given up. */
  readonly road: () => Road;
  /** Under which the objects stand; empty for none. */
  readonly rootPath: string;
  readonly packages: PackageStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
  /** It wants to be off for a while: `why` is a server's word, or an installation. */
  readonly restart: (why: 'asked' | 'firmware') => void;
  /** Whether the installation that it has restarted for went well. */
  readonly installs: () => boolean;
  /** Registered from now on, or not any more. */
  readonly standing: (isRegistered: boolean) => void;
  /** It rests, until then if nothing comes before; undefined: for good. */
  readonly rested: (until: Instant | undefined) => void;
  readonly woken: () => void;
}

/** What there is of a device that rests: bytes of the client, and those of the objects behind them. */
interface Rested {
  readonly bytes: Uint8Array;
  readonly client: number;
}

const registered: ReadonlySet<Phase> = new Set<Phase>(['registered', 'rx-off', 'updating']);

export class SimulatedDevice {
  private readonly options: DeviceOptions;
  private client: Client | undefined;
  private equipment: Equipment | undefined;
  private road: Road | undefined;
  private rested: Rested | undefined;
  private phase: Phase = 'idle';
  /** When the phase began. */
  private since: Instant = 0;
  private measuredAt: Instant | undefined;
  private updates = 0;
  private isOn = false;
  private turn: Promise<void> = Promise.resolve();

  constructor(options: DeviceOptions) {
    this.options = options;
  }

  switchOn(): void {
    this.isOn = true;
    this.next(() => this.start());
  }

  /** As when the power goes: nobody is told. */
  switchOff(): void {
    this.isOn = false;
    this.enter('idle');
    this.next(() => this.end(false));
  }

  /** Gets another address; the server learns of it. */
  async move(): Promise<void> {
    await this.road?.move();
    this.awake(() => this.client?.update());
  }

  measure(measurements: readonly Measurement[], place: Place | undefined): void {
    this.awake(() => this.measureNow(measurements, place));
  }

  /** Goes to rest, if it is registered and the engine has nothing to do for `least` ms: it is there again when something comes for it. */
  rest(least: Duration): void {
    if (this.isOn && this.client !== undefined && this.options.credentials === undefined)
      this.next(() => this.restNow(least));
  }

  /** Comes back from its rest. */
  wake(): void {
    this.awake(() => undefined);
  }

  /** At once, or as soon as it is woken. */
  private awake(act: () => void): void {
    if (this.rested === undefined && this.client !== undefined) act();
    else
      this.next(async () => {
        if (this.isOn) await this.wakeNow();
        act();
      });
  }

  private measureNow(measurements: readonly Measurement[], place: Place | undefined): void {
    const { client, equipment } = this;
    const { report, clock, profile } = this.options;
    if (!this.isOn || client === undefined || equipment === undefined) return;
    this.measuredAt = clock.now();
    report.count('measurements', measurements.length);
    const paths = equipment.take(measurements, place);
    if (profile.reporting !== 'send') return;
    const from = clock.now();
    client.send(paths, { queue: true }).then(
      () => {
        report.count('sends');
        report.took('send', clock.now() - from);
      },
      (error: unknown) => this.failed(error),
    );
  }

  /** For good; with `deregister` the server is told, as far as it answers in time. */
  async leave(deregister: boolean): Promise<void> {
    this.isOn = false;
    const isKnown = deregister && registered.has(this.phase);
    this.next(async () => {
      if (isKnown) await this.wakeNow();
      await this.end(isKnown);
    });
    await this.turn;
  }

  /** One after the other: a device that is switched on again has been off before. */
  private next(step: () => Promise<void>): void {
    this.turn = this.turn.then(step).catch((error: unknown) => this.failed(error));
  }

  private async restNow(least: Duration): Promise<void> {
    const { client, equipment, road } = this;
    const next = client?.nextWake();
    if (client === undefined || !this.isOn || (next !== undefined && next < least)) return;
    const values = equipment?.keep();
    if (values === undefined) return;
    road?.rest(() => this.wake());
    // What is to be done from here on waits for the next client.
    this.client = undefined;
    const kept = await client.hibernate();
    if (kept === undefined) {
      this.client = client;
      road?.wake();
      return;
    }
    this.equipment = undefined;
    if (road?.isResting === false) this.road = undefined;
    this.rested = { bytes: concatBytes(kept.state, values), client: kept.state.length };
    const { clock, rested } = this.options;
    rested(kept.wakeAfter === undefined ? undefined : clock.now() + kept.wakeAfter);
    await equipment?.[Symbol.asyncDispose]();
  }

  private async wakeNow(): Promise<void> {
    const { rested } = this;
    if (rested === undefined) return;
    this.rested = undefined;
    this.options.woken();
    try {
      await this.begin(rested);
    } catch (error) {
      this.enter('idle');
      await this.road?.close();
      throw error;
    }
    this.road?.wake();
  }

  private async start(): Promise<void> {
    if (this.isOn) await this.begin(undefined);
  }

  private async begin(rested: Rested | undefined): Promise<void> {
    const { name, profile, uri, serverName, credentials, rootPath, clock, random, restart } = this.options;
    const equipment = new Equipment({
      name,
      profile,
      firmwareVersion: `1.${this.updates}`,
      clock,
      reboot: () => restart('asked'),
    });
    this.equipment = equipment;
    if (profile.firmware !== undefined) await this.addFirmware(equipment);
    if (rested !== undefined) equipment.recall(rested.bytes.subarray(rested.client));
    const { lifetime, queueMode, awakeTime, idle } = profile;
    const { objects, endDevices } = equipment;
    const client = await Client.start({
      name,
      servers: [
        {
          uri,
          lifetime,
          queueMode,
          awakeTime,
          idle,
          ...(credentials === undefined ? {} : { credentials }),
          ...(serverName === undefined ? {} : { serverName }),
        },
      ],
      objects,
      ...(endDevices === undefined ? {} : { endDevices }),
      connectors: {
        coap: () => this.takeRoad(),
        coaps: (destination) => secured(this.takeRoad(), destination),
      },
      rootPath,
      clock,
      random,
      ...(rested === undefined ? {} : { hibernated: rested.bytes.subarray(0, rested.client) }),
    });
    this.client = client;
    this.listen(client);
  }

  /** That of the rest, or another. */
  private takeRoad(): Road {
    if (this.road?.isResting !== true) this.road = this.options.road();
    return this.road;
  }

  private async addFirmware(equipment: Equipment): Promise<void> {
    const { packages, clock, report, restart, installs } = this.options;
    await equipment.addFirmware({
      store: packages,
      clock,
      install: () => {
        restart('firmware');
        return new Promise(() => undefined);
      },
      outcome: () => {
        const isGood = installs();
        if (isGood) this.updates += 1;
        report.count(isGood ? 'firmwareUpdated' : 'firmwareFailed');
        return Promise.resolve(isGood ? 'installed' : 'failed');
      },
    });
    equipment.firmwareVersion = `1.${this.updates}`;
  }

  private listen(client: Client): void {
    const { report, clock } = this.options;
    this.enter(client.phase() ?? 'idle');
    client.events.on('phase', ({ phase }) => {
      if (client === this.client) this.enter(phase);
    });
    client.events.on('registered', () => report.count('registrations'));
    client.events.on('updated', () => report.count('updates'));
    client.events.on('deregistered', () => report.count('deregistrations'));
    client.events.on('failed', ({ error }) => this.failed(error));
    client.events.on('observation', (event) => {
      if (event.kind === 'began') report.count('observations');
      if (event.kind !== 'notified') return;
      if (event.outcome === 'superseded' || event.outcome === 'unacknowledged')
        report.count(event.outcome, event.notifications);
      if (event.outcome !== 'delivered') return;
      report.count('notifications', event.notifications);
      if (this.measuredAt === undefined) return;
      report.took('notify', clock.now() - this.measuredAt);
      this.measuredAt = undefined;
    });
  }

  private enter(phase: Phase): void {
    const { report, clock, standing } = this.options;
    const { phase: before } = this;
    if (phase === before) return;
    const took = clock.now() - this.since;
    this.phase = phase;
    this.since = clock.now();
    if (phase === 'registered' && before === 'registering') report.took('register', took);
    if (phase === 'registered' && before === 'updating') report.took('update', took);
    if (registered.has(phase) !== registered.has(before)) standing(registered.has(phase));
  }

  private async end(deregister: boolean): Promise<void> {
    const { client, equipment } = this;
    this.client = undefined;
    this.equipment = undefined;
    if (this.rested !== undefined) {
      this.rested = undefined;
      this.options.woken();
      await this.road?.close();
    }
    this.road = undefined;
    await client?.close({ deregister });
    await equipment?.[Symbol.asyncDispose]();
  }

  private failed(error: unknown): void {
    // What ends with the device is no failure.
    if (this.isOn || !(error instanceof ClosedError)) this.options.report.failed(error);
  }
}
