// Whether a changed value is worth a notification: gt, lt and st against the value last notified (Core 1.2.1 §7.3.2).
// All conditions that are set must be looked at together: one that holds is enough.
import type { Attributes } from '@lapwing/lwm2m';

/** `current` and `notified` are numbers of one resource. */
export function crosses(attributes: Attributes, notified: number, current: number): boolean {
  const { gt, lt, st } = attributes;
  if (gt !== undefined && notified > gt !== current > gt) return true;
  if (lt !== undefined && notified < lt !== current < lt) return true;
  return st !== undefined && Math.abs(current - notified) >= st;
}

/** True when any change of the value is to be told. */
export function unconditional(attributes: Attributes): boolean {
  return attributes.gt === undefined && attributes.lt === undefined && attributes.st === undefined;
}
