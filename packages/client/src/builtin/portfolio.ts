// Object 16 (LwM2M Portfolio 1.0): what the things are that the device stands for, and data by which they prove it. Servers create instances.
import { ResponseError } from '@lapwing/coap';
import { type Clock, systemClock } from '@lapwing/kernel';
import { Portfolio as PortfolioObject } from '@lapwing/lwm2m/objects/portfolio';
import { Behind } from '../objects/behind.ts';
import type { ObjectStore } from '../objects/store.ts';

/** Resource 3. */
export const AuthStatus = { Idle: 0, DataAvailable: 1, Error: 2 } as const;

export interface PortfolioOptions {
  readonly objects: ObjectStore;
  /**
   * Makes the data that proves an identity, when a server executes resource 1; `args` is what it sends along. Default: there is none, and
   * no resource 1.
   */
  readonly authenticate?: (
    instance: number,
    args: string | undefined,
  ) => readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  readonly clock?: Clock;
}

/** Identities by resource instance: 0 host device id, 1 manufacturer, 2 model, 3 software version; others as agreed. */
export type Identities = ReadonlyMap<number, string>;

/** Data that was made for whoever has asked, until it is looked at. */
const made = new Behind<ReadonlyMap<number, Uint8Array>>();

export class Portfolio {
  private readonly objects: ObjectStore;
  private readonly authenticate: PortfolioOptions['authenticate'];
  private readonly clock: Clock;

  constructor({ objects, authenticate, clock = systemClock }: PortfolioOptions) {
    this.objects = objects;
    this.authenticate = authenticate;
    this.clock = clock;
    objects.define(PortfolioObject, {
      creatable: (instance) => this.actionsOf(instance),
      readers: { authData: (instance) => this.look(instance) },
    });
  }

  /** Throws ResponseError for an instance that is there. */
  add(instance: number, identity: Identities): void {
    const status = this.authenticate === undefined ? {} : { authStatus: AuthStatus.Idle };
    this.objects.add(PortfolioObject, instance, { identity, ...status, ...this.actionsOf(instance) });
  }

  private actionsOf(instance: number): { readonly getAuthData?: (args?: string) => Promise<void> } {
    return this.authenticate === undefined ? {} : { getAuthData: (args?: string) => this.makeAuthData(instance, args) };
  }

  private async makeAuthData(instance: number, args: string | undefined): Promise<void> {
    this.say(instance, AuthStatus.Idle, undefined);
    try {
      const data = (await this.authenticate?.(instance, args)) ?? [];
      this.say(instance, AuthStatus.DataAvailable, new Map(data.map((each, i) => [i, each])));
    } catch {
      this.say(instance, AuthStatus.Error, undefined);
      throw ResponseError.badRequest('there is no such data');
    }
  }

  /** Once the data is with whoever has asked, it is not said again (resource 3). */
  private look(instance: number): ReadonlyMap<number, Uint8Array> {
    const data = made.get(this.objects, instance);
    if (data === undefined) return new Map();
    const { clock } = this;
    clock.at(clock.now(), () => {
      if (made.get(this.objects, instance) === data) this.say(instance, AuthStatus.Idle, undefined);
    });
    return data;
  }

  private say(instance: number, status: number, data: ReadonlyMap<number, Uint8Array> | undefined): void {
    if (data === undefined) made.delete(this.objects, instance);
    else made.set(this.objects, instance, data);
    this.objects.get(PortfolioObject, instance)?.set({ authData: data, authStatus: status });
  }
}
