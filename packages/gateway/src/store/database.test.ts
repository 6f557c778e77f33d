import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { associationsOf } from './associations.ts';
import { Database, StoreError } from './database.ts';
import { migrations } from './migrations.ts';

const root = mkdtempSync(join(tmpdir(), 'lapwing-store-'));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
const fresh = (): string => {
  made += 1;
  return join(root, `store-${made}`);
};
const clock = new VirtualClock();
const open = (dir: string, failed: (error: Error) => void = (error) => expect.fail(error.message)) =>
  Database.open({ dir, clock, failed });

const rightsIn = (dir: string): object =>
  Object.fromEntries(readdirSync(dir).map((file) => [file, statSync(join(dir, file)).mode & 0o777]));

describe('the embedded database', () => {
  it('is readable by its user only', async () => {
    const dir = fresh();
    using _database = await open(dir);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(rightsIn(dir)).toEqual({ 'lapwing.db': 0o600, 'lapwing.db-wal': 0o600 });
  });

  it('makes what a sudden end has left readable by its user only', async () => {
    const [dir, left] = [fresh(), fresh()];
    mkdirSync(left);
    {
      using _database = await open(dir);
      for (const file of readdirSync(dir)) copyFileSync(join(dir, file), join(left, file));
    }
    for (const file of readdirSync(left)) chmodSync(join(left, file), 0o644);
    using _database = await open(left);
    expect(rightsIn(left)).toEqual({ 'lapwing.db': 0o600, 'lapwing.db-wal': 0o600 });
  });

  it('refuses what a newer version wrote, and what is no database', async () => {
    const dir = fresh();
    {
      using database = await open(dir);
      database.prepare('PRAGMA user_version = 1000').run();
    }
    await expect(open(dir)).rejects.toThrow(/written by a newer version \(1000 of \d+\)/);
    const other = fresh();
    mkdirSync(other);
    writeFileSync(join(other, 'lapwing.db'), 'x'.repeat(5000));
    await expect(open(other)).rejects.toThrow(StoreError);
  });

  it.runIf(process.platform === 'linux')(
    'says of a directory that can never be what is wrong, and waits for nothing',
    async () => {
      await expect(open('/proc/x/y')).rejects.toThrow('store.dir: /proc/x/y cannot be made (ENOENT)');
    },
  );

  it('has failures of before there was one list as that list says them', async () => {
    using database = await open(fresh());
    const kinds = ['reset', 'unreachable', 'codec', 'limit', 'unknown', 'timeout'];
    const texts = [
      ...kinds.map((kind) => JSON.stringify({ kind: 'failed', failure: { kind, reason: 'r' } })),
      'no JSON',
    ];
    const insert = database.prepare(
      `INSERT INTO command (id, name, operation, enqueued_at, retry, unregistered, attempts, state, outcome)
       VALUES (?, 'a', '{}', 0, '{}', 'wait', 1, 'settled', ?)`,
    );
    for (const [i, text] of texts.entries()) insert.run(`${i}`, text);
    const migration = migrations.find((text) => text.includes("'interrupted'")) ?? expect.fail('no such migration');
    for (const statement of migration.split(';')) database.prepare(statement).run();
    const rows = database.prepare('SELECT outcome FROM command ORDER BY place').all() as { outcome: string }[];
    expect(rows.pop()?.outcome).toBe('no JSON');
    expect(rows.map(({ outcome }) => (JSON.parse(outcome) as { failure: object }).failure)).toEqual([
      { kind: 'unreachable', why: 'reset', reason: 'r' },
      { kind: 'unreachable', why: 'closed', reason: 'r' },
      { kind: 'codec', why: 'format', reason: 'r' },
      { kind: 'refused-here', why: 'limit', reason: 'r' },
      { kind: 'interrupted', reason: 'r' },
      { kind: 'timeout', reason: 'r' },
    ]);
  });

  it('is one process’s at a time: a second one is refused and told why', async () => {
    const dir = fresh();
    {
      using _first = await open(dir);
      await expect(open(dir)).rejects.toThrow(`another gateway uses store.dir ${dir}`);
    }
    using _again = await open(dir);
  });

  it('says where it cannot be', async () => {
    writeFileSync(join(root, 'a-file'), '');
    await expect(open(join(root, 'a-file', 'below'))).rejects.toThrow(ConfigError);
  });

  it('keeps what could not be written, and tries again', async () => {
    const errors: string[] = [];
    const dir = fresh();
    using database = await open(dir, (error) => errors.push(error.message));
    let works = false;
    const written: string[] = [];
    database.later('a', () => {
      if (!works) throw new Error('disk full');
      written.push('a');
    });
    await clock.advance(20);
    expect([errors, written]).toEqual([['disk full'], []]);
    works = true;
    await clock.advance(2000);
    expect([errors, written]).toEqual([['disk full'], ['a']]);
  });
});

describe('associations in it', () => {
  const associations = (database: Database, listener: string) => associationsOf(database, listener, () => undefined);

  it('are there after a restart, each listener’s own, the last of each key', async () => {
    const dir = fresh();
    {
      using database = await open(dir);
      const one = associations(database, 'dtls:one');
      const bytes = Uint8Array.of(1);
      one.write('a', bytes);
      bytes[0] = 99;
      one.write('b', Uint8Array.of(2));
      one.write('c', Uint8Array.of(3));
      associations(database, 'dtls:two').write('a', Uint8Array.of(4));
      await clock.advance(20);
      one.write('b', Uint8Array.of(5));
      one.write('c', undefined);
      one.writeNow('d', Uint8Array.of(6));
      expect(database.pending).toBe(0);
    }
    using database = await open(dir);
    const kept = (listener: string) => [...associations(database, listener).read()].map(({ bytes }) => [...bytes]);
    expect(kept('dtls:one')).toEqual([[1], [5], [6]]);
    expect(kept('dtls:two')).toEqual([[4]]);
    expect(kept('dtls:three')).toEqual([]);
  });

  it('come with the mark of their credential, which goes with them', async () => {
    const dir = fresh();
    {
      using database = await open(dir);
      const one = associations(database, 'dtls:one');
      // In whatever order the two become known.
      one.proved('a', 'psk 1');
      one.write('a', Uint8Array.of(1));
      one.write('b', Uint8Array.of(2));
      one.proved('b', 'psk 2');
      one.write('c', Uint8Array.of(3));
      one.proved('without', 'psk 3');
      associations(database, 'dtls:two').proved('c', 'psk 4');
      await clock.advance(20);
      one.write('a', undefined);
    }
    using database = await open(dir);
    const kept = () => [...associations(database, 'dtls:one').read()].map(({ key, credential }) => [key, credential]);
    expect(kept()).toEqual([
      ['b', 'psk 2'],
      ['c', undefined],
    ]);
    expect(database.prepare('SELECT key FROM association_credential ORDER BY key').all()).toEqual([
      { key: 'b' },
      { key: 'c' },
    ]);
  });
});
