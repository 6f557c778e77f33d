// The attributes that one server has written, by path, and what counts where (Core 1.2.1 §7.3.2).
import { ResponseError } from '@lapwing/coap';
import {
  type AttributePatch,
  type Attributes,
  attributeConflict,
  formatPath,
  idsOf,
  inheritAttributes,
  type Path,
  parsePrefixedPath,
  patchAttributes,
  pathOf,
  under,
} from '@lapwing/lwm2m';

/** Paths with attributes of their own: what a server may make us remember. */
const mostPaths = 1024;

export class AttributeTable {
  /** Made when something is written. */
  private written: Map<string, Attributes> | undefined = undefined;
  private readonly defaults: () => Attributes;
  private readonly changed: () => void;

  /** `defaults` are the server's (/1/x/2 and /1/x/3), read whenever they are needed; `changed` hears of each patch. */
  constructor(defaults: () => Attributes, changed: () => void = () => undefined) {
    this.defaults = defaults;
    this.changed = changed;
  }

  /** Everything that is written, by path. */
  all(): readonly (readonly [string, Attributes])[] {
    return [...(this.written ?? [])];
  }

  /** As written at exactly this path. */
  at(path: Path): Attributes {
    return this.written?.get(formatPath(path)) ?? {};
  }

  /** What is written at a path and above it: the nearest counts. */
  inherited(path: Path): Attributes {
    if (this.written === undefined) return {};
    const ids = idsOf(path);
    return inheritAttributes(ids.map((_, i) => this.at(under(path.prefix, pathOf(ids.slice(0, ids.length - i))))));
  }

  /** The server's defaults. */
  get standard(): Attributes {
    return this.defaults();
  }

  /** What counts for a path: where nothing is written, the server's defaults. */
  effective(path: Path): Attributes {
    if (this.written === undefined) return this.defaults();
    return inheritAttributes([this.inherited(path), this.defaults()]);
  }

  /** Throws ResponseError 4.00 for attributes that contradict each other; then nothing has changed. */
  patch(path: Path, patch: AttributePatch): void {
    const next = patchAttributes(this.at(path), patch);
    const conflict = attributeConflict(next);
    if (conflict !== undefined) throw ResponseError.badRequest(conflict);
    this.written ??= new Map();
    if (Object.keys(next).length === 0) this.written.delete(formatPath(path));
    else if (this.written.size >= mostPaths && !this.written.has(formatPath(path)))
      throw ResponseError.badRequest('attributes at too many paths');
    else this.written.set(formatPath(path), next);
    this.changed();
  }

  /** What is gone takes its attributes along: whoever comes in its place starts without. */
  retain(exists: (path: Path) => boolean): void {
    for (const text of [...(this.written?.keys() ?? [])])
      if (!exists(parsePrefixedPath(text))) this.written?.delete(text);
  }

  /** As seen from the tree of an end device. */
  behind(prefix: string): Pick<AttributeTable, 'at' | 'inherited'> {
    return {
      at: (path) => this.at(under(prefix, path)),
      inherited: (path) => this.inherited(under(prefix, path)),
    };
  }

  clear(): void {
    this.written = undefined;
  }
}
