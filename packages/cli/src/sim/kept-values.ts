// The values of a device's objects as bytes, for the time in which it has no objects. Pure.
import type { ObjectStore } from '@lapwing/client';
import { codecFor, type Entry, resourceInstancePath, resourcePath, rootPath, type Value } from '@lapwing/lwm2m';
import { Device } from '@lapwing/lwm2m/objects/device';
import { FirmwareUpdate } from '@lapwing/lwm2m/objects/firmware-update';

/** Accounts and firmware are kept by whom they belong to. */
const elsewhere: ReadonlySet<number> = new Set([0, 1, 2, FirmwareUpdate.id, 21]);
const senmlCbor = 112;

export function valuesOf({ objects }: ObjectStore): Uint8Array | undefined {
  const entries: Entry[] = [];
  for (const [object, { instances }] of objects) {
    if (elsewhere.has(object)) continue;
    for (const [instance, { contents }] of instances) {
      for (const [resource, content] of contents) {
        if ('value' in content) entries.push({ path: resourcePath(object, instance, resource), value: content });
        else
          for (const [id, value] of content)
            entries.push({ path: resourceInstancePath(object, instance, resource, id), value });
      }
    }
  }
  return codecFor(senmlCbor)?.encode(entries, rootPath);
}

/** Of objects with the same instances. Throws FormatError. */
export function takeValues(objects: ObjectStore, values: Uint8Array): void {
  const entries = codecFor(senmlCbor)?.decode(values, rootPath, objects.typeOf) ?? [];
  const many = new Map<string, Map<number, Value>>();
  objects.batch((transaction) => {
    for (const { path, value } of entries) {
      if (value === undefined || (path.kind !== 'resource' && path.kind !== 'resource-instance')) continue;
      const { object, instance, resource } = path;
      if (path.kind === 'resource') {
        transaction.put(object, instance, resource, value);
        continue;
      }
      const key = `${object}/${instance}/${resource}`;
      const all = (many.get(key) ?? new Map<number, Value>()).set(path.resourceInstance, value);
      many.set(key, all);
      transaction.put(object, instance, resource, all);
    }
  });
}

/** Whether a server has set the clock of the device (/3/0/13): it runs on, which no value says. */
export function isClockSet({ objects }: ObjectStore): boolean {
  const time = objects.get(Device.id)?.instances.get(0)?.contents.get(Device.resources.currentTime.id);
  return time !== undefined && 'value' in time && time.value !== 0;
}
