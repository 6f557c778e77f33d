// DTLS associations in the embedded database, those of each listener apart: devices need not shake hands again after a restart.
import type { AssociationStore } from '@lapwing/server';
import type { Database } from './database.ts';

export function associationsOf(database: Database, listener: string): AssociationStore {
  const all = database.prepare('SELECT key, record FROM association WHERE listener = ?');
  const put = database.prepare('INSERT OR REPLACE INTO association (listener, key, record) VALUES (?, ?, ?)');
  const remove = database.prepare('DELETE FROM association WHERE listener = ? AND key = ?');
  const write = (key: string, association: Uint8Array | undefined): void => {
    // Now: the transport may write its state over the same bytes again.
    const record = association === undefined ? undefined : new Uint8Array(association);
    database.later(`association ${listener} ${key}`, () => {
      if (record === undefined) remove.run(listener, key);
      else put.run(listener, key, record);
    });
  };
  return {
    *read() {
      for (const { key, record } of all.iterate(listener)) {
        if (typeof key === 'string' && record instanceof Uint8Array) yield [key, record];
      }
    },
    write,
    writeNow(key, record) {
      write(key, record);
      database.commitSafely();
    },
  };
}
