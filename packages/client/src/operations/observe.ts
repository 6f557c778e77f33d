// Observe: the first answer, and a relation that speaks from then on (Core 1.2.1 §6.4.2, RFC 7641).
// Notifications show the values at the moment they are sent; one that is still on its way when the next is due is
// superseded by it.
import type { Context, Response } from '@lapwing/coap';
import type { Clock } from '@lapwing/kernel';
import type { Entry, Operation } from '@lapwing/lwm2m';
import type { AttributeTable } from '../notify/attribute-table.ts';
import { Relation, type Relations } from '../notify/relations.ts';
import type { ObjectStore } from '../objects/store.ts';
import { readEntries } from './read.ts';

export interface Observing {
  readonly store: ObjectStore;
  readonly relations: Relations;
  readonly attributes: AttributeTable;
  readonly clock: Clock;
}

/** The entries for the first answer. `toResponse` renders a notification; without `context.notify` this is a plain Read. */
export function observe(
  operation: Extract<Operation, { op: 'observe' }>,
  context: Context,
  { store, relations, attributes, clock }: Observing,
  toResponse: (entries: readonly Entry[]) => Response,
): readonly Entry[] {
  const { path } = operation;
  const entries = readEntries(store, path);
  const { notify, signal } = context;
  if (notify === undefined) return entries;
  if (operation.attributes !== undefined) attributes.patch(path, operation.attributes);
  const read = (): readonly Entry[] => {
    try {
      return readEntries(store, path);
    } catch {
      return [];
    }
  };
  const relation = new Relation(path, attributes, clock, entries, read, (current) => {
    // A failure ends the relation through the signal; there is nobody else to tell.
    notify(toResponse(current)).catch(() => undefined);
  });
  relations.add(relation);
  signal.addEventListener('abort', () => relations.end(relation), { once: true });
  return entries;
}
