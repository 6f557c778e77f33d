// An end device as its server sees it through the gateway: operations get its prefix, results lose it (Gateway 1.1.1 §8.3).
import { type Entry, entriesUnder, type Operation, type Result, under } from '@lapwing/lwm2m';

/** The same operation, on the end device with that prefix. */
export function operationBehind(prefix: string, operation: Operation): Operation {
  const path = 'path' in operation ? { path: under(prefix, operation.path) } : {};
  const paths = 'paths' in operation ? { paths: operation.paths.map((each) => under(prefix, each)) } : {};
  const entries = 'entries' in operation ? { entries: entriesUnder(prefix, operation.entries) } : {};
  return { ...operation, ...path, ...paths, ...entries } as Operation;
}

/** As the end device would have answered itself. */
export function resultAsBehind(result: Result): Result {
  switch (result.kind) {
    case 'content':
      return { ...result, entries: bareEntries(result.entries) };
    case 'done':
      return result.location === undefined ? result : { ...result, location: under(undefined, result.location) };
    case 'links':
    case 'refused':
      return result;
  }
}

export const bareEntries = (entries: readonly Entry[]): readonly Entry[] => entriesUnder(undefined, entries);
