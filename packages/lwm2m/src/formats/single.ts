// What the three formats of one value share: exactly one resource or resource instance, no time (Core 1.2.1 §7.5).
import { FormatError } from '@lapwing/kernel';
import type { Entry, TypeLookup } from '../entry.ts';
import { equalPaths, formatPath, type Path, type ResourceInstancePath, type ResourcePath } from '../path.ts';
import type { Value, ValueType } from '../value.ts';
import { checkValue } from './typing.ts';

/** The value to write. Throws FormatError unless there is exactly one, without a time, and it stands at `base`. */
export function onlyValue(entries: readonly Entry[], base: Path): Value {
  const [entry] = entries;
  if (entry === undefined || entries.length !== 1) {
    throw new FormatError(`this format says one value, not ${entries.length}`);
  }
  resourceAt(base);
  if (!equalPaths(entry.path, base)) {
    throw new FormatError(`${formatPath(entry.path)} cannot be said for ${formatPath(base)} in this format`);
  }
  if (entry.value === undefined) throw new FormatError(`${formatPath(base)} has no value`);
  if (entry.time !== undefined) throw new FormatError('this format has no times');
  checkValue(entry.path, entry.value);
  return entry.value;
}

/** Throws FormatError for a path that cannot hold one value. */
export function resourceAt(base: Path): ResourcePath | ResourceInstancePath {
  if (base.kind === 'resource' || base.kind === 'resource-instance') return base;
  throw new FormatError(`this format is for one resource, not ${formatPath(base)}`);
}

export function typeAt(path: ResourcePath | ResourceInstancePath, typeOf: TypeLookup): ValueType | undefined {
  return typeOf(path.object, path.resource);
}
