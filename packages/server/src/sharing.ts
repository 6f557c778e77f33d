// Observations that share a relation, a composite of their paths (Core 1.2.1 §6.4.3): who may, and what of a notification is for whom.
// Pure.
import { type ContentResult, contains, type Entry, equalEntries, type Operation, type Path } from '@lapwing/lwm2m';

/** Paths in one composite; more of them make several. */
export const mostTogether = 64;

/** One path of the device itself, asked for with nothing that a composite would say differently. */
export function isShareable(operation: Operation): boolean {
  if (operation.op !== 'observe') return false;
  const { path, accept, attributes } = operation;
  return path.kind !== 'root' && path.prefix === undefined && accept === undefined && attributes === undefined;
}

/**
 * What a notification of all says of one path. A composite leaves out what is not there: of an object that is nothing, of anything
 * below it that it has gone. With a time each value is news.
 */
export function newsFor(
  part: { readonly path: Path; readonly told: readonly Entry[] },
  result: ContentResult,
): { readonly share: ContentResult; readonly isNews: boolean; readonly isGone: boolean } {
  const { path, told } = part;
  const entries = result.entries.filter((entry) => contains(path, entry.path));
  const isSame =
    entries.length === told.length &&
    entries.every((entry, i) => {
      const before = told[i];
      return before !== undefined && entry.time === undefined && equalEntries(entry, before);
    });
  return {
    share: { ...result, entries },
    isNews: !isSame,
    isGone: entries.length === 0 && path.kind !== 'object',
  };
}
