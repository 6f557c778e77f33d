// Before something is read: whoever has to find out what a resource is now is asked (ObjectPolicy.fetchers).
import type { Path } from '@lapwing/lwm2m';
import type { Fetcher } from '../objects/fetcher.ts';
import type { ObjectStore } from '../objects/store.ts';
import type { ObjectNode } from '../objects/tree.ts';
import { inTime, type Patience } from './in-time.ts';
import type { Visible } from './read.ts';

/**
 * Asks for what is at or below the paths, all at once; undefined where nobody has to be asked. Resolves when everything is known, or known
 * not to be: whoever reads it then hears why. Never rejects.
 */
export function fetchAt(
  { objects, isFetching }: ObjectStore,
  paths: readonly Path[],
  visible: Visible,
  patience: Patience,
): Promise<void> | undefined {
  if (!isFetching) return undefined;
  const asked: Promise<void>[] = [];
  for (const node of objects.values()) {
    for (const [resource, fetcher] of node.fetchers) {
      for (const instance of instancesWith(node, resource)) {
        const isWanted = paths.some((path) => isWithin(path, node.definition.id, instance, resource));
        if (isWanted && visible(node.definition.id, instance)) asked.push(ask(fetcher, instance, patience));
      }
    }
  }
  return asked.length === 0 ? undefined : Promise.all(asked).then(() => undefined);
}

async function ask(fetcher: Fetcher, instance: number, patience: Patience): Promise<void> {
  try {
    await inTime(fetcher.fetch(instance), 'fetcher', patience);
  } catch (error) {
    fetcher.fail(instance, error);
  }
}

const instancesWith = ({ instances }: ObjectNode, resource: number): readonly number[] =>
  [...instances.values()].flatMap(({ id, contents }) => (contents.has(resource) ? [id] : []));

/** Whether the path is at, above or below the resource. */
function isWithin(path: Path, object: number, instance: number, resource: number): boolean {
  if (path.kind === 'root') return true;
  if (path.object !== object) return false;
  if (path.kind === 'object') return true;
  if (path.instance !== instance) return false;
  return path.kind === 'instance' || path.resource === resource;
}
