// Who observes what: one relation for each observed path, told when something below it changed, and asked by its
// governor to speak. Values are compared with those last told, so that gt, lt and st mean what they say.
import { type Clock, Driver } from '@lapwing/kernel';
import {
  type Attributes,
  contains,
  type Entry,
  equalValues,
  formatPath,
  type Path,
  patchAttributes,
} from '@lapwing/lwm2m';
import { crosses, unconditional } from './conditions.ts';
import { Governor, type GovernorEffect, type GovernorInput } from './governor.ts';

export interface RelationOptions {
  readonly path: Path;
  readonly clock: Clock;
  /** What the first answer said. */
  readonly told: readonly Entry[];
  /** What counts for a path at or below the observed one, as written by the server. */
  readonly effective: (path: Path) => Attributes;
  /** Given with the observation itself: they count before what is written (Core 1.2.1 §6.4.1). */
  readonly own: Attributes;
  /** The values as they are; throws when there is nothing any more. */
  readonly read: () => readonly Entry[];
  /** Sends the values, or the end when `read` has thrown. */
  readonly speak: (said: { readonly entries: readonly Entry[] } | { readonly error: unknown }) => void;
  /** Ends it for the observer too. */
  readonly close: () => void;
}

export class Relation implements Disposable {
  private readonly options: RelationOptions;
  private readonly governor: Driver<GovernorInput, GovernorEffect>;
  private told: readonly Entry[];

  constructor(options: RelationOptions) {
    this.options = options;
    this.told = options.told;
    const { clock } = options;
    this.governor = new Driver(new Governor(this.attributes(options.path), clock.now()), clock, () => this.speak());
  }

  get path(): Path {
    return this.options.path;
  }

  /** What counts for this relation at `path`. */
  attributes(path: Path): Attributes {
    const { effective, own } = this.options;
    return patchAttributes(effective(path), own);
  }

  /** Something at or below, or above the path changed. */
  changed(): void {
    if (this.isWorthTelling()) this.governor.handle({ kind: 'changed' });
  }

  steer(): void {
    this.governor.handle({ kind: 'attributes', attributes: this.attributes(this.path) });
  }

  [Symbol.dispose](): void {
    this.governor[Symbol.dispose]();
    this.options.close();
  }

  private speak(): void {
    const { read, speak } = this.options;
    try {
      this.told = read();
    } catch (error) {
      speak({ error });
      return;
    }
    speak({ entries: this.told });
  }

  private isWorthTelling(): boolean {
    let now: readonly Entry[];
    try {
      now = this.options.read();
    } catch {
      // That it is gone is worth telling, and when it is time to tell it may be back.
      return true;
    }
    if (now.length !== this.told.length) return true;
    const before = new Map(this.told.map((entry) => [formatPath(entry.path), entry.value]));
    return now.some(({ path, value }) => {
      const key = formatPath(path);
      const last = before.get(key);
      if (last === undefined || value === undefined) return before.has(key) ? last !== value : true;
      if (equalValues(last, value)) return false;
      const attributes = this.attributes(path);
      if (unconditional(attributes)) return true;
      const [from, to] = [numberOf(last.value), numberOf(value.value)];
      return from === undefined || to === undefined || crosses(attributes, from, to);
    });
  }
}

/** Thresholds are for numbers, 64-bit integers among them. */
function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}

export class Relations {
  private readonly relations = new Set<Relation>();

  get size(): number {
    return this.relations.size;
  }

  add(relation: Relation): void {
    this.relations.add(relation);
  }

  end(relation: Relation): void {
    if (this.relations.delete(relation)) relation[Symbol.dispose]();
  }

  endAll(): void {
    for (const relation of [...this.relations]) this.end(relation);
  }

  changed(paths: readonly Path[]): void {
    for (const relation of [...this.relations]) {
      if (paths.some((path) => contains(relation.path, path) || contains(path, relation.path))) relation.changed();
    }
  }

  /** Attributes at `path` changed: whoever inherits them is steered anew. */
  steered(path: Path): void {
    for (const relation of [...this.relations]) if (contains(path, relation.path)) relation.steer();
  }
}
