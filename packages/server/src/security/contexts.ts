// The contexts of OSCORE in a store of credentials, as the layer that protects messages looks for them (RFC 8613 §3).
import {
  type ContextStore,
  contextStore,
  type KeyUseStore,
  keyNames,
  MemoryKeyUseStore,
  Oscore,
  type ProvisionedContext,
} from '@lapwing/coap/oscore';
import type { Clock, Random } from '@lapwing/kernel';
import type { SecurityStore } from './store.ts';

export interface ProtectionSettings {
  readonly security: SecurityStore | undefined;
  /** Where sequence numbers and replay windows outlive the process. */
  readonly keyUse: KeyUseStore | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** Undefined where nobody can have a context. */
export function protectionOf({ security, keyUse, clock, random }: ProtectionSettings): Oscore | undefined {
  if (security === undefined) return undefined;
  const recovering = new WeakMap<ProvisionedContext, ProvisionedContext>();
  /** Without a store that lasts keys have to be made anew: those that were used before would be used with the same numbers. */
  const recovered = (context: ProvisionedContext): ProvisionedContext => {
    const known = recovering.get(context);
    if (known !== undefined) return known;
    const made: ProvisionedContext = {
      ...context,
      recovery: keyUse === undefined ? 'rederived' : (context.recovery ?? 'either'),
    };
    recovering.set(context, made);
    return made;
  };
  const find: ContextStore['find'] = async (recipientId) => {
    const found = await security.byRecipientId(recipientId);
    return found.flatMap(({ credential }) => (credential.kind === 'oscore' ? [recovered(credential.context)] : []));
  };
  return new Oscore({ store: contextStore(find, keyUse ?? new MemoryKeyUseStore()), clock, random });
}

/** Distinct keys that are retired in one step of the store. */
const batch = 1000;

/**
 * Contexts that were taken away while nobody ran: keeps no more of the use of their keys than it must. `stores` are all that devices may
 * have contexts in whose use is kept there. Resolves with the number of keys that nobody has any more.
 */
export async function retireWithdrawn(keyUse: KeyUseStore, stores: readonly SecurityStore[]): Promise<number> {
  const gone = new Set(await keyUse.names());
  for (const store of stores) {
    if (gone.size === 0) break;
    for await (const { credential } of store.all()) {
      if (credential.kind !== 'oscore') continue;
      const { sending, receiving } = keyNames(credential.context);
      gone.delete(sending);
      gone.delete(receiving);
    }
  }
  const names = [...gone];
  for (let from = 0; from < names.length; from += batch) await keyUse.retire(names.slice(from, from + batch));
  return names.length;
}
