// Who observes what: one relation for each observed path, told when something below it changed, and asked by its
// governor to speak. Values are compared with those last told, so that gt, lt and st mean what they say.
import { type Clock, Driver, type Instant } from '@lapwing/kernel';
import { contains, type Entry, equalValues, formatPath, type Path } from '@lapwing/lwm2m';
import type { AttributeTable } from './attribute-table.ts';
import { crosses, unconditional } from './conditions.ts';
import { Governor, type GovernorEffect, type GovernorInput } from './governor.ts';

export class Relation implements Disposable {
  readonly path: Path;
  private readonly table: AttributeTable;
  private readonly read: () => readonly Entry[];
  private readonly governor: Driver<GovernorInput, GovernorEffect>;
  private told: readonly Entry[];

  /** `told` is what the first answer said; `speak` sends a notification of the entries it is given. */
  constructor(
    path: Path,
    table: AttributeTable,
    clock: Clock,
    told: readonly Entry[],
    read: () => readonly Entry[],
    speak: (entries: readonly Entry[]) => void,
  ) {
    this.path = path;
    this.table = table;
    this.read = read;
    this.told = told;
    const now: Instant = clock.now();
    this.governor = new Driver(new Governor(table.effective(path), now), clock, () => {
      this.told = this.read();
      speak(this.told);
    });
  }

  /** Something at or below, or above the path changed. */
  changed(): void {
    if (this.isWorthTelling()) this.governor.handle({ kind: 'changed' });
  }

  steer(): void {
    this.governor.handle({ kind: 'attributes', attributes: this.table.effective(this.path) });
  }

  [Symbol.dispose](): void {
    this.governor[Symbol.dispose]();
  }

  private isWorthTelling(): boolean {
    const now = this.read();
    if (now.length !== this.told.length) return true;
    const before = new Map(this.told.map((entry) => [formatPath(entry.path), entry.value]));
    return now.some(({ path, value }) => {
      const key = formatPath(path);
      const last = before.get(key);
      if (last === undefined || value === undefined) return before.has(key) ? last !== value : true;
      if (equalValues(last, value)) return false;
      const attributes = this.table.effective(path);
      if (unconditional(attributes) || typeof last.value !== 'number' || typeof value.value !== 'number') return true;
      return crosses(attributes, last.value, value.value);
    });
  }
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
    relation[Symbol.dispose]();
    this.relations.delete(relation);
  }

  endAll(): void {
    for (const relation of [...this.relations]) this.end(relation);
  }

  changed(paths: readonly Path[]): void {
    for (const relation of this.relations) {
      if (paths.some((path) => contains(relation.path, path) || contains(path, relation.path))) relation.changed();
    }
  }

  /** Attributes at `path` changed: whoever inherits them is steered anew. */
  steered(path: Path): void {
    for (const relation of this.relations) if (contains(path, relation.path)) relation.steer();
  }
}
