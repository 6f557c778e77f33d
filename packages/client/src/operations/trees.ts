// Whose objects a path is about: the device's own, or those of an end device behind it. Operations on one path go to the tree of its
// prefix; composite ones may touch several (Gateway 1.1.1 §8.3).
import { Code, ResponseError } from '@lapwing/coap';
import {
  type Entry,
  entriesByPrefix,
  entriesUnder,
  groupByPrefix,
  type Operation,
  type Path,
  type ResourcePath,
  type TypeLookup,
  under,
  type Value,
} from '@lapwing/lwm2m';
import type { EndDevices } from '../gateway/end-devices.ts';
import type { ObjectStore } from '../objects/store.ts';
import { isMany } from '../objects/tree.ts';
import { type Approving, whenApproved } from './approval.ts';
import { readPresent, writeComposite } from './composite.ts';
import { fetchAt } from './fetch.ts';
import type { Patience } from './in-time.ts';
import { everything, readEntries, type Visible } from './read.ts';

export interface TreesOptions {
  readonly store: ObjectStore;
  readonly endDevices: EndDevices | undefined;
  /** Of the device's own instances; of end devices whoever may speak to the gateway sees everything (Gateway 1.1.1 §7). */
  readonly visible: Visible;
  readonly patience: Patience;
}

type WriteComposite = Extract<Operation, { op: 'write-composite' }>;

export class Trees {
  private readonly store: ObjectStore;
  private readonly endDevices: EndDevices | undefined;
  private readonly visible: Visible;
  private readonly patience: Patience;

  constructor({ store, endDevices, visible, patience }: TreesOptions) {
    this.store = store;
    this.endDevices = endDevices;
    this.visible = visible;
    this.patience = patience;
  }

  /** Undefined where there is no gateway: then no path has a prefix. */
  get isBehind(): ((prefix: string) => boolean) | undefined {
    const { endDevices } = this;
    return endDevices === undefined ? undefined : (prefix) => endDevices.get(prefix) !== undefined;
  }

  get typeOf(): TypeLookup {
    const { store, endDevices } = this;
    if (endDevices === undefined) return store.typeOf;
    return (object, resource, prefix) =>
      prefix === undefined ? store.typeOf(object, resource) : endDevices.get(prefix)?.objects.typeOf(object, resource);
  }

  /** Throws ResponseError 4.04 for a prefix that nobody has. */
  behind(prefix: string): ObjectStore {
    const store = this.storeOf({ prefix });
    if (store === undefined) throw new ResponseError(Code.NotFound);
    return store;
  }

  /** Throws as `readEntries`. */
  read(path: Path): readonly Entry[] {
    const { prefix } = path;
    if (prefix === undefined) return readEntries(this.store, path, this.visible);
    return entriesUnder(prefix, readEntries(this.behind(prefix), under(undefined, path)));
  }

  /** Has found out what is at the paths, where that takes time; else undefined. Never rejects: whoever reads hears what is amiss. */
  fetch(paths: readonly Path[]): Promise<void> | undefined {
    const { store, endDevices, visible, patience } = this;
    if (endDevices === undefined) return fetchAt(store, paths, visible, patience);
    const asked = [...groupByPrefix(paths, (path) => path)].flatMap(([prefix, own]) => {
      if (prefix === undefined) return fetchAt(store, own, visible, patience) ?? [];
      const objects = this.storeOf({ prefix });
      const bare = own.map((path) => under(undefined, path));
      return (objects && fetchAt(objects, bare, everything, patience)) ?? [];
    });
    return asked.length === 0 ? undefined : Promise.all(asked).then(() => undefined);
  }

  /** Whether what is at a path may be seen, or would be if it were there. */
  shows(path: Path): boolean {
    if (path.kind === 'root' || path.kind === 'object' || path.prefix !== undefined) return true;
    return this.visible(path.object, path.instance);
  }

  /** Of a resource with one value; undefined for what is not there, or has several. */
  value(path: ResourcePath): Value | undefined {
    const content = this.storeOf(path)
      ?.objects.get(path.object)
      ?.instances.get(path.instance)
      ?.contents.get(path.resource);
    return content === undefined || isMany(content) ? undefined : content;
  }

  /** Whether there is what a path is at or below: an instance, or who has the objects. */
  has(path: Path): boolean {
    const store = this.storeOf(path);
    if (path.kind === 'root' || path.kind === 'object') return store !== undefined;
    return store?.objects.get(path.object)?.instances.has(path.instance) ?? false;
  }

  /** Every value that is there and may be read; of what is not, or may not, there is no trace. Never throws. */
  present(paths: readonly Path[]): readonly Entry[] {
    if (paths.every(({ prefix }) => prefix === undefined)) return readPresent(this.store, paths, this.visible);
    return [...groupByPrefix(paths, (path) => path)].flatMap(([prefix, own]) => {
      if (prefix === undefined) return readPresent(this.store, own, this.visible);
      const objects = this.storeOf({ prefix });
      if (objects === undefined) return [];
      const bare = own.map((path) => under(undefined, path));
      return entriesUnder(prefix, readPresent(objects, bare));
    });
  }

  /** All or nothing, wherever it is. Throws or rejects as `writeComposite` does, and as whoever is to approve it. */
  write({ entries, ...operation }: WriteComposite, mayWrite: Visible, approving: Approving): void | Promise<void> {
    const parts = [...entriesByPrefix(entries)].map(([prefix, own]) => {
      const store = prefix === undefined ? this.store : this.behind(prefix);
      const part = { ...operation, entries: entriesUnder(undefined, own) };
      const change = (): void => writeComposite(store, part, prefix === undefined ? mayWrite : everything);
      return { store, written: part.entries, change };
    });
    const writeFrom = (at: number): void => {
      const next = parts[at];
      if (next === undefined) return;
      // The last is written within the changes of all others, which are looked at before: nothing is committed until all may be.
      next.store.batch(
        (transaction) => {
          next.change();
          transaction.check();
          writeFrom(at + 1);
        },
        { written: next.written },
      );
    };
    return whenApproved(parts, approving, () => writeFrom(0));
  }

  /** Undefined for a prefix that nobody has. */
  private storeOf({ prefix }: Pick<Path, 'prefix'>): ObjectStore | undefined {
    return prefix === undefined ? this.store : this.endDevices?.get(prefix)?.objects;
  }
}
