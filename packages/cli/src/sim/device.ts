// One simulated device (shell): the engine with its objects, switched on and off. What it does and when is said from outside; what
// comes of it goes into the report.
import { Client, type Connector, type Credentials, type PackageStore, type Phase } from '@lapwing/client';
import { type Clock, ClosedError, type Instant } from '@lapwing/kernel';
import type { Measurement, Place } from './behaviour.ts';
import { Equipment } from './equipment.ts';
import type { Profile } from './profile.ts';
import type { Report } from './report.ts';

export interface DeviceOptions {
  readonly name: string;
  readonly profile: Profile;
  readonly uri: string;
  /** What to call the server in a handshake, where it has a name. */
  readonly serverName: string | undefined;
  readonly credentials: Credentials | undefined;
  readonly connectors: Readonly<Record<string, Connector>>;
  /** Under which the objects stand; empty for none. */
  readonly rootPath: string;
  readonly packages: PackageStore;
  readonly clock: Clock;
  readonly report: Report;
  /** It wants to be off for a while: `why` is a server's word, or an installation. */
  readonly restart: (why: 'asked' | 'firmware') => void;
  /** Whether the installation that it has restarted for went well. */
  readonly installs: () => boolean;
  /** Registered from now on, or not any more. */
  readonly standing: (isRegistered: boolean) => void;
}

const registered: ReadonlySet<Phase> = new Set<Phase>(['registered', 'rx-off', 'updating']);

export class SimulatedDevice {
  private readonly options: DeviceOptions;
  private client: Client | undefined;
  private equipment: Equipment | undefined;
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

  /** After its address has changed: the server learns of it. */
  moved(): void {
    this.client?.update();
  }

  measure(measurements: readonly Measurement[], place: Place | undefined): void {
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
    this.next(() => this.end(deregister && registered.has(this.phase)));
    await this.turn;
  }

  /** One after the other: a device that is switched on again has been off before. */
  private next(step: () => Promise<void>): void {
    this.turn = this.turn.then(step).catch((error: unknown) => this.failed(error));
  }

  private async start(): Promise<void> {
    if (!this.isOn) return;
    const { name, profile, uri, serverName, credentials, connectors, rootPath, clock, restart } = this.options;
    const equipment = new Equipment({
      name,
      profile,
      firmwareVersion: `1.${this.updates}`,
      clock,
      reboot: () => restart('asked'),
    });
    this.equipment = equipment;
    if (profile.firmware !== undefined) await this.addFirmware(equipment);
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
      connectors,
      rootPath,
      clock,
    });
    this.client = client;
    this.listen(client);
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
    await client?.close({ deregister });
    await equipment?.[Symbol.asyncDispose]();
  }

  private failed(error: unknown): void {
    // What ends with the device is no failure.
    if (this.isOn || !(error instanceof ClosedError)) this.options.report.failed(error);
  }
}
