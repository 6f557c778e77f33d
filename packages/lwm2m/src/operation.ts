// The closed list of what one side can ask of the other, and what comes back (Core 1.2.1 §6.3, §6.4).
// The gateway makes operations from JSON, the server makes requests from operations, the client the reverse.
import type { Code, Link } from '@lapwing/coap';
import type { AttributePatch } from './attributes.ts';
import type { Entry } from './entry.ts';
import type { InstancePath, ObjectPath, Path, ResourceInstancePath, ResourcePath } from './path.ts';

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
  | { readonly op: 'execute'; readonly path: ResourcePath; readonly args?: string }
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
  | { readonly op: 'cancel-observe'; readonly path: Path };

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
