// Sequence numbers and replay windows of OSCORE in the embedded database (RFC 8613 Appendix B.1): a number that was given out is
// on disk before it is used, also when the power fails.
import { highestBeginning, type KeyUseStore } from '@lapwing/coap/oscore';
import { FormatError } from '@lapwing/kernel';
import { formatTagged } from '@lapwing/server';
import type { Database } from './database.ts';
import { column, number, readable, tagged, text, type Unreadable } from './rows.ts';

/** The row that says where names begin that have none: no key is called so. */
const beginning = '';

type Window = Parameters<KeyUseStore['keepWindow']>[1];

/** `unreadable` is told of windows that are damaged: they are as good as lost. */
export function keyUseIn(database: Database, unreadable: Unreadable): KeyUseStore {
  const next = database.prepare('SELECT next FROM oscore_sequence WHERE name = ?');
  const advance = database.prepare('INSERT OR REPLACE INTO oscore_sequence (name, next) VALUES (?, ?)');
  const window = database.prepare('SELECT window FROM oscore_window WHERE name = ?');
  const keep = database.prepare('INSERT OR REPLACE INTO oscore_window (name, window) VALUES (?, ?)');
  const forget = database.prepare('DELETE FROM oscore_window WHERE name = ?');
  const withdraw = database.prepare('DELETE FROM oscore_sequence WHERE name = ?');
  const names = database.prepare('SELECT name FROM oscore_sequence UNION SELECT name FROM oscore_window');
  const nextOf = (name: string): number | undefined => {
    const row = next.get(column(name));
    return row === undefined ? undefined : number(row, 'next');
  };
  return {
    reserve: (name, count) =>
      database.writeSafely(() => {
        const first = nextOf(name) ?? nextOf(beginning) ?? 0;
        advance.run(column(name), first + count);
        return first;
      }),
    takeWindow: (name) =>
      database.writeSafely(() => {
        const row = window.get(column(name));
        if (row === undefined) return 'unknown';
        forget.run(column(name));
        const [kept] = readable('oscore_window', [row], (each) => windowOf(tagged(each, 'window')), unreadable);
        return kept ?? 'unknown';
      }),
    keepWindow: (name, kept) => database.write(() => void keep.run(column(name), formatTagged(kept))),
    retire: (names) =>
      database.writeSafely(() => {
        for (const name of names) {
          forget.run(column(name));
          const used = nextOf(name) ?? 0;
          if (used > highestBeginning) continue;
          if (used > (nextOf(beginning) ?? 0)) advance.run(beginning, used);
          withdraw.run(column(name));
        }
      }),
    names: async () => names.all().flatMap((row) => (text(row, 'name') === beginning ? [] : [text(row, 'name')])),
  };
}

function windowOf({ newest, seen, floor }: Partial<Window>): Window {
  if (typeof newest !== 'number' || typeof floor !== 'number' || !Array.isArray(seen))
    throw new FormatError('window is no replay window');
  return { newest, seen, floor };
}
