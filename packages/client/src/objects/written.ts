// What servers write to one instance, for the object behind it that acts on it.
import type { ObjectStore } from './store.ts';

/** `heard` is told of the resources of each write of a server, after it has come into force. */
export function onWritten(
  objects: ObjectStore,
  object: number,
  instance: number,
  heard: (resources: ReadonlySet<number>) => void,
): Disposable {
  return objects.events.on('changed', ({ paths, origin }) => {
    if (origin === 'application') return;
    const resources = new Set(
      paths.flatMap((path) =>
        path.kind === 'resource' && path.object === object && path.instance === instance ? [path.resource] : [],
      ),
    );
    if (resources.size > 0) heard(resources);
  });
}
