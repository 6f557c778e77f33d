// Observe and Observe-Composite: the first answer, and a relation that speaks from then on (Core 1.2.1 §6.4.1, §6.4.3,
// RFC 7641). Notifications show the values as they were when they became worth telling.
import { Code, type Context, makeResponse, type Response, ResponseError, whenOver } from '@lapwing/coap';
import { type Clock, TimeoutError } from '@lapwing/kernel';
import {
  type Attributes,
  attributeConflict,
  type Entry,
  formatTraits,
  inheritAttributes,
  type Lwm2mVersion,
  misplacedAttribute,
  type Operation,
  ofResourcesAlone,
  type Path,
  patchAttributes,
  versionTraits,
} from '@lapwing/lwm2m';
import type { AttributeTable } from '../notify/attribute-table.ts';
import { Delivery, type NotificationOutcome } from '../notify/delivery.ts';
import type { HistoryReader } from '../notify/history.ts';
import { type Reason, Relation } from '../notify/relation.ts';
import type { Relations } from '../notify/relations.ts';
import type { Trees } from './trees.ts';

export interface Observing {
  readonly relations: Relations;
  readonly attributes: AttributeTable;
  readonly clock: Clock;
  readonly version: Lwm2mVersion;
  /** Confirmable notifications, unless the server has written otherwise (attribute `con`). */
  readonly notifications: () => 'con' | 'auto';
  /** The server wants nothing lost while it cannot be reached (/1/x/6). */
  readonly storing: () => boolean;
  /** A notification goes out: the device listens for a while after it. */
  readonly stirred: () => void;
  /** Something waits to go out. */
  readonly wanted: () => void;
  /** Nothing goes out now. */
  readonly held: () => boolean;
  /** What the server has been told of the past that is kept. */
  readonly past: HistoryReader;
  /** What is kept where nothing may be lost. */
  readonly storage: NotificationStorage;
  /** An observation began, its notifications were settled, it ended. */
  readonly watched: (event: Watched) => void;
}

/** What is kept of each observation while its server cannot be reached and wants nothing lost (/1/x/6). */
export interface NotificationStorage {
  /** Notifications, where the server has not said how many (`hqmax`). */
  readonly limit: number;
  /** What goes when there are more. */
  readonly drop: 'oldest' | 'newest';
}

export type Watched = { readonly paths: readonly Path[] } & (
  | { readonly kind: 'began' | 'ended' }
  /** A notification is made, to go as soon as it can. */
  | { readonly kind: 'telling'; readonly reason: Reason }
  | { readonly kind: 'notified'; readonly outcome: NotificationOutcome; readonly notifications: number }
);

type ObserveOperation = Extract<Operation, { op: 'observe' | 'observe-composite' }>;

/** Moments kept for one relation at most, whatever a server says. */
const mostKept = 1000;

/** The entries for the first answer: of `trees`, which show what the server may see. `toResponse` renders a notification; without `context.notify` this is a plain Read. */
export function observe(
  operation: ObserveOperation,
  context: Context,
  trees: Trees,
  observing: Observing,
  toResponse: (entries: readonly Entry[]) => Response,
): readonly Entry[] {
  const { relations, attributes, clock, notifications, storing, storage, past, stirred, wanted, watched } = observing;
  const own = patchAttributes({}, operation.attributes ?? {});
  const conflict = attributeConflict(own);
  if (conflict !== undefined) throw ResponseError.badRequest(conflict);
  const paths = operation.op === 'observe' ? [operation.path] : operation.paths;
  // What a composite names and is not there may still come.
  const read = (): readonly Entry[] =>
    operation.op === 'observe' ? trees.read(operation.path) : trees.present(operation.paths);
  const entries = read();
  for (const path of paths) {
    const misplaced = misplacedAttribute(own, path, resourceAt(trees, path));
    if (misplaced !== undefined) throw ResponseError.badRequest(misplaced);
  }
  const times = tellsTimes(operation.accept, observing.version);
  const { notify } = context;
  if (notify === undefined) return times ? past.take(entries).entries : entries;
  const kept = relations.takeOver(paths);
  let delivery: Delivery | undefined;
  const relation: Relation = new Relation({
    token: context.token,
    paths,
    clock,
    told: entries,
    attributes: attributesWith(operation, own, attributes),
    read,
    fetch: () => trees.fetch(paths),
    telling: (reason) => watched({ kind: 'telling', paths, reason }),
    delivery: () => delivery,
    close: () => void notify(makeResponse(Code.Empty), {}).catch(() => undefined),
  });
  delivery = new Delivery(
    {
      notify,
      toResponse,
      type: () => {
        const { con } = relation.governing();
        return con === undefined ? notifications() : con === 1 ? 'con' : 'auto';
      },
      room: () => {
        const { hqmax } = relation.governing();
        const capacity = storing() ? Math.min(hqmax ?? storage.limit, mostKept) : 0;
        // What a server asks for is the newest (Core 1.2.1 §7.3.2).
        return { capacity, drop: hqmax === undefined ? storage.drop : 'oldest' };
      },
      times,
      take: (said) => past.take(said),
      shown: (said) => said.filter(({ path }) => trees.shows(path)),
      stirred,
      wanted,
      remember: (moments) => relations.remember(relation, moments),
      settled: (outcome, count) => {
        if (outcome === 'dropped') relations.dropped(count);
        watched({ kind: 'notified', paths, outcome, notifications: count });
      },
    },
    kept,
    observing.held(),
  );
  relations.add(relation);
  watched({ kind: 'began', paths });
  whenOver(context, (cause) => {
    watched({ kind: 'ended', paths });
    if (cause instanceof TimeoutError && storing()) relations.suspend(relation);
    else if (!relation.isSuspended) relations.end(relation);
  });
  return times ? past.take(entries).entries : entries;
}

/**
 * What comes with an observation stands in the place of all that is written, with several paths in the place of what can be written of
 * objects (Core 1.2.1 §6.4.1, §6.4.3). What neither says is as the server's instance of object 1 has it.
 */
function attributesWith({ op }: ObserveOperation, own: Attributes, table: AttributeTable): (path: Path) => Attributes {
  if (Object.keys(own).length === 0) return (path) => table.effective(path);
  const written = (path: Path): Attributes => (op === 'observe' ? {} : ofResourcesAlone(table.inherited(path)));
  return (path) => inheritAttributes([own, written(path), table.standard]);
}

/** What is read has been found readable; of a composite, what is not is passed over. */
function resourceAt({ typeOf }: Trees, path: Path): Parameters<typeof misplacedAttribute>[2] {
  const type = 'resource' in path ? typeOf(path.object, path.resource, path.prefix) : undefined;
  return type === undefined ? undefined : { access: 'R', type };
}

/** Whether what is answered to an operation with that Accept can say when something was. */
export function tellsTimes(accept: number | undefined, version: Lwm2mVersion): boolean {
  return formatTraits(accept ?? versionTraits[version].assumedFormat)?.times ?? false;
}
