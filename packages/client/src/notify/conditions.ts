// Whether a changed value is worth a notification: gt, lt and st against the value last notified, edge against the value last
// seen (Core 1.2.1 §7.3.2). All conditions that are set must be looked at together: one that holds is enough.
import type { Attributes, Value } from '@lapwing/lwm2m';

/** `current` and `notified` are numbers of one resource. */
export function crosses(attributes: Attributes, notified: number, current: number): boolean {
  const { gt, lt, st } = attributes;
  if (gt !== undefined && notified > gt !== current > gt) return true;
  if (lt !== undefined && notified < lt !== current < lt) return true;
  return st !== undefined && Math.abs(current - notified) >= st;
}

/** True when any change of the value is to be told. */
export function unconditional(attributes: Attributes): boolean {
  const { gt, lt, st, edge } = attributes;
  return gt === undefined && lt === undefined && st === undefined && edge === undefined;
}

/** What one value has been: last told, and last looked at. */
export interface Before {
  readonly told: Value;
  readonly seen: Value;
}

/** Conditions are for numbers and truths; of any other value every change is told. */
export function isWorthTelling(attributes: Attributes, { told, seen }: Before, current: Value): boolean {
  if (unconditional(attributes)) return true;
  if (typeof current.value === 'boolean' || isWhole(current)) {
    if (attributes.edge !== undefined && crossesEdge(attributes.edge, isOn(seen), isOn(current))) return true;
    if (typeof current.value === 'boolean') return attributes.edge === undefined;
  }
  const from = numberOf(told);
  const to = numberOf(current);
  return from === undefined || to === undefined || crosses(attributes, from, to);
}

/** 1 is the rise from false to true, or from 0; 0 is the fall. */
function crossesEdge(edge: 0 | 1, before: boolean, now: boolean): boolean {
  return before !== now && now === (edge === 1);
}

const isWhole = ({ type }: Value): boolean => type === 'integer' || type === 'unsigned';
const isOn = ({ value }: Value): boolean => value !== false && value !== 0;

/** Thresholds are for numbers, 64-bit integers among them. */
function numberOf({ value }: Value): number | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}
