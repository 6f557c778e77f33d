// The embedded database: one file in the store's directory, SQLite as the runtime has it or, before Node.js 22.13, from a package
// with the same interface. Opens, migrates, and writes in batches: what is written within a moment goes down in one transaction.
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, ConfigError, type Duration, StackError } from '@lapwing/kernel';

/** The part of `node:sqlite` that is used here. */
export interface Statement {
  run(...values: readonly SqlValue[]): unknown;
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

/** The database cannot be used: another version wrote it, the disk is full, or it is no database. */
export class StoreError extends StackError {
  readonly code = 'GATEWAY_STORE';
}

/** Statements in order; the version of a database is how many of them it has seen. Never changed, only added to. */
const migrations: readonly string[] = [
  `CREATE TABLE association (
     listener TEXT NOT NULL,
     key TEXT NOT NULL,
     record BLOB NOT NULL,
     PRIMARY KEY (listener, key)
   ) STRICT, WITHOUT ROWID`,
];

/** How long a write may wait for others. */
const gathering: Duration = 20;

export interface DatabaseOptions {
  readonly dir: string;
  readonly clock: Clock;
  /** Told of a write that failed: it stays in the batch and is tried again. */
  readonly failed: (error: Error) => void;
}

export class Database implements Disposable {
  private readonly connection: Connection;
  private readonly clock: Clock;
  private readonly failed: (error: Error) => void;
  /** By what they write, so that of two the later one is left. */
  private readonly waiting = new Map<string, () => void>();
  private timer: Disposable | undefined;

  private constructor(connection: Connection, { clock, failed }: DatabaseOptions) {
    this.connection = connection;
    this.clock = clock;
    this.failed = failed;
  }

  /** Makes the directory, readable by this user only: what is kept are keys. Throws ConfigError or StoreError. */
  static async open(options: DatabaseOptions): Promise<Database> {
    const { dir } = options;
    const file = join(dir, 'lapwing.db');
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new ConfigError([
        `store.dir: ${dir} cannot be made (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
      ]);
    }
    const connection = await connect(file);
    try {
      connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000');
      chmodSync(file, 0o600);
      migrate(connection, file);
    } catch (error) {
      connection.close();
      throw error instanceof StoreError
        ? error
        : new StoreError(`${file}: ${(error as Error).message}`, { cause: error });
    }
    return new Database(connection, options);
  }

  /** Writes that are not on disk yet. */
  get pending(): number {
    return this.waiting.size;
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

  /** What waits goes down now, or stays for the next time. */
  flush(): void {
    try {
      this.commit();
    } catch (error) {
      this.failed(error as Error);
    }
  }

  /** What waits is on disk when this returns, also when the power fails. Throws when it is not; it stays for the next time. */
  commitSafely(): void {
    this.connection.exec('PRAGMA synchronous = FULL');
    try {
      this.commit();
    } finally {
      this.connection.exec('PRAGMA synchronous = NORMAL');
    }
  }

  private commit(): void {
    this.timer?.[Symbol.dispose]();
    this.timer = undefined;
    if (this.waiting.size === 0) return;
    try {
      this.connection.exec('BEGIN IMMEDIATE');
      for (const write of this.waiting.values()) write();
      this.connection.exec('COMMIT');
      this.waiting.clear();
    } catch (error) {
      this.undo();
      this.timer = this.clock.at(this.clock.now() + gathering * 50, () => this.flush());
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.flush();
    this.timer?.[Symbol.dispose]();
    this.timer = undefined;
    this.connection.close();
  }

  private undo(): void {
    try {
      this.connection.exec('ROLLBACK');
    } catch {
      // The transaction did not begin.
    }
  }
}

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
