// Object 16 (LwM2M Portfolio 1.0): what the things are that the device stands for, and data by which they prove it. Servers create instances.
import { ResponseError } from '@lapwing/coap';
import { Portfolio as PortfolioObject } from '@lapwing/lwm2m/objects/portfolio';
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
}

/** Identities by resource instance: 0 host device id, 1 manufacturer, 2 model, 3 software version; others as agreed. */
export type Identities = ReadonlyMap<number, string>;

export class Portfolio {
  private readonly objects: ObjectStore;
  private readonly authenticate: PortfolioOptions['authenticate'];

  constructor({ objects, authenticate }: PortfolioOptions) {
    this.objects = objects;
    this.authenticate = authenticate;
    objects.define(PortfolioObject, { creatable: (instance) => this.actionsOf(instance) });
  }

  /** Throws ResponseError for an instance that is there. */
  add(instance: number, identity: Identities): void {
    this.objects.add(PortfolioObject, instance, { identity, ...this.actionsOf(instance) });
  }

  private actionsOf(instance: number): { readonly getAuthData?: (args?: string) => Promise<void> } {
    return this.authenticate === undefined ? {} : { getAuthData: (args?: string) => this.makeAuthData(instance, args) };
  }

  private async makeAuthData(instance: number, args: string | undefined): Promise<void> {
    const own = this.objects.get(PortfolioObject, instance);
    try {
      const data = (await this.authenticate?.(instance, args)) ?? [];
      own?.set({ authData: new Map(data.map((each, i) => [i, each])), authStatus: AuthStatus.DataAvailable });
    } catch {
      own?.set({ authData: undefined, authStatus: AuthStatus.Error });
      throw ResponseError.badRequest('there is no such data');
    }
  }
}
