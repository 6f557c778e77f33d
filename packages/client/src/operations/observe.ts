// Observe and Observe-Composite: the first answer, and a relation that speaks from then on (Core 1.2.1 §6.4.1, §6.4.3,
// RFC 7641).
// Notifications show the values at the moment they are sent; one that is still on its way when the next is due is
// superseded by it.
import { Code, type Context, makeResponse, type NotifyOptions, type Response, ResponseError } from '@lapwing/coap';
import { type Clock, TimeoutError } from '@lapwing/kernel';
import { attributeConflict, type Entry, type Operation, patchAttributes } from '@lapwing/lwm2m';
import type { AttributeTable } from '../notify/attribute-table.ts';
import { Relation, type Relations } from '../notify/relations.ts';
import type { ObjectStore } from '../objects/store.ts';
import { readPresent } from './composite.ts';
import { readEntries } from './read.ts';

export interface Observing {
  readonly store: ObjectStore;
  readonly relations: Relations;
  readonly attributes: AttributeTable;
  readonly clock: Clock;
  /** Confirmable notifications, unless the server has written otherwise (attribute `con`). */
  readonly notifications: 'con' | 'auto';
  /** A notification was not acknowledged: the server has lost sight of this device, or the device of it. */
  readonly unheard: () => void;
}

/** The entries for the first answer. `toResponse` renders a notification; without `context.notify` this is a plain Read. */
export function observe(
  operation: Extract<Operation, { op: 'observe' | 'observe-composite' }>,
  context: Context,
  { store, relations, attributes, clock, notifications, unheard }: Observing,
  toResponse: (entries: readonly Entry[]) => Response,
): readonly Entry[] {
  const own = patchAttributes({}, operation.attributes ?? {});
  const conflict = attributeConflict(own);
  if (conflict !== undefined) throw ResponseError.badRequest(conflict);
  const paths = operation.op === 'observe' ? [operation.path] : operation.paths;
  // What a composite names and is not there may still come.
  const read = (): readonly Entry[] =>
    operation.op === 'observe' ? readEntries(store, operation.path) : readPresent(store, operation.paths);
  const entries = read();
  const { notify, signal } = context;
  if (notify === undefined) return entries;
  const send = (response: Response, options: NotifyOptions): void => {
    notify(response, options).catch((error: unknown) => {
      // The relation ends through the signal, whatever the cause.
      if (error instanceof TimeoutError) unheard();
    });
  };
  const relation: Relation = new Relation({
    paths,
    clock,
    told: entries,
    own,
    effective: (at) => attributes.effective(at),
    read,
    speak: (said) => {
      const { con } = relation.governing();
      const type = con === undefined ? notifications : con === 1 ? 'con' : 'auto';
      send('error' in said ? lastWord(said.error) : rendered(said.entries, toResponse), { type });
    },
    close: () => send(makeResponse(Code.Empty), {}),
  });
  relations.add(relation);
  signal.addEventListener('abort', () => relations.end(relation), { once: true });
  return entries;
}

function rendered(entries: readonly Entry[], toResponse: (entries: readonly Entry[]) => Response): Response {
  try {
    return toResponse(entries);
  } catch (error) {
    return lastWord(error);
  }
}

/** An error ends the observation (RFC 7641 §4.2). */
function lastWord(error: unknown): Response {
  return error instanceof ResponseError ? error.toResponse() : makeResponse(Code.InternalServerError);
}
