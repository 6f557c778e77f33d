// Observations that are wanted, in the embedded database.
import type { Operation } from '@lapwing/lwm2m';
import { formatTagged, type KeptObservation, type ObservationChange, type ObservationStore } from '@lapwing/server';
import type { Database, SqlValue } from './database.ts';
import { column, oneOf, type Row, readable, tagged, text, type Unreadable } from './rows.ts';

export function observationsIn(database: Database, unreadable: Unreadable): ObservationStore {
  const ofName = database.prepare('SELECT * FROM observation WHERE name = ?');
  const all = database.prepare('SELECT * FROM observation');
  const put = database.prepare(
    `INSERT OR REPLACE INTO observation (name, key, operation, note, on_register, token, registration, shared)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const hold = database.prepare(
    'UPDATE observation SET token = ?, registration = ?, shared = ? WHERE name = ? AND key = ?',
  );
  const remove = database.prepare('DELETE FROM observation WHERE name = ? AND key = ?');
  // A fleet is observed at the same few paths: what says the same is one object.
  const operations = new Map<string, Operation>();
  const notes = new Map<string, string>();
  const read = (row: Row): KeptObservation => {
    const { token, registration, shared: isShared } = row;
    return {
      name: text(row, 'name'),
      key: text(row, 'key'),
      operation: shared(operations, text(row, 'operation'), () => tagged<Operation>(row, 'operation')),
      note: shared(notes, text(row, 'note'), (note) => note),
      onRegister: oneOf(row, 'on_register', ['again', 'leave']),
      held:
        token instanceof Uint8Array && typeof registration === 'string'
          ? {
              token: new Uint8Array(token),
              registration: text(row, 'registration'),
              ...(isShared === 1 ? { shared: true } : {}),
            }
          : undefined,
    };
  };
  const apply = (change: ObservationChange): boolean => {
    switch (change.kind) {
      case 'put': {
        const { name, key, operation, note, onRegister, held } = change.observation;
        return (
          put.run(column(name), column(key), formatTagged(operation), column(note), onRegister, ...columnsOf(held))
            .changes > 0
        );
      }
      case 'hold':
        return hold.run(...columnsOf(change.held), column(change.name), column(change.key)).changes > 0;
      case 'remove':
        return remove.run(column(change.name), column(change.key)).changes > 0;
    }
  };
  return {
    of: async (name) => [...readable('observation', ofName.all(column(name)), read, unreadable)],
    async *all() {
      yield* readable('observation', all.iterate(), read, unreadable);
    },
    write: (changes) => database.write(() => changes.map(apply)),
  };
}

const columnsOf = (held: KeptObservation['held']): readonly [SqlValue, SqlValue, SqlValue] => [
  held === undefined ? null : new Uint8Array(held.token),
  held === undefined ? null : column(held.registration),
  held?.shared === true ? 1 : null,
];

/** Distinct texts remembered. */
const capacity = 1024;

function shared<T>(known: Map<string, T>, key: string, make: (key: string) => T): T {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make(key);
  if (known.size >= capacity) known.clear();
  known.set(key, made);
  return made;
}
