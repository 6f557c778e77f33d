// A store of DTLS associations for tests.
import type { AssociationStore, KeptAssociation, PassedOver } from '@lapwing/server';

/** What a database would hold. */
export class KeptAssociations implements AssociationStore {
  readonly records = new Map<string, Uint8Array>();
  readonly credentials = new Map<string, string>();
  readonly told: PassedOver[] = [];

  /** Keys of associations: the transport keeps the time beside them. */
  get peers(): readonly string[] {
    return [...this.records.keys()].filter((key) => key !== 'time');
  }

  read(): Iterable<KeptAssociation> {
    return [...this.records].map(([key, bytes]) => ({ key, bytes, credential: this.credentials.get(key) }));
  }

  proved(key: string, credential: string): void {
    this.credentials.set(key, credential);
  }

  passedOver(what: PassedOver): void {
    this.told.push(what);
  }

  write(key: string, association: Uint8Array | undefined): void {
    if (association === undefined) this.records.delete(key);
    else this.records.set(key, new Uint8Array(association));
  }

  writeNow(key: string, record: Uint8Array): void {
    this.write(key, record);
  }
}
