// What the DTLS transport of one link writes down, in memory: enough for the transport that takes its place.
import type { AssociationRecords } from './connect.ts';

/** Whether something is written down: an association from before. */
export const areThere = (records: AssociationRecords): boolean =>
  records.all()[Symbol.iterator]().next().done === false;

export class Associations implements AssociationRecords {
  private records: Map<string, Uint8Array> | undefined = undefined;

  all(): Iterable<readonly [key: string, record: Uint8Array]> {
    return this.records ?? [];
  }

  write(key: string, association: Uint8Array | undefined): void {
    if (association === undefined) this.records?.delete(key);
    else this.writeNow(key, association);
  }

  writeNow(key: string, record: Uint8Array): void {
    this.records ??= new Map();
    this.records.set(key, record);
  }
}
