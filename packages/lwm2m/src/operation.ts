// The closed list of what one side can ask of the other, and what comes back (Core 1.2.1 §6.3, §6.4).
// The gateway makes operations from JSON, the server makes requests from operations, the client the reverse.
import type { Code, Link } from '@lapwing/coap';
import type { AttributePatch } from './attributes.ts';
import type { Entry } from './entry.ts';
import {
  contains,
  type InstancePath,
  type ObjectPath,
  type Path,
  type ResourceInstancePath,
  type ResourcePath,
  rootPath,
} from './path.ts';

export type Operation =
  | { readonly op: 'read'; readonly path: Path; readonly accept?: number }
  | {
      readonly op: 'discover';
      readonly path: Path;
      /** Levels to look down, 0 to 3; default by path. From 1.2 on. */
      readonly depth?: number;
    }
  | {
      readonly op: 'write';
      readonly path: InstancePath | ResourcePath | ResourceInstancePath;
      /** `replace` is PUT, `update` is POST (Core 1.2.1 §6.3.3). */
      readonly mode: 'replace' | 'update';
      readonly entries: readonly Entry[];
      /** Content-Format to send; default by version and path. */
      readonly format?: number;
    }
  | { readonly op: 'write-attributes'; readonly path: Path; readonly attributes: AttributePatch }
  | {
      readonly op: 'execute';
      readonly path: ResourcePath;
      /** As `formatArguments` makes them (Core 1.2.1 §6.3.5). */
      readonly args?: string;
      /** Sent whatever they are: there are devices that take any text. */
      readonly anyArgs?: true;
    }
  | {
      readonly op: 'create';
      readonly path: ObjectPath;
      /** The new instance's id when the asking side chooses it; else the entries stand below any one instance. */
      readonly instance?: number;
      readonly entries: readonly Entry[];
      readonly format?: number;
    }
  | { readonly op: 'delete'; readonly path: InstancePath | ResourceInstancePath }
  | { readonly op: 'observe'; readonly path: Path; readonly accept?: number; readonly attributes?: AttributePatch }
  | { readonly op: 'cancel-observe'; readonly path: Path }
  | ({ readonly op: 'read-composite' } & Selection)
  | {
      readonly op: 'write-composite';
      /** What is written, wherever it is; a resource instance without a value is to go (Core 1.2.1 §6.3.9). */
      readonly entries: readonly Entry[];
      readonly format?: number;
    }
  | ({ readonly op: 'observe-composite'; readonly attributes?: AttributePatch } & Selection)
  | ({ readonly op: 'cancel-observe-composite' } & Selection)
  /** The one operation that a device asks of its server (Core 1.2.1 §6.4.5). */
  | { readonly op: 'send'; readonly entries: readonly Entry[]; readonly format?: number };

/** What a composite operation is about (Core 1.2.1 §6.3.8, §6.4.3). */
export interface Selection {
  readonly paths: readonly Path[];
  /** Content-Format of the answer; default by version. */
  readonly accept?: number;
  /** Content-Format in which the paths are sent; default by version. */
  readonly format?: number;
}

/** Where an operation begins: its path, and the root for those that have several. */
export function baseOf(operation: Operation): Path {
  return 'path' in operation ? operation.path : rootPath;
}

/** Without those that lie below another one, or stand twice: they say nothing more. */
export function outermost(paths: readonly Path[]): readonly Path[] {
  const kept = paths.filter(
    (path, i) => !paths.some((other, j) => i !== j && contains(other, path) && (j < i || !contains(path, other))),
  );
  return kept.length === paths.length ? paths : kept;
}

export type Result =
  | {
      readonly kind: 'done';
      readonly code: Code;
      readonly location?: Path;
      /** What came with it, though nothing was asked for; absent when nothing did. */
      readonly payload?: Uint8Array;
    }
  | ContentResult
  | { readonly kind: 'links'; readonly code: Code; readonly links: readonly Link[] }
  | { readonly kind: 'refused'; readonly code: Code; readonly reason?: string };

export interface ContentResult {
  readonly kind: 'content';
  readonly code: Code;
  readonly entries: readonly Entry[];
  /** Content-Format it came in. */
  readonly format: number;
  /** The bytes it came as; entries hold the decoded form. */
  readonly payload: Uint8Array;
  /** Value of the Observe option, on answers to `observe` and on notifications. */
  readonly sequence?: number;
}
