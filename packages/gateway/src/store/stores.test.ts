// The stores on SQLite keep to what every store keeps to.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@lapwing/kernel';
import { afterAll, expect } from 'vitest';
import { keyUseStores } from '../../../../test/compliance/key-use.ts';
import {
  commandStores,
  type Opened,
  observationStores,
  registrationStores,
} from '../../../../test/compliance/stores.ts';
import { commandsIn } from './commands.ts';
import { Database } from './database.ts';
import { keyUseIn } from './key-use.ts';
import { observationsIn } from './observations.ts';
import { registrationsIn } from './registrations.ts';
import type { Unreadable } from './rows.ts';

const root = mkdtempSync(join(tmpdir(), 'lapwing-stores-'));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;

function onDisk<Store>(store: (database: Database, unreadable: Unreadable) => Store): () => Promise<Opened<Store>> {
  return async () => {
    made += 1;
    const dir = join(root, `${made}`);
    const open = () => Database.open({ dir, clock: systemClock, failed: (error) => expect.fail(error.message) });
    const unreadable: Unreadable = (table, error) => expect.fail(`${table}: ${error.message}`);
    let database = await open();
    return {
      store: store(database, unreadable),
      reopen: async () => {
        database[Symbol.dispose]();
        database = await open();
        return store(database, unreadable);
      },
      [Symbol.asyncDispose]: async () => database[Symbol.dispose](),
    };
  };
}

registrationStores('SQLite', onDisk(registrationsIn));
observationStores('SQLite', onDisk(observationsIn));
commandStores('SQLite', onDisk(commandsIn));
keyUseStores('SQLite', onDisk(keyUseIn));
