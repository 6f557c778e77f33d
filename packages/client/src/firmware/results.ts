// What a failure is called in object 5 (Core 1.2.1 Appendix E.6, resource 5). Pure.
import { PackageError, type PackageProblem } from '../download/errors.ts';
import { UpdateResult } from './machine.ts';

const results: Readonly<Record<PackageProblem, UpdateResult>> = {
  'no-storage': UpdateResult.NoStorage,
  'no-memory': UpdateResult.NoMemory,
  'connection-lost': UpdateResult.ConnectionLost,
  integrity: UpdateResult.IntegrityFailure,
  'unsupported-type': UpdateResult.UnsupportedPackage,
  'invalid-uri': UpdateResult.InvalidUri,
  'unsupported-protocol': UpdateResult.UnsupportedProtocol,
  failed: UpdateResult.UpdateFailed,
};

/** Of a package that did not come: whatever has no name of its own is a lost connection. */
export function resultOf(error: unknown): UpdateResult {
  return error instanceof PackageError ? results[error.problem] : UpdateResult.ConnectionLost;
}
