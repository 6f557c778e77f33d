// Where a device keeps what must outlive its process: named records of bytes, each put whole or not at all.

/**
 * Synchronous, since what rests on a record may go out in the same turn: record numbers of DTLS, the answer to an Observe. Names are
 * the engine's, of letters, digits, `-`, `_` and `/`, up to 200 characters; no peer chooses them.
 */
export interface StateStore {
  /** Every record, at the start; undefined for one that is damaged. Throws where nothing can be read. */
  load(): ReadonlyMap<string, Uint8Array | undefined>;
  /** On disk when it returns, also when the power fails; what was there before is there until then. Throws when it cannot be. */
  put(name: string, record: Uint8Array): void;
  /** Nothing happens where there is none. */
  delete(name: string): void;
}

/** For tests, and for a client that is to be stopped and started within one process. */
export class MemoryStateStore implements StateStore {
  private readonly records = new Map<string, Uint8Array>();

  load(): ReadonlyMap<string, Uint8Array> {
    return new Map(this.records);
  }

  put(name: string, record: Uint8Array): void {
    this.records.set(name, record.slice());
  }

  delete(name: string): void {
    this.records.delete(name);
  }
}
