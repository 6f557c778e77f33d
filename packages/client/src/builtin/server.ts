// Object 1, one instance for each account: what a server may read and change about its own registration
// (Core 1.2.1 Appendix E.2). Resources that the engine does not act on are left out.
import { type Duration, minutes, seconds } from '@lapwing/kernel';
import { type Attributes, defineObject } from '@lapwing/lwm2m';
import type { ObjectStore } from '../objects/store.ts';
import type { AccountSettings } from '../options.ts';

export const ServerObject = defineObject({
  id: 1,
  name: 'LwM2M Server',
  many: true,
  required: true,
  resources: {
    shortServerId: { id: 0, type: 'integer', access: 'R', required: true, range: '1..65534' },
    lifetime: { id: 1, type: 'integer', access: 'RW', required: true, unit: 's' },
    defaultMinimumPeriod: { id: 2, type: 'integer', access: 'RW', unit: 's' },
    defaultMaximumPeriod: { id: 3, type: 'integer', access: 'RW', unit: 's' },
    disable: { id: 4, access: 'E' },
    disableTimeout: { id: 5, type: 'integer', access: 'RW', unit: 's' },
    notificationStoring: { id: 6, type: 'boolean', access: 'RW', required: true },
    binding: { id: 7, type: 'string', access: 'RW', required: true },
    registrationUpdateTrigger: { id: 8, access: 'E', required: true },
  },
});

export interface ServerTriggers {
  update(): void;
  disable(wait: Duration): void;
}

/** The account's instance of object 1, read anew at each use: a server may have written to it. */
export class ServerInstance {
  private readonly store: ObjectStore;
  readonly id: number;

  constructor(store: ObjectStore, id: number, account: AccountSettings, triggers: ServerTriggers) {
    this.store = store;
    this.id = id;
    const { defaultMaximumPeriod } = account;
    store.add(ServerObject, id, {
      shortServerId: account.id,
      lifetime: Math.round(account.lifetime / 1000),
      defaultMinimumPeriod: account.defaultMinimumPeriod,
      ...(defaultMaximumPeriod === undefined ? {} : { defaultMaximumPeriod }),
      notificationStoring: false,
      binding: 'U',
      registrationUpdateTrigger: () => triggers.update(),
      disable: () => triggers.disable(this.disableTimeout),
    });
  }

  get lifetime(): Duration {
    return seconds(this.instance?.get('lifetime') ?? 86_400);
  }

  /** What notifications inherit where nothing is written (Core 1.2.1 §7.3.2). */
  get defaults(): Attributes {
    const pmin = this.instance?.get('defaultMinimumPeriod') ?? 0;
    const pmax = this.instance?.get('defaultMaximumPeriod') ?? 0;
    return { ...(pmin > 0 ? { pmin } : {}), ...(pmax > 0 ? { pmax } : {}) };
  }

  /** Core 1.2.1 Appendix E.2: a day, unless written. */
  private get disableTimeout(): Duration {
    return seconds(this.instance?.get('disableTimeout') ?? minutes(1440) / 1000);
  }

  private get instance() {
    return this.store.get(ServerObject, this.id);
  }
}
