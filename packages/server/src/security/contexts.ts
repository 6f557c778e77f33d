// The contexts of OSCORE in a store of credentials, as the layer that protects messages looks for them (RFC 8613 §3).
import {
  type ContextStore,
  contextStore,
  type KeyUseStore,
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
