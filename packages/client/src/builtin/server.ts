// Object 1, one instance for each account: what a server may read and change about its own registration
// (Core 1.2.1 Appendix E.2). Resources that the engine does not act on are left out.
import { ResponseError } from '@lapwing/coap';
import { type Duration, days, seconds } from '@lapwing/kernel';
import { type Attributes, defineObject } from '@lapwing/lwm2m';
import type { Instance } from '../objects/instance.ts';
import type { ObjectStore } from '../objects/store.ts';
import { type Content, isMany } from '../objects/tree.ts';
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
    muteSend: { id: 23, type: 'boolean', access: 'RW' },
  },
});

const { shortServerId, lifetime, defaultMinimumPeriod, defaultMaximumPeriod, disableTimeout, binding } =
  ServerObject.resources;
/** Seconds: what fits in 32 bits, and in a number as ms. */
const longest = 0xffff_ffff;

/** How the road to a server is called in bindings (Core 1.2.1 §6.2.1). */
export const bindingLetters = { udp: 'U', tcp: 'T', sms: 'S' } as const;

/** What each account of a store can be spoken to in, by short server id. */
const spoken = new WeakMap<ObjectStore, Map<number, string>>();

function spokenIn(store: ObjectStore): Map<number, string> {
  const known = spoken.get(store) ?? new Map<number, string>();
  spoken.set(store, known);
  return known;
}

/** Refuses what would leave the device unreachable or restless: no server gets to write that (Core 1.2.1 Appendix E.2). */
function check(letters: ReadonlyMap<number, string>, valueOf: (resource: number) => Content | undefined): void {
  for (const { id } of [lifetime, defaultMinimumPeriod, defaultMaximumPeriod, disableTimeout]) {
    const period = numberAt(valueOf(id));
    if (period !== undefined && !(period >= 0 && period <= longest))
      throw ResponseError.badRequest(`resource ${id}: not a number of seconds`);
  }
  const wanted = valueOf(binding.id);
  // The road is that of the account's URI.
  const letter = letters.get(numberAt(valueOf(shortServerId.id)) ?? 0);
  if (wanted !== undefined && !isMany(wanted) && wanted.value !== letter)
    throw ResponseError.badRequest('this binding is not spoken here');
}

function numberAt(content: Content | undefined): number | undefined {
  return content === undefined || isMany(content) ? undefined : Number(content.value);
}

export interface ServerTriggers {
  update(): void;
  disable(wait: Duration): void;
}

/** The account's instance of object 1, read anew at each use: a server may have written to it. */
export class ServerInstance implements Disposable {
  private readonly store: ObjectStore;
  readonly id: number;

  constructor(store: ObjectStore, id: number, account: AccountSettings, triggers: ServerTriggers) {
    this.store = store;
    this.id = id;
    const { defaultMaximumPeriod } = account;
    const letters = spokenIn(store).set(account.id, bindingLetters[account.address.via]);
    store.define(ServerObject, { check: (valueOf) => check(letters, valueOf) });
    store.add(ServerObject, id, {
      shortServerId: account.id,
      // Endless is written 0.
      lifetime: account.lifetime === Number.POSITIVE_INFINITY ? 0 : Math.round(account.lifetime / 1000),
      defaultMinimumPeriod: account.defaultMinimumPeriod,
      ...(defaultMaximumPeriod === undefined ? {} : { defaultMaximumPeriod }),
      notificationStoring: false,
      binding: bindingLetters[account.address.via],
      muteSend: false,
      registrationUpdateTrigger: () => triggers.update(),
      disable: () => triggers.disable(this.disableTimeout),
    });
  }

  get lifetime(): Duration {
    const written = this.instance?.get('lifetime') ?? 86_400;
    return written === 0 ? Number.POSITIVE_INFINITY : seconds(written);
  }

  /** Nothing is to be lost while the server cannot be reached (Core 1.2.1 Appendix E.2). */
  get isStoring(): boolean {
    return this.instance?.get('notificationStoring') ?? false;
  }

  /** The server wants to be sent nothing (Core 1.2.1 Appendix E.2). */
  get isMuted(): boolean {
    return this.instance?.get('muteSend') ?? false;
  }

  /** What notifications inherit where nothing is written (Core 1.2.1 §7.3.2). */
  get defaults(): Attributes {
    const pmin = this.instance?.get('defaultMinimumPeriod') ?? 0;
    const pmax = this.instance?.get('defaultMaximumPeriod') ?? 0;
    return { ...(pmin > 0 ? { pmin } : {}), ...(pmax > 0 ? { pmax } : {}) };
  }

  /** Takes the instance away: the next client on this store makes its own. */
  [Symbol.dispose](): void {
    this.store.remove(ServerObject.id, this.id);
  }

  /** Core 1.2.1 Appendix E.2: a day, unless written. */
  private get disableTimeout(): Duration {
    const written = this.instance?.get('disableTimeout');
    return written === undefined ? days(1) : seconds(written);
  }

  private get instance(): Instance<typeof ServerObject> | undefined {
    return this.store.get(ServerObject, this.id);
  }
}
