// Read-Composite and Write-Composite: several paths at once, read as far as they are there and written all or not at all
// (Core 1.2.1 §6.3.8, §6.3.9).
import { Code, ResponseError } from '@lapwing/coap';
import {
  type Entry,
  formatPath,
  type InstancePath,
  instancePath,
  isHiddenObject,
  type Operation,
  objectPath,
  outermost,
  type Path,
  resourcePath,
} from '@lapwing/lwm2m';
import type { ObjectStore } from '../objects/store.ts';
import { deleteAt } from './delete.ts';
import { everything, readEntries, type Visible } from './read.ts';
import { write } from './write.ts';

/**
 * Every value that is there and may be read; of what is not, or may not, there is no trace, nor of a reader that fails: what else is
 * asked for is there all the same. Never throws.
 */
export function readPresent(store: ObjectStore, paths: readonly Path[], visible = everything): readonly Entry[] {
  return outermost(paths).flatMap((path) => presentAt(store, path, visible));
}

function presentAt(store: ObjectStore, path: Path, visible: Visible): readonly Entry[] {
  if (path.kind === 'root')
    return [...store.objects.keys()].flatMap((object) => presentAt(store, objectPath(object), visible));
  if (isHiddenObject(path.object)) return [];
  try {
    return readEntries(store, path, visible).filter(({ value }) => value !== undefined);
  } catch {
    return [];
  }
}

/** Throws as Write does, and 4.01 for objects that no server may touch; then nothing has changed. */
export function writeComposite(
  store: ObjectStore,
  { entries }: Extract<Operation, { op: 'write-composite' }>,
  mayWrite: Visible = everything,
): void {
  const instances = new Map<string, { readonly path: InstancePath; readonly entries: Entry[] }>();
  store.batch(
    () => {
      for (const entry of entries) {
        const { path, value } = entry;
        if (path.kind !== 'resource' && path.kind !== 'resource-instance')
          throw ResponseError.badRequest(`${formatPath(path)} cannot hold a value`);
        if (isHiddenObject(path.object) || !mayWrite(path.object, path.instance))
          throw new ResponseError(Code.Unauthorized);
        if (value === undefined && path.kind === 'resource-instance') {
          deleteAt(store, path);
          continue;
        }
        if (value === undefined)
          throw ResponseError.badRequest(
            `${formatPath(resourcePath(path.object, path.instance, path.resource))} has no value`,
          );
        const at = instancePath(path.object, path.instance);
        const known = instances.get(formatPath(at));
        if (known === undefined) instances.set(formatPath(at), { path: at, entries: [entry] });
        else known.entries.push(entry);
      }
      for (const { path, entries: written } of instances.values())
        write(store, { op: 'write', path, mode: 'update', entries: written });
    },
    { written: entries },
  );
}
