// DTLS associations in the embedded database, those of each listener apart: devices need not shake hands again after a restart.

import { FormatError } from '@lapwing/kernel';
import type { AssociationStore, PassedOver } from '@lapwing/server';
import type { Database } from './database.ts';
import { placeOf } from './sealing.ts';

/** `passedOver` is told at the start of what could not be taken up. */
export function associationsOf(
  database: Database,
  listener: string,
  passedOver: (what: PassedOver) => void,
): AssociationStore {
  const all = database.prepare(
    `SELECT key, record, mark FROM association LEFT JOIN association_credential USING (listener, key)
     WHERE listener = ?`,
  );
  const put = database.prepare('INSERT OR REPLACE INTO association (listener, key, record) VALUES (?, ?, ?)');
  const remove = database.prepare('DELETE FROM association WHERE listener = ? AND key = ?');
  const mark = database.prepare('INSERT OR REPLACE INTO association_credential (listener, key, mark) VALUES (?, ?, ?)');
  const unmark = database.prepare('DELETE FROM association_credential WHERE listener = ? AND key = ?');
  const orphans = database.prepare(
    `DELETE FROM association_credential WHERE listener = ?
     AND NOT EXISTS (SELECT 1 FROM association a WHERE a.listener = association_credential.listener AND a.key = association_credential.key)`,
  );
  const { sealing } = database;
  const place = (key: string): string => placeOf('association', 'record', listener, key);
  const write = (key: string, association: Uint8Array | undefined): void => {
    // Now: the transport may write its state over the same bytes again.
    const record = association === undefined ? undefined : sealing.seal(place(key), new Uint8Array(association));
    database.later(`association ${listener} ${key}`, () => {
      if (record === undefined) {
        remove.run(listener, key);
        unmark.run(listener, key);
      } else put.run(listener, key, record);
    });
  };
  /** One that is damaged stays what it is, which is no association: it is refused and told. */
  const opened = (key: string, record: Uint8Array): Uint8Array => {
    try {
      return sealing.open(place(key), record);
    } catch (error) {
      if (error instanceof FormatError) return record;
      throw error;
    }
  };
  return {
    *read() {
      orphans.run(listener);
      for (const { key, record, mark } of all.iterate(listener)) {
        if (typeof key !== 'string' || !(record instanceof Uint8Array)) continue;
        const credential = typeof mark === 'string' ? mark : undefined;
        yield { key, bytes: opened(key, new Uint8Array(record)), credential };
      }
    },
    write,
    writeNow(key, record) {
      write(key, record);
      database.commitSafely();
    },
    proved(key, credential) {
      database.later(`credential ${listener} ${key}`, () => mark.run(listener, key, credential));
    },
    passedOver,
  };
}
