// What the tests of built-in objects begin with: a store that a server reads and writes, and somebody at the device.
import { VirtualClock } from '@lapwing/kernel/testing';
import { type ObjectDefinition, type PathText, parsePath, type ResourcePath, type Value } from '@lapwing/lwm2m';
import { ObjectStore } from '../objects/store.ts';
import { LocalAccess } from '../operations/local-access.ts';
import { readEntries } from '../operations/read.ts';

export function objectsAtHand() {
  const clock = new VirtualClock();
  const objects = new ObjectStore();
  const local = new LocalAccess({ objects, clock });
  /** As a server reads it, by resource id. */
  const read = ({ id }: ObjectDefinition, instance = 0): Record<number, unknown> =>
    Object.fromEntries(
      readEntries(objects, { kind: 'instance', object: id, instance }).map(({ path, value }) => [
        path.kind === 'resource' ? path.resource : -1,
        value?.value,
      ]),
    );
  /** As a server writes it. */
  const write = (definition: ObjectDefinition, values: Readonly<Record<string, unknown>>, instance = 0): void =>
    objects.batch(() => objects.get(definition, instance)?.set(values as never), { written: [] });
  const execute = ({ id }: ObjectDefinition, resource: number) =>
    objects.objects.get(id)?.instances.get(0)?.actions.get(resource)?.();
  /** As somebody at the device writes it. */
  const put = (path: PathText, value: unknown): Promise<void> => {
    const place = parsePath(path) as ResourcePath;
    return local.write(place, { type: objects.typeOf(place.object, place.resource), value } as Value);
  };
  return { clock, objects, local, read, write, execute, put };
}
