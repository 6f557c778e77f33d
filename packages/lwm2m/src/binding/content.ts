// Contents of requests and answers: a codec, and whose tree it is about. What is about the tree of an end device carries its prefix
// in the names of the formats that have names for all paths; the others have none, and the path of the request says it (Gateway 1.1.1 §9).
import { FormatError } from '@lapwing/kernel';
import type { Codec, Entry, Trees, TypeLookup } from '../entry.ts';
import { formatTraits } from '../formats/registry.ts';
import { formatPath, type Path } from '../path.ts';
import { entriesUnder, under } from '../prefix.ts';

/** Throws FormatError for what the format cannot say, and for entries of another tree than that of `base`. */
export function encodeContent(codec: Codec, entries: readonly Entry[], base: Path): Uint8Array {
  const { prefix } = base;
  const foreign = strangerTo(prefix, entries);
  if (foreign === undefined && prefix === undefined) return codec.encode(entries, base);
  const hasNames = formatTraits(codec.format)?.scope === 'composite';
  // Asked of the root without a prefix, a composite operation is about all trees.
  const isComposite = prefix === undefined && base.kind === 'root';
  if (foreign !== undefined && !(hasNames && isComposite))
    throw new FormatError(`${formatPath(foreign.path)} is outside ${formatPath(base)}`);
  return hasNames
    ? codec.encode(entries, base)
    : codec.encode(entriesUnder(undefined, entries), under(undefined, base));
}

function strangerTo(prefix: string | undefined, entries: readonly Entry[]): Entry | undefined {
  for (const entry of entries) if (entry.path.prefix !== prefix) return entry;
  return undefined;
}

/**
 * Throws FormatError. Of an end device, names with its prefix and, since some gateways leave it out, without one mean the same; all
 * entries come with it.
 */
export function decodeContent(
  codec: Codec,
  bytes: Uint8Array,
  base: Path,
  typeOf: TypeLookup,
  trees?: Trees,
): readonly Entry[] {
  const { prefix } = base;
  if (prefix === undefined) return codec.decode(bytes, base, typeOf, trees);
  const typesBehind: TypeLookup = (object, resource) => typeOf(object, resource, prefix);
  const hasNames = formatTraits(codec.format)?.scope === 'composite';
  return entriesUnder(prefix, codec.decode(bytes, hasNames ? base : under(undefined, base), typesBehind));
}
