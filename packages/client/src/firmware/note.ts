// What of a firmware component outlives the process: one line of JSON beside the package. Pure; a note that makes no sense is none.
import type { FirmwareState, UpdateResult } from './machine.ts';

export interface FirmwareNote {
  readonly state: FirmwareState;
  readonly result: UpdateResult;
  /** Unix time in seconds of the last change of state. */
  readonly changedAt: number;
  /** Where the package comes from; absent for one that a server pushes. */
  readonly uri?: string;
  /** Bytes of it that are there for good. */
  readonly size: number;
  /** Which state of it these are. */
  readonly tag?: string;
  /** Of the whole package once it has been found sound, as hex. */
  readonly sha256?: string;
  readonly name?: string;
  readonly version?: string;
  /** The user waits with it until then: Unix time in ms. */
  readonly deferredUntil?: number;
  /** As servers have written them. */
  readonly terms?: { readonly severity: number; readonly maximumDeferPeriod: number; readonly automatic: boolean };
}

export const freshNote: FirmwareNote = { state: 0, result: 0, changedAt: 0, size: 0 };

export function parseNote(text: string | undefined): FirmwareNote {
  if (text === undefined) return freshNote;
  try {
    const note = JSON.parse(text) as Partial<FirmwareNote> | null;
    const isWhole = [note?.state, note?.result, note?.changedAt, note?.size].every((each) => Number.isInteger(each));
    return isWhole ? (note as FirmwareNote) : freshNote;
  } catch {
    return freshNote;
  }
}
