import { MemoryKeyUseStore } from '@lapwing/coap/oscore';
import {
  MemoryCommandStore,
  MemoryObservationStore,
  MemoryPlanStore,
  MemoryRegistrationStore,
  MemorySecurityStore,
} from '@lapwing/server';
import { credentialStores } from './credentials.ts';
import { keyUseStores } from './key-use.ts';
import { planStores } from './plans.ts';
import { commandStores, type Opened, observationStores, registrationStores } from './stores.ts';

/** What is in memory lives as long as the object. */
function inMemory<Store>(make: () => Store): () => Promise<Opened<Store>> {
  return async () => {
    const store = make();
    return { store, reopen: async () => store, [Symbol.asyncDispose]: async () => undefined };
  };
}

registrationStores(
  'memory',
  inMemory(() => new MemoryRegistrationStore()),
);
observationStores(
  'memory',
  inMemory(() => new MemoryObservationStore()),
);
commandStores(
  'memory',
  inMemory(() => new MemoryCommandStore()),
);
keyUseStores(
  'memory',
  inMemory(() => new MemoryKeyUseStore()),
);
planStores(
  'memory',
  inMemory(() => new MemoryPlanStore()),
);
credentialStores(
  'memory',
  inMemory(() => new MemorySecurityStore()),
);
