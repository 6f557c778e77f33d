// Operations and results of an end device, as the gateway has them, with its prefix, or as the end device itself has them, without
// (Gateway 1.1.1 §8.3). Targets of links are as the end device has them either way (§8.3.1).
import type { Answer } from './binding/answer.ts';
import type { Operation, Result } from './operation.ts';
import { entriesUnder, under } from './prefix.ts';

/** The same operation at the same places under the prefix, or without one. */
export function operationUnder(prefix: string | undefined, operation: Operation): Operation {
  const path = 'path' in operation ? { path: under(prefix, operation.path) } : {};
  const paths = 'paths' in operation ? { paths: operation.paths.map((each) => under(prefix, each)) } : {};
  const entries = 'entries' in operation ? { entries: entriesUnder(prefix, operation.entries) } : {};
  return { ...operation, ...path, ...paths, ...entries } as Operation;
}

/** What is in it, at the same places under the prefix, or without one. */
export function resultUnder<R extends Result | Answer>(prefix: string | undefined, result: R): R {
  switch (result.kind) {
    case 'content':
      return { ...result, entries: entriesUnder(prefix, result.entries) };
    case 'done':
      return result.location === undefined ? result : { ...result, location: under(prefix, result.location) };
    case 'links':
    case 'refused':
      return result;
  }
}
