// A bootstrap in one answer (Bootstrap-Pack, Core 1.2.1 §6.1.7.7): it holds the whole configuration, so that what says who
// the servers are and what they may do goes first; the bootstrap account stays, as ever.
import { ResponseError } from '@lapwing/coap';
import { type Entry, objectPath } from '@lapwing/lwm2m';
import type { Staging } from './apply.ts';

/** Security, Server, Access Control, OSCORE. */
const accountObjects = [0, 1, 2, 21];

/** Throws ResponseError for what cannot be written; then nothing of it counts. */
export function applyPack(staging: Staging, entries: readonly Entry[]): void {
  for (const object of accountObjects) staging.delete(objectPath(object));
  const byObject = new Map<number, Entry[]>();
  for (const entry of entries) {
    if (entry.path.kind === 'root') throw ResponseError.badRequest('a pack holds instances');
    const own = byObject.get(entry.path.object) ?? [];
    own.push(entry);
    byObject.set(entry.path.object, own);
  }
  for (const [object, own] of byObject) staging.write(objectPath(object), own);
}
