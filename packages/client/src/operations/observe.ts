// Observe and Observe-Composite: the first answer, and a relation that speaks from then on (Core 1.2.1 §6.4.1, §6.4.3,
// RFC 7641). Notifications show the values at the moment they are sent.
import { Code, type Context, makeResponse, type Response, ResponseError } from '@lapwing/coap';
import { type Clock, TimeoutError } from '@lapwing/kernel';
import {
  attributeConflict,
  type Entry,
  formatTraits,
  type Lwm2mVersion,
  type Operation,
  patchAttributes,
  versionTraits,
} from '@lapwing/lwm2m';
import type { AttributeTable } from '../notify/attribute-table.ts';
import { Delivery } from '../notify/delivery.ts';
import { Relation, type Relations } from '../notify/relations.ts';
import type { ObjectStore } from '../objects/store.ts';
import type { Trees } from './trees.ts';

export interface Observing {
  readonly store: ObjectStore;
  readonly relations: Relations;
  readonly attributes: AttributeTable;
  readonly clock: Clock;
  readonly version: Lwm2mVersion;
  /** Confirmable notifications, unless the server has written otherwise (attribute `con`). */
  readonly notifications: 'con' | 'auto';
  /** What there is, as far as the server may see it. */
  readonly trees: Trees;
  /** The server wants nothing lost while it cannot be reached (/1/x/6). */
  readonly storing: () => boolean;
  /** A notification goes out: the device listens for a while after it. */
  readonly stirred: () => void;
  /** A notification was not acknowledged: the server has lost sight of this device, or the device of it. */
  readonly unheard: () => void;
}

type ObserveOperation = Extract<Operation, { op: 'observe' | 'observe-composite' }>;

/** Moments kept for one relation where the server has not said how many (`hqmax`), and at most. */
const fewestKept = 100;
const mostKept = 1000;

/** The entries for the first answer. `toResponse` renders a notification; without `context.notify` this is a plain Read. */
export function observe(
  operation: ObserveOperation,
  context: Context,
  { trees, relations, attributes, clock, version, notifications, storing, stirred, unheard }: Omit<Observing, 'store'>,
  toResponse: (entries: readonly Entry[]) => Response,
): readonly Entry[] {
  const own = patchAttributes({}, operation.attributes ?? {});
  const conflict = attributeConflict(own);
  if (conflict !== undefined) throw ResponseError.badRequest(conflict);
  const paths = operation.op === 'observe' ? [operation.path] : operation.paths;
  // What a composite names and is not there may still come.
  const read = (): readonly Entry[] =>
    operation.op === 'observe' ? trees.read(operation.path) : trees.present(operation.paths);
  const entries = read();
  const { notify, signal } = context;
  if (notify === undefined) return entries;
  const kept = relations.takeOver(paths);
  let delivery: Delivery | undefined;
  const relation: Relation = new Relation({
    paths,
    clock,
    told: entries,
    own,
    effective: (at) => attributes.effective(at),
    read,
    speak: (said) => ('error' in said ? delivery?.end(said.error) : delivery?.say(said.entries)),
    suspend: () => delivery?.suspend(),
    handOver: () => delivery?.handOver() ?? [],
    close: () => void notify(makeResponse(Code.Empty), {}).catch(() => undefined),
  });
  delivery = new Delivery(
    {
      clock,
      notify,
      toResponse,
      type: () => {
        const { con } = relation.governing();
        return con === undefined ? notifications : con === 1 ? 'con' : 'auto';
      },
      capacity: () => (storing() ? Math.min(relation.governing().hqmax ?? fewestKept, mostKept) : 0),
      times: formatTraits(operation.accept ?? versionTraits[version].assumedFormat)?.times ?? false,
      stirred,
      unheard,
      remember: (moments) => relations.remember(relation, moments),
      dropped: (count) => relations.dropped(count),
    },
    kept,
  );
  relations.add(relation);
  const over = (): void => {
    if (signal.reason instanceof TimeoutError && storing()) relations.suspend(relation);
    else if (!relation.isSuspended) relations.end(relation);
  };
  signal.addEventListener('abort', over, { once: true });
  return entries;
}
