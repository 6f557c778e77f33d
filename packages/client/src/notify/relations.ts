// Who observes what: the relations of one server, and those that wait for their observer to come back.
import { type Instant, noBytes, toHex } from '@lapwing/kernel';
import { contains, formatPath, type Path } from '@lapwing/lwm2m';
import type { Moment } from './delivery.ts';
import type { KeptNotifications } from './notification-store.ts';
import { type KeptWatch, Relation } from './relation.ts';
import { Remembering } from './remembering.ts';

/** Relations without an observer that are kept. */
const mostWaiting = 64;

const overlap = (one: Path, other: Path): boolean => contains(one, other) || contains(other, one);

const nameOf = ({ token = noBytes }: Relation): string => toHex(token);

const keyOf = (paths: readonly Path[]): string => paths.map(formatPath).sort().join();

/** What was kept before the device was started anew, for whoever observes the same. */
class Recalled implements Disposable {
  readonly paths: readonly Path[];
  private readonly moments: readonly Moment[];

  constructor({ paths, moments }: KeptNotifications) {
    this.paths = paths;
    this.moments = moments;
  }

  handOver(): readonly Moment[] {
    return this.moments;
  }

  /** The first answer to whoever observes it says what is so then. */
  changed(): void {}

  [Symbol.dispose](): void {}
}

export class Relations {
  private readonly relations = new Set<Relation>();
  /** Without an observer, oldest first. */
  private readonly waiting: (Relation | Recalled)[] = [];
  private readonly remembering: Remembering;

  constructor(remembering = new Remembering(undefined, 0)) {
    this.remembering = remembering;
  }

  /** What was kept in the process before. */
  async recall(): Promise<void> {
    for (const kept of await this.remembering.read()) this.wait(new Recalled(kept));
  }

  get size(): number {
    return this.relations.size;
  }

  add(relation: Relation): void {
    this.relations.add(relation);
  }

  end(relation: Relation): void {
    if (this.relations.delete(relation)) this.forget(relation);
  }

  endAll(): void {
    for (const relation of [...this.relations]) this.end(relation);
    const those = this.waiting.splice(0);
    for (const relation of those) {
      // What the server wanted before the start is for it to have, whatever it has written since.
      if (relation instanceof Recalled) this.waiting.push(relation);
      else this.forget(relation);
    }
  }

  /** The device stops: what is kept stays kept. */
  async close(): Promise<void> {
    for (const relation of [...this.relations, ...this.waiting.splice(0)]) relation[Symbol.dispose]();
    this.relations.clear();
    await this.remembering.flush();
  }

  /** Whether somebody is told when something changes there. */
  observes(path: Path): boolean {
    for (const { paths } of this.relations) if (paths.some((own) => overlap(own, path))) return true;
    return false;
  }

  /** What nobody has heard of it. */
  remember(relation: Relation, moments: readonly Moment[]): void {
    if (this.relations.has(relation) || this.waiting.includes(relation)) this.remembering.keep(relation.paths, moments);
  }

  dropped(count: number): void {
    this.remembering.dropped(count);
  }

  private wait(relation: Relation | Recalled): void {
    this.waiting.push(relation);
    const [oldest] = this.waiting.length > mostWaiting ? this.waiting.splice(0, 1) : [];
    if (oldest !== undefined) this.forget(oldest);
  }

  private forget(relation: Relation | Recalled): void {
    relation[Symbol.dispose]();
    this.remembering.keep(relation.paths, []);
  }

  /** Takes it from its observer, and lets it keep what it has to say until the same is observed again. */
  suspend(relation: Relation): void {
    if (!this.relations.delete(relation)) return;
    this.wait(relation);
    relation.suspend();
  }

  suspendAll(): void {
    for (const relation of [...this.relations]) this.suspend(relation);
  }

  /** Does the same with each, also with those that wait for their observer. */
  each(act: (relation: Relation) => void): void {
    for (const relation of [...this.relations, ...this.waiting]) if (relation instanceof Relation) act(relation);
  }

  /** Undefined while one has something to say, or is kept for an observer to come. */
  keep(): ReadonlyMap<string, KeptWatch> | undefined {
    const all = [...this.relations].map((relation) => [nameOf(relation), relation.keep()] as const);
    const kept = all.flatMap(([name, watch]) => (watch === undefined ? [] : [[name, watch] as const]));
    return this.waiting.length === 0 && kept.length === all.length ? new Map(kept) : undefined;
  }

  /** As they were kept, by token. */
  goOn(kept: ReadonlyMap<string, KeptWatch>): void {
    for (const relation of [...this.relations]) {
      const own = kept.get(nameOf(relation));
      if (own !== undefined) relation.recall(own);
    }
  }

  /** When the first of them looks or speaks by itself. */
  get deadline(): Instant | undefined {
    let first: Instant | undefined;
    this.each(({ deadline }) => {
      if (deadline !== undefined && (first === undefined || deadline < first)) first = deadline;
    });
    return first;
  }

  /** What was kept for whoever observes these paths, oldest first. */
  takeOver(paths: readonly Path[]): readonly Moment[] {
    const key = keyOf(paths);
    const at = this.waiting.findIndex((relation) => keyOf(relation.paths) === key);
    const [relation] = at < 0 ? [] : this.waiting.splice(at, 1);
    if (relation === undefined) return [];
    const kept = relation.handOver();
    relation[Symbol.dispose]();
    return kept.map(({ entries, time }) => ({ entries, time }));
  }

  changed(paths: readonly Path[]): void {
    for (const relation of [...this.relations, ...this.waiting]) {
      if (relation.paths.some((own) => paths.some((path) => overlap(own, path)))) relation.changed();
    }
  }

  /** Attributes at `path` changed: whoever inherits them is steered anew. */
  steered(path: Path): void {
    for (const relation of [...this.relations]) if (relation.paths.some((own) => contains(path, own))) relation.steer();
  }
}
