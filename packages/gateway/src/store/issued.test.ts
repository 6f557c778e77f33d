// What bootstraps have handed out, over a restart and beside what is configured.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8, Secret, systemClock } from '@lapwing/kernel';
import { CredentialTakenError, type DeviceCredential, type DeviceSecurity, MemorySecurityStore } from '@lapwing/server';
import { afterAll, expect, it } from 'vitest';
import { Database } from './database.ts';
import { issuedIn } from './issued.ts';

const root = mkdtempSync(join(tmpdir(), 'lapwing-issued-'));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;

const psk = (identity: string, key: string): DeviceCredential => ({
  kind: 'psk',
  identity: encodeUtf8(identity),
  key: new Secret(encodeUtf8(key)),
});
const keyOf = (security: DeviceSecurity | undefined): string | undefined =>
  security?.credential.kind === 'psk' ? Buffer.from(security.credential.key.reveal()).toString() : undefined;

async function setUp(...configured: DeviceSecurity[]) {
  made += 1;
  const dir = join(root, String(made));
  let database: Database | undefined;
  const notTakenUp: string[] = [];
  let isFull = false;
  const failed = (error: Error): void => {
    if (!isFull) expect.fail(error.message);
  };
  let store = new MemorySecurityStore();
  const open = async (...then: DeviceSecurity[]) => {
    store = new MemorySecurityStore(then);
    database?.[Symbol.dispose]();
    database = await Database.open({ dir, clock: systemClock, failed });
    const unreadable = (table: string): never => expect.fail(table);
    return issuedIn(database, unreadable, store, (endpoint) => notTakenUp.push(endpoint));
  };
  return {
    store: await open(...configured),
    reopen: open,
    notTakenUp,
    /** Nothing can be taken away until the same with false. */
    fill(full: boolean): void {
      isFull = full;
      const raise = "BEFORE DELETE ON issued_credential BEGIN SELECT RAISE(ABORT, 'no space'); END";
      database?.prepare(full ? `CREATE TRIGGER full ${raise}` : 'DROP TRIGGER full').run();
    },
    get configured() {
      return store;
    },
    [Symbol.dispose]: () => database?.[Symbol.dispose](),
  };
}

it('keeps what was handed out for the next process, of every kind and whole', async () => {
  using parts = await setUp();
  const context = {
    masterSecret: new Secret(encodeUtf8('a master secret')),
    senderId: encodeUtf8('srv'),
    recipientId: Uint8Array.of(1, 2),
    idContext: new Uint8Array(0),
  };
  const all: DeviceSecurity[] = [
    { endpoint: 'a', credential: psk('a at server', 'secret') },
    { endpoint: 'a', credential: { kind: 'rpk', publicKey: Uint8Array.of(48, 1) } },
    { endpoint: 'b\u0000', credential: { kind: 'oscore', context } },
  ];
  for (const each of all) await parts.store.put(each);
  const store = await parts.reopen();
  expect(store.size).toBe(3);
  expect(keyOf(store.byPskIdentity(encodeUtf8('a at server')))).toBe('secret');
  expect(store.byPublicKey(Uint8Array.of(48, 1))?.endpoint).toBe('a');
  const [found] = store.byRecipientId(Uint8Array.of(1, 2));
  expect(found).toEqual(all[2]);
  expect(found?.credential.kind === 'oscore' && found.credential.context.masterSecret).toEqual(context.masterSecret);
  expect(store.ofEndpoint('a')).toHaveLength(2);
});

it('takes away what was handed out, and never what is configured', async () => {
  const configured = { endpoint: 'a', credential: psk('a', 'of the operator') };
  using parts = await setUp(configured);
  await parts.store.put({ endpoint: 'a', credential: psk('a', 'of a bootstrap') });
  expect(keyOf(parts.store.byPskIdentity(encodeUtf8('a')))).toBe('of a bootstrap');
  expect(parts.store.ofEndpoint('a')).toHaveLength(1);
  expect([await parts.store.remove('a'), await parts.store.remove('a')]).toEqual([true, false]);
  expect(keyOf(parts.store.byPskIdentity(encodeUtf8('a')))).toBe('of the operator');
  // What stands in the configuration is not written, so that it goes when it goes there.
  await parts.store.put(configured);
  const store = await parts.reopen();
  expect([store.size, store.byPskIdentity(encodeUtf8('a'))]).toEqual([0, undefined]);
});

it('takes away for good what it could not take away the first time', async () => {
  using parts = await setUp();
  await parts.store.put({ endpoint: 'a', credential: psk('a', 'x') });
  parts.fill(true);
  await expect(parts.store.remove('a')).rejects.toThrow('no space');
  parts.fill(false);
  await parts.store.remove('a');
  expect((await parts.reopen()).size).toBe(0);
});

it('refuses what is somebody else’s, be it configured or handed out', async () => {
  using parts = await setUp({ endpoint: 'a', credential: psk('a', 'x') });
  await parts.store.put({ endpoint: 'b', credential: psk('b', 'x') });
  for (const identity of ['a', 'b'])
    await expect(parts.store.put({ endpoint: 'c', credential: psk(identity, 'x') })).rejects.toThrow(
      CredentialTakenError,
    );
});

it('tells what changes, in either of them, with what both hold', async () => {
  using parts = await setUp({ endpoint: 'a', credential: psk('a', 'of the operator') });
  const heard: string[] = [];
  parts.store.onChange(({ endpoint, before, after }) => {
    const keys = (those: readonly DeviceCredential[]) => those.map((credential) => keyOf({ endpoint, credential }));
    heard.push(`${endpoint}: ${keys(before)} → ${keys(after)}`);
  });
  await parts.store.put({ endpoint: 'a', credential: psk('a', 'of a bootstrap') });
  await parts.store.put({ endpoint: 'a', credential: psk('a too', 'another') });
  await parts.store.replace('a', [psk('a', 'of the operator')]);
  await parts.configured.replaceAll([]);
  expect(heard).toEqual([
    'a: of the operator → of a bootstrap',
    'a: of a bootstrap → of a bootstrap,another',
    'a: of a bootstrap,another → of the operator',
    'a: of the operator → ',
  ]);
});

it('gives up what the configuration gives to another endpoint while it runs', async () => {
  using parts = await setUp();
  await parts.store.put({ endpoint: 'a', credential: psk('shared', 'x') });
  await parts.store.put({ endpoint: 'a', credential: psk('own', 'z') });
  await parts.configured.put({ endpoint: 'b', credential: psk('shared', 'y') });
  expect(parts.notTakenUp).toEqual(['a']);
  expect(parts.store.byPskIdentity(encodeUtf8('shared'))?.endpoint).toBe('b');
  expect(parts.store.ofEndpoint('a')).toHaveLength(1);
});

it('does not take up what the configuration has given to another endpoint since, and says so', async () => {
  using parts = await setUp();
  await parts.store.put({ endpoint: 'a', credential: psk('shared', 'x') });
  const store = await parts.reopen({ endpoint: 'b', credential: psk('shared', 'y') });
  expect(parts.notTakenUp).toEqual(['a']);
  expect(store.byPskIdentity(encodeUtf8('shared'))?.endpoint).toBe('b');
});
