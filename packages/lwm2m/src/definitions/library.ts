// Definitions by object and version: those that come along, and those that are added at run time (Core 1.2.1 §7.2).
// The ones that come along are built when they are first asked for.
import type { Link } from '@lapwing/coap';
import { FormatError } from '@lapwing/kernel';
import { type ObjectDefinition, resourcesOf } from '../definition.ts';
import type { TypeLookup } from '../entry.ts';
import { versionOf } from '../object-list.ts';
import { registry } from '../objects/registry.ts';
import { maxId } from '../path.ts';
import type { ValueType } from '../value.ts';
import { parseRow, parseRowHead } from './row.ts';
import { compareVersions, isVersion } from './urn.ts';

/** What an object is taken for when a device names no version: not the newest (Core 1.2.1 §6.2.1). */
const standardVersion = '1.0';

/** By version. */
type Versions = Map<string, ObjectDefinition | { readonly row: string; readonly newest: string }>;

export interface DefinitionLibraryOptions {
  /** `registered`: what comes along; `none`: only what is added. Default `registered`. */
  readonly start?: 'registered' | 'none';
  /**
   * `wide` takes every integer for one of 64 bits, a bigint: for who only hands values on, since definitions do not
   * say which can grow beyond 2^53-1. Default `safe`: numbers, and FormatError for what does not fit.
   */
  readonly integers?: 'safe' | 'wide';
}

const wide: { readonly [T in ValueType]?: ValueType } = { integer: 'integer64', unsigned: 'unsigned64' };

export class DefinitionLibrary {
  private readonly objects = new Map<number, Versions>();
  private readonly integers: 'safe' | 'wide';
  /** Counts changes, so that look-ups made before can tell. */
  private revision = 0;

  constructor(options: DefinitionLibraryOptions = {}) {
    this.integers = options.integers ?? 'safe';
    if (options.start === 'none') return;
    // Rows stand in the order of ids, the newest version of each first.
    let newest = '';
    let versions: Versions = new Map();
    for (const row of registry) {
      const { id, version } = parseRowHead(row);
      if (!this.objects.has(id)) {
        newest = row;
        versions = new Map();
        this.objects.set(id, versions);
      }
      versions.set(version, { row, newest });
    }
  }

  /** Takes the place of a definition with the same id and version. Throws FormatError for one that is not sound. */
  add(definition: ObjectDefinition): void {
    checkDefinition(definition);
    const versions = this.objects.get(definition.id) ?? new Map();
    versions.set(definition.version ?? standardVersion, definition);
    this.objects.set(definition.id, versions);
    this.revision += 1;
  }

  /** Ids of all objects, in order. */
  ids(): readonly number[] {
    return [...this.objects.keys()].sort((a, b) => a - b);
  }

  /** Versions of an object, oldest first. */
  versionsOf(id: number): readonly string[] {
    return [...(this.objects.get(id)?.keys() ?? [])].sort(compareVersions);
  }

  /** Exactly that version; default 1.0. */
  get(id: number, version: string = standardVersion): ObjectDefinition | undefined {
    const versions = this.objects.get(id);
    const found = versions?.get(version);
    if (versions === undefined || found === undefined) return undefined;
    if (!('row' in found)) return found;
    const built = parseRow(found.row, found.newest);
    versions.set(version, built);
    return built;
  }

  /**
   * The best that is there for a version: itself, else the next older one, else the next newer. Within a major
   * version resources are only added, so an older definition says nothing wrong, it only knows less.
   */
  nearest(id: number, version: string = standardVersion): ObjectDefinition | undefined {
    const known = this.versionsOf(id);
    const older = known.findLast((each) => compareVersions(each, version) <= 0);
    const chosen = older ?? known[0];
    return chosen === undefined ? undefined : this.get(id, chosen);
  }

  newest(id: number): ObjectDefinition | undefined {
    const version = this.versionsOf(id).at(-1);
    return version === undefined ? undefined : this.get(id, version);
  }

  /** The types of a device that names no versions. */
  get typeOf(): TypeLookup {
    return this.lookupFor([]);
  }

  /**
   * The types of a device by the `ver` attributes of its object list, and where it names none by `implied`, else 1.0. A resource that the version does not have is
   * looked for in the other versions: a device that uses it means it. Follows what is added later.
   */
  lookupFor(objects: readonly Link[], implied: ReadonlyMap<number, string> = new Map()): TypeLookup {
    const versions = new Map(implied);
    for (const link of objects) {
      const id = /^\/(\d+)(?:$|\/)/.exec(link.target)?.[1];
      const version = versionOf(link);
      if (id !== undefined && version !== undefined && isVersion(version)) versions.set(Number(id), version);
    }
    const known = new Map<number, ReadonlyMap<number, ValueType>>();
    let revision = this.revision;
    return (object, resource) => {
      if (revision !== this.revision) {
        known.clear();
        revision = this.revision;
      }
      let types = known.get(object);
      if (types === undefined) {
        // A peer can name any object: those that nobody has defined are not remembered.
        if (!this.objects.has(object)) return undefined;
        types = this.typesOf(object, versions.get(object));
        known.set(object, types);
      }
      return types.get(resource);
    };
  }

  /** Versions that say something other than the chosen one never overrule it. */
  private typesOf(id: number, version: string | undefined): ReadonlyMap<number, ValueType> {
    const types = new Map<number, ValueType>();
    const chosen = this.nearest(id, version);
    const others = this.versionsOf(id).map((each) => this.get(id, each));
    for (const definition of [chosen, ...others.reverse()]) {
      if (definition === undefined) continue;
      for (const { resource } of resourcesOf(definition).values()) {
        const { id: resourceId, type } = resource;
        if (type === undefined || types.has(resourceId)) continue;
        types.set(resourceId, (this.integers === 'wide' ? wide[type] : undefined) ?? type);
      }
    }
    return types;
  }
}

function checkDefinition(definition: ObjectDefinition): void {
  const { id, version = standardVersion } = definition;
  if (!isId(id)) throw new FormatError(`not an object id: ${id}`);
  if (!isVersion(version)) throw new FormatError(`/${id}: not a version: ${JSON.stringify(version.slice(0, 32))}`);
  const seen = new Set<number>();
  for (const resource of Object.values(definition.resources)) {
    if (!isId(resource.id)) throw new FormatError(`/${id}: not a resource id: ${resource.id}`);
    if (seen.has(resource.id)) throw new FormatError(`/${id}: resource ${resource.id} stands twice`);
    seen.add(resource.id);
  }
}

const isId = (id: number): boolean => Number.isInteger(id) && id >= 0 && id <= maxId;
