// Registrations in the embedded database. Register waits for its row; a crash of the process loses none.
import type { Peer } from '@lapwing/kernel';
import { formatTagged, type KeptRegistration, type RegistrationChange, type RegistrationStore } from '@lapwing/server';
import type { Database } from './database.ts';
import { column, number, perhaps, type Row, readable, tagged, text, type Unreadable } from './rows.ts';

export function registrationsIn(database: Database, unreadable: Unreadable): RegistrationStore {
  const one = database.prepare('SELECT * FROM registration WHERE name = ?');
  const all = database.prepare('SELECT * FROM registration');
  const columns = `id, listener, peer, terms, objects, attributes, registered_at, updated_at, expires_at, permitted_until`;
  const put = database.prepare(
    `INSERT OR REPLACE INTO registration (${columns}, name) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const update = database.prepare(
    `UPDATE registration SET ${columns.replaceAll(/\w+/g, '$& = ?')} WHERE name = ? AND id = ?`,
  );
  const remove = database.prepare('DELETE FROM registration WHERE name = ? AND id = ?');
  const forget = database.prepare('DELETE FROM registration_finish');
  const finish = database.prepare('INSERT OR IGNORE INTO registration_finish (id) VALUES (1)');
  const apply = (change: RegistrationChange): boolean => {
    switch (change.kind) {
      case 'put':
        return put.run(...values(change.registration)).changes > 0;
      case 'update':
        return update.run(...values(change.registration), column(change.registration.id)).changes > 0;
      case 'remove':
        return remove.run(column(change.name), column(change.id)).changes > 0;
    }
  };
  return {
    registersWait: true,
    get: async (name) => {
      const row = one.get(column(name));
      return row === undefined ? undefined : [...readable('registration', [row], read, unreadable)][0];
    },
    async *all() {
      yield* readable('registration', all.iterate(), read, unreadable);
    },
    // Else what came after it could be on disk when the power fails, and this not.
    begin: () => database.writeSafely(() => (forget.run().changes > 0 ? 'finished' : 'cut')),
    finish: () => database.write(() => void finish.run()),
    write: (changes) => database.write(() => changes.map(apply)),
  };
}

function values(kept: KeptRegistration) {
  return [
    column(kept.id),
    column(kept.listener),
    formatTagged(kept.peer),
    column(kept.terms),
    column(kept.objects),
    kept.attributes === undefined ? null : formatTagged(kept.attributes),
    kept.registeredAt,
    kept.updatedAt,
    kept.expiresAt ?? null,
    kept.permittedUntil ?? null,
    column(kept.name),
  ] as const;
}

function read(row: Row): KeptRegistration {
  return {
    name: text(row, 'name'),
    id: text(row, 'id'),
    listener: text(row, 'listener'),
    peer: tagged<Peer>(row, 'peer'),
    terms: text(row, 'terms'),
    objects: text(row, 'objects'),
    attributes: perhaps(row, 'attributes', (from, name) => tagged<Record<string, string>>(from, name)),
    registeredAt: number(row, 'registered_at'),
    updatedAt: number(row, 'updated_at'),
    expiresAt: perhaps(row, 'expires_at', number),
    permittedUntil: perhaps(row, 'permitted_until', number),
  };
}
