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

export function commandsIn(database: Database, unreadable: Unreadable): CommandStore {
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
        return add.run(...values(change.command)).changes > 0;
      case 'move': {
        const { id, from, to, attempts, outcome } = change;
        return (
          move.run(to, attempts, outcome === undefined ? null : formatTagged(outcome), column(id), from).changes > 0
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

function values(command: KeptCommand) {
  return [
    column(command.id),
    column(command.name),
    formatTagged(command.operation),
    command.note === undefined ? null : column(command.note),
    command.enqueuedAt,
    command.expiresAt ?? null,
    formatTagged(command.retry),
    command.unregistered,
    command.attempts,
    command.state,
    command.outcome === undefined ? null : formatTagged(command.outcome),
  ] as const;
}

function read(row: Row): KeptCommand {
  return {
    id: text(row, 'id'),
    name: text(row, 'name'),
    operation: tagged<Operation>(row, 'operation'),
    note: perhaps(row, 'note', text),
    enqueuedAt: number(row, 'enqueued_at'),
    expiresAt: perhaps(row, 'expires_at', number),
    retry: tagged<RetryPolicy>(row, 'retry'),
    unregistered: oneOf(row, 'unregistered', ['wait', 'fail']),
    attempts: number(row, 'attempts'),
    state: oneOf(row, 'state', ['waiting', 'sent', 'settled']),
    outcome: perhaps(row, 'outcome', (from, name) => tagged<Outcome>(from, name)),
  };
}
