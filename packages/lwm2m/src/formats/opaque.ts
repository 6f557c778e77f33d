// Opaque, format 42: the bytes of one opaque resource as they are (Core 1.2.1 §7.4.2).
import { FormatError } from '@lapwing/kernel';
import type { Codec, Entry, TypeLookup } from '../entry.ts';
import { formatPath, type Path } from '../path.ts';
import { onlyValue, resourceAt, typeAt } from './single.ts';
import { valueOfBytes } from './typing.ts';

export const opaque: Codec = { format: 42, encode, decode };

function encode(entries: readonly Entry[], base: Path): Uint8Array {
  const value = onlyValue(entries, base);
  if (value.type !== 'opaque') throw new FormatError(`${formatPath(base)} is ${value.type}, not opaque`);
  return new Uint8Array(value.value);
}

/** The value is a copy of `bytes`, also where they are a Buffer, whose `slice` is a view. */
function decode(bytes: Uint8Array, base: Path, typeOf: TypeLookup): Entry[] {
  const path = resourceAt(base);
  return [{ path, value: valueOfBytes(path, typeAt(path, typeOf), new Uint8Array(bytes)) }];
}
