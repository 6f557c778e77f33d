// What of a piece of software outlives the process: one line of JSON beside the package. Pure; a note that makes no sense is none.
import type { PackageLogin } from '../download/source.ts';
import type { PackageLabel } from '../download/stored-package.ts';
import type { SoftwareStatus } from './machine.ts';

export interface SoftwareNote extends SoftwareStatus {
  /** Where the package comes from; absent for one that a server pushes. */
  readonly uri?: string;
  /** As whom it is fetched. */
  readonly login?: PackageLogin;
  /** Bytes of it that are there for good. */
  readonly size: number;
  /** Which state of it these are. */
  readonly tag?: string;
  /** Of the package once it is there whole, as hex. */
  readonly sha256?: string;
  /** Of the package that is coming or there. */
  readonly label?: PackageLabel;
  /** What is installed, also while its successor comes. */
  readonly installed?: PackageLabel;
  /** Begun, and not known to be over. */
  readonly busy?: 'install' | 'uninstall' | 'activate' | 'deactivate';
  /** Why the last of it came to nothing. */
  readonly reason?: string;
}

export const freshNote: SoftwareNote = { state: 0, result: 0, isActive: false, size: 0 };

export function parseNote(text: string | undefined): SoftwareNote {
  if (text === undefined) return freshNote;
  try {
    const note = JSON.parse(text) as Partial<SoftwareNote> | null;
    const isWhole = [note?.state, note?.result, note?.size].every((each) => Number.isInteger(each));
    return isWhole && typeof note?.isActive === 'boolean' ? (note as SoftwareNote) : freshNote;
  } catch {
    return freshNote;
  }
}
