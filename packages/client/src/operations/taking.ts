// Writes to resources that have a taker: what is written goes to it and not into the tree, a body as it comes over the wire, so that a
// firmware package is never in memory whole (Core 1.2.1 §6.3.3, Appendix E.6).
import { Code, ContentFormat, type Request, ResponseError } from '@lapwing/coap';
import { noBytes } from '@lapwing/kernel';
import { type Entry, formatPath, type Operation, type ResourcePath, readRequest, type Value } from '@lapwing/lwm2m';
import type { ObjectStore } from '../objects/store.ts';
import type { ObjectNode, Taker } from '../objects/tree.ts';
import { type Approving, whenApproved } from './approval.ts';
import { write } from './write.ts';

type WriteOperation = Extract<Operation, { op: 'write' }>;
/** Gives what is written to its taker, as written to that instance. */
type HandOver = (instance: number) => void | Promise<void>;

/** Whether the body of a request goes to a taker as it comes, instead of being put together first. */
export function isForTaker(store: ObjectStore, rootPath: string, request: Request): boolean {
  if (request.code !== Code.Put || request.options.contentFormat !== ContentFormat.OctetStream) return false;
  const path = pathOf(request, store, rootPath);
  if (path?.kind !== 'resource' || path.prefix !== undefined) return false;
  const object = store.objects.get(path.object);
  const taker = object?.takers.get(path.resource);
  return taker !== undefined && 'body' in taker && object?.instances.has(path.instance) === true;
}

function pathOf(request: Request, { typeOf }: ObjectStore, rootPath: string): WriteOperation['path'] | undefined {
  try {
    const operation = readRequest({ ...request, payload: noBytes }, { typeOf, rootPath });
    return operation.op === 'write' ? operation.path : undefined;
  } catch (error) {
    if (error instanceof ResponseError) return undefined;
    throw error;
  }
}

/**
 * Writes what goes into the tree, all or nothing, then hands over what goes to takers; `body` is that of the request, where it comes in
 * pieces. Rejects as `write` throws, and as whoever is to
 * approve it and the takers do.
 */
export async function writeTaking(
  store: ObjectStore,
  operation: WriteOperation,
  body: AsyncIterable<Uint8Array> | undefined,
  approving: Approving,
): Promise<void> {
  const { path, entries } = operation;
  const object = store.objects.get(path.object);
  if (object?.instances.has(path.instance) !== true) throw new ResponseError(Code.NotFound);
  const { taken, rest } = splitTaken(object, entries, body);
  const change = (): void => write(store, { ...operation, entries: rest });
  const written =
    taken.length === 0 || rest.length > 0 ? whenApproved([{ store, change }], approving, change) : undefined;
  if (written !== undefined) await written;
  for (const handOver of taken) await handOver(path.instance);
}

/** What goes to takers, and what goes into the tree. Throws ResponseError 4.00 for what no taker can take. */
export function splitTaken(
  object: ObjectNode,
  entries: readonly Entry[],
  body?: AsyncIterable<Uint8Array>,
): { readonly taken: readonly HandOver[]; readonly rest: readonly Entry[] } {
  if (object.takers.size === 0) return { taken: [], rest: entries };
  const taken: HandOver[] = [];
  const rest: Entry[] = [];
  for (const entry of entries) {
    const { path, value } = entry;
    const taker = path.kind === 'resource' ? object.takers.get(path.resource) : undefined;
    if (taker === undefined || path.kind !== 'resource') rest.push(entry);
    else if (value === undefined) throw ResponseError.badRequest(`${formatPath(path)} has no value`);
    else taken.push(handingOver(taker, path, value, body));
  }
  return { taken, rest };
}

function handingOver(
  taker: Taker,
  path: ResourcePath,
  value: Value,
  body: AsyncIterable<Uint8Array> | undefined,
): HandOver {
  if ('value' in taker) return (instance) => taker.value(instance, value);
  if (value.type !== 'opaque') throw ResponseError.badRequest(`${formatPath(path)} takes bytes`);
  return (instance) => taker.body(instance, body ?? once(value.value));
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
