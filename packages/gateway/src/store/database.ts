// The embedded database: one file in the store's directory, SQLite as the runtime has it or, before Node.js 22.13, from a package
// with the same interface. Opens, migrates, and writes in batches: what is written within a moment goes down in one transaction.
// One process at a time: a second one that opens the same directory is refused.
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import {
  afterTurn,
  type Clock,
  ConfigError,
  type Duration,
  type Random,
  type Secret,
  StackError,
  systemRandom,
} from '@lapwing/kernel';
import { migrations } from './migrations.ts';
import { type Sealing, SealingError, sealingOf } from './sealing.ts';

/** The part of `node:sqlite` that is used here. */
export interface Statement {
  run(...values: readonly SqlValue[]): { readonly changes: number | bigint };
  get(...values: readonly SqlValue[]): Record<string, SqlValue> | undefined;
  all(...values: readonly SqlValue[]): readonly Record<string, SqlValue>[];
  iterate(...values: readonly SqlValue[]): Iterable<Record<string, SqlValue>>;
}
export type SqlValue = null | number | bigint | string | Uint8Array;

interface Connection {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** The database cannot be used: another version wrote it, its key is another, the disk is full, or it is no database. */
export class StoreError extends StackError {
  readonly code = 'GATEWAY_STORE';
}

/** `store.dir` for a database that leaves nothing behind. */
export const inMemory = ':memory:';

/** How long a write may wait for others. */
const gathering: Duration = 20;

const levels = { process: 'NORMAL', power: 'FULL' } as const;

export interface DatabaseOptions {
  /** A directory, or `:memory:`. */
  readonly dir: string;
  readonly clock: Clock;
  /** Told of a write that failed: it stays in the batch and is tried again. */
  readonly failed: (error: Error) => void;
  /**
   * `process`, the default: what is written survives the end of the process, however sudden; when the machine loses its power the
   * last moments may be lost. `power`: they are not, and each batch waits for the disk.
   */
  readonly survives?: 'process' | 'power';
  /** 32 bytes: what is secret is encrypted with it. Default: everything is in clear, readable by this user only. */
  readonly key?: Secret;
  /** For encryption; default the system's. */
  readonly random?: Random;
}

/** A write whose caller waits for it. */
interface Asked {
  readonly work: () => unknown;
  readonly written: (outcome: unknown) => void;
  readonly failed: (error: Error) => void;
}

export class Database implements Disposable {
  /** For what is secret. */
  readonly sealing: Sealing;
  private readonly connection: Connection;
  private readonly synchronous: string;
  private readonly clock: Clock;
  private readonly failed: (error: Error) => void;
  /** By what they write, so that of two the later one is left. */
  private readonly waiting = new Map<string, () => void>();
  private asked: Asked[] = [];
  /** What is asked has to survive the end of the machine. */
  private safely = false;
  private closed = false;
  private timer: Disposable | undefined;

  private constructor(connection: Connection, sealing: Sealing, options: DatabaseOptions) {
    const { clock, failed, survives = 'process' } = options;
    this.connection = connection;
    this.sealing = sealing;
    this.synchronous = levels[survives];
    this.clock = clock;
    this.failed = failed;
  }

  /** Makes the directory, readable by this user only: what is kept are keys. Throws ConfigError or StoreError. */
  static async open(options: DatabaseOptions): Promise<Database> {
    const { dir, survives = 'process', key, random = systemRandom } = options;
    const file = dir === inMemory ? inMemory : join(dir, 'lapwing.db');
    if (file !== inMemory) {
      makeDirectory(dir);
      closeToOthers(file);
    }
    const connection = await connect(file);
    try {
      connection.exec('PRAGMA busy_timeout = 500; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL');
      connection.exec(`PRAGMA synchronous = ${levels[survives]}`);
      // Takes the lock, and keeps it.
      connection.exec('BEGIN IMMEDIATE; COMMIT');
      migrate(connection, file);
      return new Database(connection, sealingOf(connection, key, random), options);
    } catch (error) {
      if (!isLocked(error)) release(connection, () => undefined);
      connection.close();
      if (error instanceof SealingError) throw new StoreError(`${file} ${error.message}`);
      throw error instanceof StoreError
        ? error
        : new StoreError(isLocked(error) ? inUse(dir) : `${file}: ${describe(error)}`, { cause: error });
    }
  }

  /** Writes that are not on disk yet. */
  get pending(): number {
    return this.waiting.size + this.asked.length;
  }

  prepare(sql: string): Statement {
    return this.connection.prepare(sql);
  }

  /** Soon, together with others; `name` says what is written, and takes the place of an earlier write of the same. */
  later(name: string, write: () => void): void {
    this.waiting.delete(name);
    this.waiting.set(name, write);
    this.timer ??= this.clock.at(this.clock.now() + gathering, () => this.flush());
  }

  /** At the end of the turn, together with others: resolves once it is written, rejects with StoreError when it is not. */
  write<T>(work: () => T): Promise<T> {
    return new Promise<T>((written, failed) => {
      if (this.closed) throw new StoreError('the database is closed');
      if (this.asked.length === 0) afterTurn(() => this.flush());
      this.asked.push({ work, written: written as (outcome: unknown) => void, failed });
    });
  }

  /** The same, and on disk when it resolves, also when the power fails. */
  writeSafely<T>(work: () => T): Promise<T> {
    this.safely = true;
    return this.write(work);
  }

  /** What waits goes down now. What somebody waits for fails when it cannot; the rest stays for the next time. */
  flush(): void {
    try {
      if (this.safely) this.commitSafely();
      else this.commit();
    } catch (error) {
      this.failed(error as Error);
    }
  }

  /** What waits is on disk when this returns, also when the power fails. Throws when it is not; it stays for the next time. */
  commitSafely(): void {
    this.safely = false;
    this.connection.exec('PRAGMA synchronous = FULL');
    try {
      this.commit();
    } finally {
      this.connection.exec(`PRAGMA synchronous = ${this.synchronous}`);
    }
  }

  private commit(): void {
    this.timer?.[Symbol.dispose]();
    this.timer = undefined;
    const { asked } = this;
    this.asked = [];
    if (this.waiting.size === 0 && asked.length === 0) return;
    try {
      const outcomes = this.transaction(() => {
        for (const write of this.waiting.values()) write();
        return asked.map(({ work }) => work());
      });
      this.waiting.clear();
      for (const [i, { written }] of asked.entries()) written(outcomes[i]);
    } catch (error) {
      // One of them may have been the reason.
      for (const each of asked) this.alone(each);
      if (this.waiting.size > 0) this.timer = this.clock.at(this.clock.now() + gathering * 50, () => this.flush());
      throw error;
    }
  }

  [Symbol.dispose](): void {
    if (this.closed) return;
    this.flush();
    this.closed = true;
    this.timer?.[Symbol.dispose]();
    this.timer = undefined;
    release(this.connection, this.failed);
    this.connection.close();
  }

  private transaction<T>(work: () => T): T {
    try {
      this.connection.exec('BEGIN IMMEDIATE');
      const outcome = work();
      this.connection.exec('COMMIT');
      return outcome;
    } catch (error) {
      this.undo();
      throw error;
    }
  }

  private alone({ work, written, failed }: Asked): void {
    try {
      written(this.transaction(work));
    } catch (error) {
      failed(new StoreError(describe(error), { cause: error }));
    }
  }

  private undo(): void {
    try {
      this.connection.exec('ROLLBACK');
    } catch {
      // The transaction did not begin.
    }
  }
}

/** A connection that is closed lives on until its statements are gone, and would keep the lock. Leaves one file. */
function release(connection: Connection, failed: (error: Error) => void): void {
  try {
    connection.exec('PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL');
    connection.exec('SELECT count(*) FROM sqlite_schema');
  } catch (error) {
    failed(error as Error);
  }
}

function makeDirectory(dir: string): void {
  try {
    makeMissing(resolve(dir));
  } catch (error) {
    throw new ConfigError([`store.dir: ${dir} cannot be made (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`]);
  }
}

/** Not by `recursive` of node:fs, which never ends where a file system such as /proc says of a directory in it that it is not there. */
function makeMissing(dir: string): void {
  if (thereAt(dirname(dir)) === undefined) makeMissing(dirname(dir));
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    if (thereAt(dir)?.isDirectory() !== true) throw error;
  }
}

const thereAt = (path: string) => statSync(path, { throwIfNoEntry: false });

/** Before anything opens it: SQLite gives its journals the rights that the file has when it makes them. Throws StoreError. */
function closeToOthers(file: string): void {
  try {
    // A file that is there is not opened: closing it would end the locks that this process has on it.
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
    for (const each of [file, `${file}-wal`, `${file}-shm`, `${file}-journal`])
      if (existsSync(each)) chmodSync(each, 0o600);
  } catch (error) {
    throw new StoreError(`${file}: cannot be made readable by this user only: ${describe(error)}`, { cause: error });
  }
}

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const isLocked = (error: unknown): boolean => /database is locked|busy/i.test(describe(error));

const inUse = (dir: string): string =>
  `another gateway uses store.dir ${dir}: stop it, or give each one a directory of its own`;

async function connect(file: string): Promise<Connection> {
  const builtIn = process.getBuiltinModule?.('node:sqlite' as 'node:fs') as unknown as Sqlite | undefined;
  const { DatabaseSync } = builtIn ?? ((await import('@photostructure/sqlite')) as unknown as Sqlite);
  try {
    return new DatabaseSync(file);
  } catch (error) {
    throw new StoreError(`${file}: cannot be opened: ${(error as Error).message}`, { cause: error });
  }
}

interface Sqlite {
  readonly DatabaseSync: new (file: string) => Connection;
}

function migrate(connection: Connection, file: string): void {
  const version = Number(connection.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > migrations.length)
    throw new StoreError(
      `${file}: was written by a newer version (${version} of ${migrations.length}); use that, or another store.dir`,
    );
  for (const [i, statement] of migrations.entries()) {
    if (i < version) continue;
    connection.exec(`BEGIN; ${statement}; PRAGMA user_version = ${i + 1}; COMMIT`);
  }
}
