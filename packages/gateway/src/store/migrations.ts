// The tables of the embedded database, and how a database of an older version gets them.

/** Statements in order; the version of a database is how many of them it has seen. Never changed, only added to. */
export const migrations: readonly string[] = [
  `CREATE TABLE association (
     listener TEXT NOT NULL,
     key TEXT NOT NULL,
     record BLOB NOT NULL,
     PRIMARY KEY (listener, key)
   ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE registration (
     name TEXT PRIMARY KEY,
     id TEXT NOT NULL,
     listener TEXT NOT NULL,
     peer TEXT NOT NULL,
     terms TEXT NOT NULL,
     objects TEXT NOT NULL,
     attributes TEXT,
     registered_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     expires_at INTEGER,
     permitted_until INTEGER
   ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE observation (
     name TEXT NOT NULL,
     key TEXT NOT NULL,
     operation TEXT NOT NULL,
     note TEXT NOT NULL,
     on_register TEXT NOT NULL,
     token BLOB,
     registration TEXT,
     PRIMARY KEY (name, key)
   ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE command (
     place INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     name TEXT NOT NULL,
     operation TEXT NOT NULL,
     note TEXT,
     enqueued_at INTEGER NOT NULL,
     expires_at INTEGER,
     retry TEXT NOT NULL,
     unregistered TEXT NOT NULL,
     attempts INTEGER NOT NULL,
     state TEXT NOT NULL,
     outcome TEXT
   ) STRICT;
   CREATE INDEX command_by_name ON command (name, place)`,
  // Beside the association, not in it: it is known at another moment, and written once.
  `CREATE TABLE association_credential (
     listener TEXT NOT NULL,
     key TEXT NOT NULL,
     mark TEXT NOT NULL,
     PRIMARY KEY (listener, key)
   ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE oscore_sequence (
     name TEXT PRIMARY KEY,
     next INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE oscore_window (
     name TEXT PRIMARY KEY,
     window TEXT NOT NULL
   ) STRICT, WITHOUT ROWID`,
  'ALTER TABLE observation ADD COLUMN shared INTEGER',
  // Kinds of failures as they were before there was one list for all. What is no JSON is passed over when it is read.
  `UPDATE command SET outcome = json_set(outcome, '$.failure.kind', 'interrupted')
     WHERE CASE WHEN json_valid(outcome) THEN json_extract(outcome, '$.failure.kind') = 'unknown' END;
   UPDATE command SET outcome = json_set(outcome, '$.failure.why', 'closed')
     WHERE CASE WHEN json_valid(outcome) THEN json_extract(outcome, '$.failure.kind') = 'unreachable' END;
   UPDATE command SET outcome = json_set(outcome, '$.failure.why', 'format')
     WHERE CASE WHEN json_valid(outcome) THEN json_extract(outcome, '$.failure.kind') = 'codec' END;
   UPDATE command SET outcome = json_set(outcome, '$.failure.kind', 'refused-here', '$.failure.why', 'limit')
     WHERE CASE WHEN json_valid(outcome) THEN json_extract(outcome, '$.failure.kind') = 'limit' END;
   UPDATE command SET outcome = json_set(outcome, '$.failure.kind', 'unreachable', '$.failure.why', 'reset')
     WHERE CASE WHEN json_valid(outcome) THEN json_extract(outcome, '$.failure.kind') = 'reset' END`,
  // One row in a store that is encrypted.
  'CREATE TABLE sealing (id INTEGER PRIMARY KEY CHECK (id = 1), proof BLOB NOT NULL) STRICT',
  `CREATE TABLE plan (
     name TEXT PRIMARY KEY,
     version INTEGER NOT NULL,
     plan TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE issued_credential (
     id TEXT PRIMARY KEY,
     endpoint TEXT NOT NULL,
     credential TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX issued_credential_by_endpoint ON issued_credential (endpoint)`,
  // One row while no process runs whose last one wrote all that it had acknowledged.
  'CREATE TABLE registration_finish (id INTEGER PRIMARY KEY CHECK (id = 1)) STRICT',
  // Among those of its endpoint: the first is the one that the device came with last.
  'ALTER TABLE issued_credential ADD COLUMN place INTEGER NOT NULL DEFAULT 0',
];
