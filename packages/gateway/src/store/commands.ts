// The queue of commands in the embedded database: the order of its rows is the order of the queue.
import type { Operation } from '@lapwing/lwm2m';
import {
  type CommandChange,
  type CommandStore,
  formatTagged,
  type KeptCommand,
  type Outcome,
  type RetryPolicy,
} from '@lapwing/server';
import type { Database } from './database.ts';
import { column, number, oneOf, perhaps, type Row, readable, tagged, text, type Unreadable } from './rows.ts';
import { placeOf, type Sealing } from './sealing.ts';

export function commandsIn(database: Database, unreadable: Unreadable): CommandStore {
  const { sealing } = database;
  const read = (row: Row): KeptCommand => commandOf(row, sealing);
  const ofName = database.prepare('SELECT * FROM command WHERE name = ? ORDER BY place');
  const all = database.prepare('SELECT * FROM command ORDER BY place');
  const add = database.prepare(
    `INSERT OR IGNORE INTO command
       (id, name, operation, note, enqueued_at, expires_at, retry, unregistered, attempts, state, outcome)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const move = database.prepare('UPDATE command SET state = ?, attempts = ?, outcome = ? WHERE id = ? AND state = ?');
  const remove = database.prepare('DELETE FROM command WHERE id = ?');
  const apply = (change: CommandChange): boolean => {
    switch (change.kind) {
      case 'add':
        return add.run(...values(change.command, sealing)).changes > 0;
      case 'move': {
        const { id, from, to, attempts, outcome } = change;
        return (
          move.run(
            to,
            attempts,
            outcome === undefined ? null : sealed(sealing, id, 'outcome', outcome),
            column(id),
            from,
          ).changes > 0
        );
      }
      case 'remove':
        return remove.run(column(change.id)).changes > 0;
    }
  };
  return {
    of: async (name) => [...readable('command', ofName.all(column(name)), read, unreadable)],
    async *all() {
      yield* readable('command', all.iterate(), read, unreadable);
    },
    write: (changes) => database.write(() => changes.map(apply)),
  };
}

type SealedColumn = 'operation' | 'note' | 'outcome';

/** Of a command: what is written to a device may be its keys. */
function sealed(sealing: Sealing, id: string, name: SealedColumn, value: object): string {
  return sealing.sealText(placeOf('command', name, column(id)), formatTagged(value));
}

function values(command: KeptCommand, sealing: Sealing) {
  const { id, note, outcome } = command;
  return [
    column(id),
    column(command.name),
    sealed(sealing, id, 'operation', command.operation),
    note === undefined ? null : sealing.sealText(placeOf('command', 'note', column(id)), column(note)),
    command.enqueuedAt,
    command.expiresAt ?? null,
    formatTagged(command.retry),
    command.unregistered,
    command.attempts,
    command.state,
    outcome === undefined ? null : sealed(sealing, id, 'outcome', outcome),
  ] as const;
}

function commandOf(row: Row, sealing: Sealing): KeptCommand {
  const { id } = row;
  const opened: Row = { ...row };
  for (const name of ['operation', 'note', 'outcome'] satisfies SealedColumn[]) {
    const value = row[name];
    if (typeof value === 'string') opened[name] = sealing.openText(placeOf('command', name, String(id)), value);
  }
  return {
    id: text(row, 'id'),
    name: text(row, 'name'),
    operation: tagged<Operation>(opened, 'operation'),
    note: perhaps(opened, 'note', text),
    enqueuedAt: number(row, 'enqueued_at'),
    expiresAt: perhaps(row, 'expires_at', number),
    retry: tagged<RetryPolicy>(row, 'retry'),
    unregistered: oneOf(row, 'unregistered', ['wait', 'fail']),
    attempts: number(row, 'attempts'),
    state: oneOf(row, 'state', ['waiting', 'sent', 'settled']),
    outcome: perhaps(opened, 'outcome', (from, name) => tagged<Outcome>(from, name)),
  };
}
