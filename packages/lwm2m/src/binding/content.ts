// Contents of requests and answers: a codec, and whose tree it is about. What is about the tree of an end device carries its prefix
// in the names of the formats that have names for all paths; the others have none, and the path of the request says it (Gateway 1.1.1 §9).
// Names of SenML begin with the root path of a device that has one (Transport 1.2.2 §6.4.1); they are read without it too.
import { FormatError } from '@lapwing/kernel';
import type { Codec, Entry, Trees, TypeLookup } from '../entry.ts';
import { formatTraits } from '../formats/registry.ts';
import { formatPath, type Path } from '../path.ts';
import { entriesUnder, under } from '../prefix.ts';

/**
 * Throws FormatError for what the format cannot say, and for entries of another tree than that of `base`. `root` is the root path of the
 * device, '' for none.
 */
export function encodeContent(codec: Codec, entries: readonly Entry[], base: Path, root = ''): Uint8Array {
  const { prefix } = base;
  const foreign = strangerTo(prefix, entries);
  if (root === '' && foreign === undefined && prefix === undefined) return codec.encode(entries, base);
  const traits = formatTraits(codec.format);
  const hasNames = traits?.scope === 'composite';
  // Asked of the root without a prefix, a composite operation is about all trees.
  const isComposite = prefix === undefined && base.kind === 'root';
  if (foreign !== undefined && !(hasNames && isComposite))
    throw new FormatError(`${formatPath(foreign.path)} is outside ${formatPath(base)}`);
  if (!hasNames) return codec.encode(entriesUnder(undefined, entries), under(undefined, base));
  if (!traits.namesFromRoot || !isNameable(root)) return codec.encode(entries, base);
  const named = entries.map((entry) => ({ ...entry, path: fromRoot(root, entry.path) }));
  return codec.encode(named, isComposite ? base : fromRoot(root, base));
}

/** What stands before the ids in a name is one text to a codec that writes. */
const fromRoot = (root: string, path: Path): Path =>
  under(path.prefix === undefined ? root.slice(1) : `${root.slice(1)}/${path.prefix}`, path);

/** Characters of a name in SenML (RFC 8428 §4.5.1); a root path of others stays out of names. */
const isNameable = (root: string): boolean => /^(?:\/[A-Za-z0-9._:-]+)+$/.test(root);

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
  root = '',
): readonly Entry[] {
  const { prefix } = base;
  if (prefix === undefined) return codec.decode(bytes, base, typeOf, trees, root);
  const typesBehind: TypeLookup = (object, resource) => typeOf(object, resource, prefix);
  const hasNames = formatTraits(codec.format)?.scope === 'composite';
  const decoded = codec.decode(bytes, hasNames ? base : under(undefined, base), typesBehind, undefined, root);
  return entriesUnder(prefix, decoded);
}
