// Sequence numbers and replay windows of OSCORE in the embedded database (RFC 8613 Appendix B.1): a number that was given out is
// on disk before it is used, also when the power fails.
import type { KeyUseStore } from '@lapwing/coap/oscore';
import { FormatError } from '@lapwing/kernel';
import { formatTagged } from '@lapwing/server';
import type { Database } from './database.ts';
import { column, number, readable, tagged, type Unreadable } from './rows.ts';

type Window = Parameters<KeyUseStore['keepWindow']>[1];

/** `unreadable` is told of windows that are damaged: they are as good as lost. */
export function keyUseIn(database: Database, unreadable: Unreadable): KeyUseStore {
  const next = database.prepare('SELECT next FROM oscore_sequence WHERE name = ?');
  const advance = database.prepare('INSERT OR REPLACE INTO oscore_sequence (name, next) VALUES (?, ?)');
  const window = database.prepare('SELECT window FROM oscore_window WHERE name = ?');
  const keep = database.prepare('INSERT OR REPLACE INTO oscore_window (name, window) VALUES (?, ?)');
  const forget = database.prepare('DELETE FROM oscore_window WHERE name = ?');
  return {
    reserve: (name, count) =>
      database.writeSafely(() => {
        const row = next.get(column(name));
        const first = row === undefined ? 0 : number(row, 'next');
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
  };
}

function windowOf({ newest, seen, floor }: Partial<Window>): Window {
  if (typeof newest !== 'number' || typeof floor !== 'number' || !Array.isArray(seen))
    throw new FormatError('window is no replay window');
  return { newest, seen, floor };
}
