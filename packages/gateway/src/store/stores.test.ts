// The stores on SQLite keep to what every store keeps to.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret, systemClock } from '@lapwing/kernel';
import { afterAll, expect, it } from 'vitest';
import { credentialStores } from '../../../../test/compliance/credentials.ts';
import { keyUseStores } from '../../../../test/compliance/key-use.ts';
import { planStores } from '../../../../test/compliance/plans.ts';
import {
  commandStores,
  hostile,
  type Opened,
  observationStores,
  registration,
  registrationStores,
} from '../../../../test/compliance/stores.ts';
import { associationsOf } from './associations.ts';
import { commandsIn } from './commands.ts';
import { Database } from './database.ts';
import { issuedIn } from './issued.ts';
import { keyUseIn } from './key-use.ts';
import { observationsIn } from './observations.ts';
import { plansIn } from './plans.ts';
import { registrationsIn } from './registrations.ts';
import type { Unreadable } from './rows.ts';

const root = mkdtempSync(join(tmpdir(), 'lapwing-stores-'));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;

function onDisk<Store>(
  store: (database: Database, unreadable: Unreadable) => Store | Promise<Store>,
  key?: Secret,
): () => Promise<Opened<Store>> {
  return async () => {
    made += 1;
    const dir = join(root, `${made}`);
    const failed = (error: Error): void => expect.fail(error.message);
    const open = () => Database.open({ dir, clock: systemClock, failed, ...(key === undefined ? {} : { key }) });
    const unreadable: Unreadable = (table, error) => expect.fail(`${table}: ${error.message}`);
    let database = await open();
    return {
      store: await store(database, unreadable),
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
planStores('SQLite', onDisk(plansIn));
planStores('SQLite, encrypted', onDisk(plansIn, new Secret(new Uint8Array(32))));
credentialStores('SQLite', onDisk(issuedIn));
credentialStores('SQLite, encrypted', onDisk(issuedIn, new Secret(new Uint8Array(32))));

it('plans in SQLite stand before the configured ones of their name, until they are taken away', async () => {
  await using database = await onDisk((opened) => opened)();
  const configured = new Map([['a', { servers: [], variables: { of: 'the file' } }]]);
  const store = plansIn(database.store, (table) => expect.fail(table), configured);
  expect(await store.put('a', { servers: [] })).toMatchObject({ version: 2 });
  expect((await store.get('a'))?.plan).toEqual({ servers: [] });
  expect(await store.remove('a')).toBe(true);
  expect(await store.get('a')).toMatchObject({ plan: configured.get('a'), version: 1 });
  // Those of the configuration are nobody's to take away.
  expect(await store.remove('a')).toBe(false);
});
commandStores('SQLite, encrypted', onDisk(commandsIn, new Secret(new Uint8Array(32))));

it('R-03: whatever peers call themselves, no file is called so: there is one of a fixed name', async () => {
  made += 1;
  const dir = join(root, `${made}`);
  using database = await Database.open({ dir, clock: systemClock, failed: (error) => expect.fail(error.message) });
  const unreadable: Unreadable = (table, error) => expect.fail(`${table}: ${error.message}`);
  const names = [...hostile, '../../etc/passwd', '/tmp/x', 'CON', 'a/b', '.', '..', 'lapwing.db'];
  await registrationsIn(database, unreadable).write(
    names.map((name) => ({ kind: 'put', registration: registration(name, `id of ${name}`, { listener: name }) })),
  );
  for (const name of names) {
    await keyUseIn(database, unreadable).reserve(name, 1);
    associationsOf(database, name, () => undefined).writeNow(name, Uint8Array.of(1));
  }
  expect(readdirSync(dir).filter((file) => !/^lapwing\.db(?:-wal|-shm)?$/.test(file))).toEqual([]);
  expect(readdirSync(root).every((file) => /^\d+$/.test(file))).toBe(true);
});
