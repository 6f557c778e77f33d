// The database is killed at random moments of its work (kill -9) and opened again: what was promised is there, whole and in order.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import type { KeptCommand, KeptObservation, KeptRegistration } from '@lapwing/server';
import { afterAll, describe, expect, it } from 'vitest';
import { command, registration } from '../../../../test/compliance/stores.ts';
import { commandsIn } from './commands.ts';
import { Database, StoreError } from './database.ts';
import { migrations } from './migrations.ts';
import { observationsIn } from './observations.ts';
import { registrationsIn } from './registrations.ts';

const root = mkdtempSync(join(tmpdir(), 'lapwing-crash-'));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
const fresh = (): string => {
  made += 1;
  return join(root, `${made}`);
};
const open = (dir: string) => Database.open({ dir, clock: systemClock, failed: () => undefined });

async function contents(dir: string) {
  using database = await open(dir);
  const damaged: string[] = [];
  const unreadable = (table: string): void => void damaged.push(table);
  const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
    const all: T[] = [];
    for await (const item of items) all.push(item);
    return all;
  };
  const registrations: KeptRegistration[] = await collect(registrationsIn(database, unreadable).all());
  const observations: KeptObservation[] = await collect(observationsIn(database, unreadable).all());
  const commands: KeptCommand[] = await collect(commandsIn(database, unreadable).all());
  return { registrations, observations, commands, damaged };
}

/** Writes without end, and says what is promised; run from its source. */
function startWriter(dir: string): ChildProcess {
  const writer = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));
  return spawn(process.execPath, ['--import', 'tsx', '--conditions=source', writer, dir], {
    cwd: fileURLToPath(new URL('../../../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe('a process that is killed at any moment', () => {
  it('§3.3: loses nothing that was promised, keeps the order, and undoes no end', { timeout: 120_000 }, async () => {
    const random = new SeededRandom(7);
    const dir = fresh();
    let promised = -1;
    let settled = -1;
    let reserved = -3;
    for (let round = 0; round < 8; round += 1) {
      const child = startWriter(dir);
      const exited = once(child, 'exit');
      const lines = createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> });
      let left = 20 + Math.floor(random.fraction() * 200);
      for await (const line of lines) {
        const [what, number] = line.split(' ');
        if (what === 'promised') promised = Number(number);
        if (what === 'settled') settled = Number(number);
        if (what === 'reserved') {
          // H-04: none of them twice, whenever it was killed.
          expect(Number(number)).toBeGreaterThanOrEqual(reserved + 3);
          reserved = Number(number);
        }
        if (what !== 'reserved') left -= 1;
        if (left === 0) child.kill('SIGKILL');
      }
      await exited;
      const { registrations, commands, observations, damaged } = await contents(dir);
      expect(damaged).toEqual([]);
      const numbers = commands.map(({ note }) => Number(note));
      // What was settled is gone for good, what was promised after it is there, in order, without a gap.
      expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => (numbers[0] ?? 0) + i));
      expect(numbers[0] ?? settled + 1).toBeGreaterThan(settled);
      expect(numbers.at(-1) ?? promised).toBeGreaterThanOrEqual(promised);
      expect(registrations.map(({ name }) => name)).toEqual(
        expect.arrayContaining([`device-${promised % 50}`, `device-${Math.max(0, promised - 10) % 50}`]),
      );
      const newest = registrations.find(({ name }) => name === `device-${promised % 50}`);
      expect(newest?.updatedAt).toBeGreaterThanOrEqual(promised);
      // An observation belongs to the registration of the same transaction.
      for (const each of observations)
        expect(registrations.find(({ name }) => name === each.name)?.id).toBe(each.held?.registration);
    }
    expect(promised).toBeGreaterThan(100);
  });
});

describe('a file that is damaged', () => {
  it('R-04: is refused, or read as far as it goes; never does it end the process', { timeout: 120_000 }, async () => {
    const random = new SeededRandom(3);
    const dir = fresh();
    {
      using database = await open(dir);
      const store = registrationsIn(database, () => undefined);
      await store.write(
        Array.from({ length: 200 }, (_, i) => ({ kind: 'put', registration: registration(`d${i}`, `${i}`) })),
      );
      await commandsIn(database, () => undefined).write(
        Array.from({ length: 200 }, (_, i) => ({ kind: 'add', command: command(`${i}`) })),
      );
    }
    const whole = readFileSync(join(dir, 'lapwing.db'));
    const outcomes = { refused: 0, read: 0 };
    for (let i = 0; i < 1000; i += 1) {
      const copy = fresh();
      mkdirSync(copy);
      const file = join(copy, 'lapwing.db');
      writeFileSync(file, whole);
      if (i % 3 === 0) truncateSync(file, Math.floor(random.fraction() * whole.length));
      else {
        const handle = openSync(file, 'r+');
        for (let flips = 0; flips < 1 + (i % 20); flips += 1)
          writeSync(handle, random.bytes(1), 0, 1, Math.floor(random.fraction() * whole.length));
        closeSync(handle);
      }
      try {
        await contents(copy);
        outcomes.read += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        outcomes.refused += 1;
      }
      rmSync(copy, { recursive: true });
    }
    expect(outcomes.read).toBeGreaterThan(70);
    expect(outcomes.refused).toBeGreaterThan(70);
  });
});

describe('a database', () => {
  it('R-05: of any older version gets what is missing, also when it was killed between two steps', async () => {
    for (let version = 0; version <= migrations.length; version += 1) {
      const dir = fresh();
      {
        using database = await open(dir);
        // As an older version left it.
        for (const { name } of database
          .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
          .all())
          database.prepare(`DROP TABLE ${name}`).run();
        for (const statements of migrations.slice(0, version))
          for (const statement of statements.split(';')) database.prepare(statement).run();
        database.prepare(`PRAGMA user_version = ${version}`).run();
      }
      expect(await contents(dir)).toMatchObject({ registrations: [], commands: [] });
    }
  });

  it('R-07: is one process’s at a time: a second one is refused and told why', async () => {
    const dir = fresh();
    {
      using _first = await open(dir);
      await expect(open(dir)).rejects.toThrow(StoreError);
      await expect(open(dir)).rejects.toThrow(/another gateway uses/);
    }
    using _again = await open(dir);
  });

  it('that cannot write fails whoever waits, says so, and goes on when it can again', async () => {
    const clock = new VirtualClock();
    const failures: string[] = [];
    using database = await Database.open({ dir: fresh(), clock, failed: (error) => failures.push(error.message) });
    database.prepare('PRAGMA max_page_count = 20').run();
    const store = registrationsIn(database, () => undefined);
    const write = (name: string) =>
      store.write([{ kind: 'put', registration: registration(name, '1', { objects: 'x'.repeat(20_000) }) }]);
    await expect(Promise.all(Array.from({ length: 10 }, (_, i) => write(`d${i}`)))).rejects.toThrow(/full/);
    expect(failures.length).toBeGreaterThan(0);
    database.prepare('PRAGMA max_page_count = 10000').run();
    expect(await write('later')).toEqual([true]);
    expect(database.pending).toBe(0);
  });

  it('lets one bad write of a batch fail alone', async () => {
    using database = await Database.open({ dir: ':memory:', clock: systemClock, failed: () => undefined });
    const writes = [
      database.write(() => 1),
      database.write(() => {
        throw new Error('bad');
      }),
      database.write(() => 3),
    ];
    expect(await Promise.allSettled(writes)).toMatchObject([
      { value: 1 },
      { reason: { message: 'bad' } },
      { value: 3 },
    ]);
  });
});
