// Thousands of devices in one process (shell): carries out what the calendar says, and keeps count.
import type { Credentials } from '@lapwing/client';
import { type Clock, Driver, type Duration, type Instant, type Random, type Transport } from '@lapwing/kernel';
import { SimulatedDevice } from './device.ts';
import { PackagePool } from './package-pool.ts';
import type { Report, Standing } from './report.ts';
import { type RestEffect, type RestInput, Rests } from './rests.ts';
import { Road, type Weather } from './road.ts';
import { Schedule, type ScheduleEffect, type SchedulePlan } from './schedule.ts';

/** More at once would overrun the server's socket. */
const leavingAtOnce = 200;

export interface FleetOptions {
  readonly plan: SchedulePlan;
  readonly uri: string;
  readonly serverName: string | undefined;
  readonly nameOf: (device: number) => string;
  readonly credentialsOf: (device: number) => Credentials | undefined;
  /** Of the device, the n-th that it has: from 1 on. */
  readonly socket: (device: number, time: number) => Transport;
  /** Under which the device has its objects; empty for none. */
  readonly rootPathOf: (device: number) => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
  /** A device that has nothing to do for so long rests; undefined: none does. */
  readonly rest: Duration | undefined;
  /** What the process has used of it since the beginning. */
  readonly cpu: () => Duration;
}

export class Fleet {
  private readonly options: FleetOptions;
  private readonly schedule: Schedule;
  private readonly driver: Driver<Parameters<Schedule['handle']>[0], ScheduleEffect>;
  private readonly rests = new Rests();
  private readonly restDriver: Driver<RestInput, RestEffect>;
  private readonly devices: SimulatedDevice[] = [];
  private readonly packages = new PackagePool();
  private complete: (() => void) | undefined;
  private registered = 0;
  private off = 0;
  private begunAt: Instant = 0;

  constructor(options: FleetOptions) {
    this.options = options;
    this.schedule = new Schedule(options.plan);
    this.driver = new Driver(this.schedule, options.clock, (effect) => this.run(effect));
    this.restDriver = new Driver(this.rests, options.clock, (effect) => this.see(effect));
  }

  begin(): void {
    this.begunAt = this.options.clock.now();
    this.driver.handle({ kind: 'begin' });
  }

  /** Since the beginning. */
  get elapsed(): Duration {
    return this.options.clock.now() - this.begunAt;
  }

  get standing(): Standing {
    const { started } = this.schedule;
    return { started, registered: this.registered, off: this.off, resting: this.rests.size };
  }

  /** Nothing happens any more; devices are as they are. */
  end(): void {
    this.driver.handle({ kind: 'end' });
    this.restDriver.handle({ kind: 'end' });
  }

  /** When all that are on are registered, or after `patience`: what was under way has come to something. */
  async settled(patience: Duration): Promise<void> {
    const { clock } = this.options;
    if (this.isComplete) return;
    await new Promise<void>((resolve) => {
      const timer = clock.at(clock.now() + patience, resolve);
      this.complete = () => {
        timer[Symbol.dispose]();
        resolve();
      };
    });
  }

  private get isComplete(): boolean {
    const { started, registered, off } = this.standing;
    return registered + off >= started;
  }

  /** Deregisters all, some at a time, as long as `patience` lasts; the others go without a word. */
  async leave(patience: Duration): Promise<void> {
    this.end();
    const until = this.options.clock.now() + patience;
    const leaving = this.devices.values();
    const some = async (): Promise<void> => {
      for (const device of leaving) await device.leave(this.options.clock.now() < until);
    };
    await Promise.all(Array.from({ length: leavingAtOnce }, some));
  }

  private run(effect: ScheduleEffect): void {
    const { report } = this.options;
    const { device: index } = effect;
    const known = this.devices[index];
    switch (effect.kind) {
      case 'on':
        if (known !== undefined) this.off -= 1;
        else if (this.options.rest !== undefined) this.restDriver.handle({ kind: 'began', device: index });
        this.deviceAt(index).switchOn();
        break;
      case 'off':
        this.off += 1;
        report.count('reboots');
        known?.switchOff();
        break;
      case 'move':
        report.count('moves');
        void this.move(index);
        break;
      case 'measure':
        known?.measure(effect.measurements, effect.place);
        break;
    }
  }

  private see({ kind, device: index }: RestEffect): void {
    const device = this.devices[index];
    const { rest, clock } = this.options;
    if (kind === 'wake' || device === undefined || rest === undefined) {
      device?.wake();
      return;
    }
    const next = this.schedule.nextAt(index);
    if (next === undefined || next - clock.now() >= rest) device.rest(rest);
  }

  private async move(index: number): Promise<void> {
    try {
      await this.devices[index]?.move();
    } catch (error) {
      this.options.report.failed(error);
    }
  }

  private deviceAt(index: number): SimulatedDevice {
    const known = this.devices[index];
    if (known !== undefined) return known;
    const { plan, uri, serverName, nameOf, credentialsOf, rootPathOf, clock, random, report } = this.options;
    const { firmware } = plan.profile;
    const device = new SimulatedDevice({
      name: nameOf(index),
      profile: plan.profile,
      uri,
      serverName,
      credentials: credentialsOf(index),
      road: this.roadsOf(index),
      rootPath: rootPathOf(index),
      packages: this.packages.store(),
      clock,
      random,
      report,
      restart: (why) => {
        const off = why === 'firmware' && firmware !== undefined ? firmware.install : plan.chaos.off;
        this.driver.handle({ kind: 'restart', device: index, off });
      },
      installs: () => this.schedule.installs(index),
      standing: (isRegistered) => this.stand(isRegistered),
      rested: (until) => this.restDriver.handle({ kind: 'rested', device: index, until }),
      woken: () => this.restDriver.handle({ kind: 'woken', device: index }),
    });
    this.devices[index] = device;
    return device;
  }

  private stand(isRegistered: boolean): void {
    this.registered += isRegistered ? 1 : -1;
    const { plan, report, cpu } = this.options;
    if (this.registered === plan.devices) report.completed(this.elapsed, cpu());
    if (this.isComplete) this.complete?.();
  }

  private roadsOf(index: number): () => Road {
    let addresses = 0;
    const make = (): Transport => {
      addresses += 1;
      return this.options.socket(index, addresses);
    };
    return () => new Road(make, this.weatherOf(index));
  }

  private weatherOf(index: number): Weather {
    const { report } = this.options;
    return { drops: () => this.schedule.drops(index), count: (what) => report.count(what) };
  }
}
