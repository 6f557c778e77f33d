// What the application says of an object of its own: who may create, what values are found in place of those in the tree, who takes what is written,
// who is asked before something changes.
import { type Action, makeValue, type ObjectDefinition, type ResourcePath, resourcePath } from '@lapwing/lwm2m';
import { isWritable } from './access.ts';
import { Fetcher } from './fetcher.ts';
import { actionsOf } from './instance.ts';
import { type Approve, type Content, type InstanceCheck, none, type ObjectNode, type Taker } from './tree.ts';

interface Actions {
  readonly [key: string]: Action | undefined;
}

export interface ObjectPolicy {
  /**
   * Lets servers create instances, and delete them; the actions of what they create, the same for all or each its own. Only for
   * objects with `many`.
   */
  readonly creatable?: Actions | ((instance: number) => Actions);
  /**
   * By key: says what the resource is now, at each look, as long as the instance has it; of one with instances a map of them. Nobody is told
   * of a change but where a period of theirs is over.
   */
  readonly readers?: { readonly [key: string]: (instance: number) => unknown };
  /**
   * By key: finds out what the resource is now, where that takes time. Asked before a server reads the resource, or observes it, before it is
   * sent, and where the longest period of an observation is over; the answer waits for it, at most `actionTimeout`. What it resolves to
   * is then set, as by the application. Where it rejects, the resource cannot be read until it does better or the application sets it.
   */
  readonly fetchers?: { readonly [key: string]: (instance: number) => Promise<unknown> };
  /** By key of a writable resource: takes what servers write there; what is read there is what the application sets. */
  readonly takers?: { readonly [key: string]: Taker };
  /** Looks at every instance before a change of it is committed, whoever wants it; throws ResponseError to refuse. */
  readonly check?: InstanceCheck;
  /**
   * Is asked, after `check`, about what a server wants to write, create or delete here, one request after the other; rejects with ResponseError
   * to refuse. The server waits, at most `actionTimeout`. Neither the application nor a bootstrap server is asked about, nor what goes to takers.
   */
  readonly approve?: Approve;
}

/** What follows of it for the tree. */
export type Rules = Pick<ObjectNode, 'creates' | 'readers' | 'fetchers' | 'takers' | 'check' | 'approve'>;

/** Nothing has been said of it. */
export function isFree({ creates, readers, fetchers, takers, check, approve }: Rules): boolean {
  return (
    [creates, check, approve].every((rule) => rule === undefined) &&
    [readers, fetchers, takers].every((rules) => rules === none)
  );
}

/** Throws RangeError for keys that cannot be. `found` hears what fetchers have found. */
export function rulesOf(
  definition: ObjectDefinition,
  { creatable, readers, fetchers, takers, check, approve }: ObjectPolicy,
  found: (path: ResourcePath, content: Content) => void,
): Rules {
  return {
    creates:
      creatable === undefined
        ? undefined
        : (instance) => actionsOf(definition, typeof creatable === 'function' ? creatable(instance) : creatable),
    readers: readers === undefined ? none : readersOf(definition, readers),
    fetchers: fetchers === undefined ? none : fetchersOf(definition, fetchers, found),
    takers: takers === undefined ? none : takersOf(definition, takers),
    check,
    approve,
  };
}

/** Throws RangeError for a key that servers cannot write. */
function takersOf(
  { name, resources }: ObjectDefinition,
  takers: NonNullable<ObjectPolicy['takers']>,
): ReadonlyMap<number, Taker> {
  return new Map(
    Object.entries(takers).map(([key, taker]) => {
      const resource = Object.hasOwn(resources, key) ? resources[key] : undefined;
      if (resource === undefined || !isWritable(resource) || resource.many === true)
        throw new RangeError(`${name} has no resource '${key}' with one value that servers write`);
      return [resource.id, taker];
    }),
  );
}

/** Throws RangeError for a key of nothing with a value. */
function readersOf(definition: ObjectDefinition, readers: NonNullable<ObjectPolicy['readers']>): ObjectNode['readers'] {
  return new Map(
    Object.entries(readers).map(([key, reader]) => {
      const { id, contentOf } = held(definition, key);
      return [id, (instance: number) => contentOf(reader(instance))];
    }),
  );
}

/** Likewise. */
function fetchersOf(
  definition: ObjectDefinition,
  fetchers: NonNullable<ObjectPolicy['fetchers']>,
  found: (path: ResourcePath, content: Content) => void,
): ObjectNode['fetchers'] {
  return new Map(
    Object.entries(fetchers).map(([key, fetch]) => {
      const { id, contentOf } = held(definition, key);
      const fetcher = new Fetcher(
        async (instance) => contentOf(await fetch(instance)),
        (instance, content) => found(resourcePath(definition.id, instance, id), content),
      );
      return [id, fetcher];
    }),
  );
}

interface Held {
  readonly id: number;
  /** Throws for what it cannot hold. */
  readonly contentOf: (given: unknown) => Content;
}

function held({ name, resources }: ObjectDefinition, key: string): Held {
  const { id, type, many } = (Object.hasOwn(resources, key) ? resources[key] : undefined) ?? {};
  if (id === undefined || type === undefined) throw new RangeError(`${name} has no resource '${key}' with a value`);
  if (many !== true) return { id, contentOf: (given) => makeValue(type, given) };
  const each = (given: unknown) =>
    new Map([...(given as ReadonlyMap<number, unknown>)].map(([at, value]) => [at, makeValue(type, value)]));
  return { id, contentOf: each };
}
