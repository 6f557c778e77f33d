// What this server holds of one observation. A fleet has as many records as devices: a record is numbers and references, and its
// token one short string. Several observations of a device may share a relation, a composite of their paths: then each is a part.
import type { Token } from '@lapwing/coap';
import { latin1At } from '@lapwing/kernel';
import { baseOf, type Entry, equalPaths, type Operation, type Path } from '@lapwing/lwm2m';
import type { Contact } from './contact.ts';
import type { Observation } from './events.ts';

export type ObserveOperation = Extract<Operation, { op: 'observe' | 'observe-composite' }>;
export type CancelOperation = Extract<Operation, { op: 'cancel-observe' | 'cancel-observe-composite' }>;

export class ObservationRecord implements Observation {
  readonly id: number;
  readonly operation: ObserveOperation;
  /** The token, one character for each byte; of a part that of the relation. */
  readonly key: string;
  readonly tag: unknown;
  readonly contact: Contact;
  /** The one before it on the same device. */
  next: ObservationRecord | undefined;
  ended: boolean;

  constructor(id: number, operation: ObserveOperation, key: string, tag: unknown, contact: Contact) {
    this.id = id;
    this.operation = operation;
    this.key = key;
    this.tag = tag;
    this.contact = contact;
    this.next = undefined;
    this.ended = false;
  }

  get name(): string {
    return this.contact.registration.name;
  }

  get path(): Path {
    return baseOf(this.operation);
  }

  get paths(): readonly Path[] {
    return pathsOf(this.operation);
  }
}

/** The relation that several observations share. Nobody asked for it, and nobody hears of it. */
export class CompositeRelation {
  readonly key: string;
  readonly contact: Contact;
  readonly parts: PartRecord[] = [];
  /** What the device was asked for: of parts that have ended too, until it is asked again. */
  paths: readonly Path[];
  ended = false;

  constructor(key: string, contact: Contact, paths: readonly Path[]) {
    this.key = key;
    this.contact = contact;
    this.paths = paths;
  }

  get operation(): Extract<ObserveOperation, { op: 'observe-composite' }> {
    return { op: 'observe-composite', paths: this.paths };
  }

  /** To be asked for what is left. */
  narrow(): void {
    this.paths = this.parts.map(({ path }) => path);
  }
}

export class PartRecord extends ObservationRecord {
  readonly relation: CompositeRelation;
  /** What it was told last. */
  told: readonly Entry[] = [];

  constructor(id: number, operation: ObserveOperation, tag: unknown, relation: CompositeRelation) {
    super(id, operation, relation.key, tag, relation.contact);
    this.relation = relation;
    relation.parts.push(this);
  }
}

/** What has a token of its own. */
export type Relation = ObservationRecord | CompositeRelation;

export const isRelation = (tag: unknown): tag is Relation =>
  tag instanceof ObservationRecord || tag instanceof CompositeRelation;

/** What is held of a device, each relation once. */
export function relationsOf(records: readonly ObservationRecord[]): readonly Relation[] {
  return [...new Set(records.map((record) => (record instanceof PartRecord ? record.relation : record)))];
}

export const isCancel = (operation: Operation): operation is CancelOperation =>
  operation.op === 'cancel-observe' || operation.op === 'cancel-observe-composite';

export const pathsOf = (operation: ObserveOperation | CancelOperation): readonly Path[] =>
  'path' in operation ? [operation.path] : operation.paths;

/** The same path, or the same paths in whatever order. */
export function isOfSame(a: ObserveOperation, b: ObserveOperation | CancelOperation): boolean {
  if ('path' in a || 'path' in b) return 'path' in a && 'path' in b && equalPaths(a.path, b.path);
  return a.paths.length === b.paths.length && a.paths.every((path) => b.paths.some((each) => equalPaths(path, each)));
}

export const keyOfToken = (token: Token): string => latin1At(token, 0, token.length);
export const tokenOf = ({ key }: { readonly key: string }): Token =>
  Uint8Array.from(key, (character) => character.charCodeAt(0));

/** An observation that is held, and its token, which is that of others too where it is `shared`. */
export interface Live {
  readonly observation: ObservationRecord;
  readonly token: Token;
  readonly shared: boolean;
}
