// What is needed once a server is spoken to under OSCORE; loaded when an account wants it (late.ts).
import { type ContextParameters, contextStore, deriveContext, MemoryKeyUseStore, Oscore } from '@lapwing/coap/oscore';
import { equalBytes } from '@lapwing/kernel';
import { late } from './late.ts';
import { keyUseIn } from './persistence/key-use.ts';
import type { Settings } from './settings.ts';

/** Throws ConfigError for parameters that make no context: an unknown algorithm, ids that are too long or the same. */
export function checkOscore(parameters: ContextParameters): void {
  deriveContext(parameters);
}

/** One for each account: two servers may have chosen the same id. */
function protectionUnder(parameters: ContextParameters, { keyUse, clock, random }: Settings): Oscore {
  const provisioned = { ...parameters, recovery: keyUse.recovery } as const;
  const find = (id: Uint8Array) => Promise.resolve(equalBytes(id, provisioned.recipientId) ? [provisioned] : []);
  return new Oscore({ store: contextStore(find, keyUse.store), clock, random });
}

late.oscore = { checkOscore, protectionUnder, keyUseIn, MemoryKeyUseStore };
