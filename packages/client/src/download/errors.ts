// Why a package did not come, or is not what it should be; each becomes a result of object 5 or 9.
import { StackError } from '@lapwing/kernel';

export type PackageProblem =
  /** It does not fit into the room that there is for it. */
  | 'no-storage'
  | 'no-memory'
  /** The road to where it comes from is gone, and stayed gone. */
  | 'connection-lost'
  /** Its content is not what it has to be. */
  | 'integrity'
  /** It is for another device, or nothing that can be installed here. */
  | 'unsupported-type'
  /** Nothing is there, it cannot be asked for, or the device may not go there. */
  | 'invalid-uri'
  | 'unsupported-protocol'
  /** It was there and could not be put in place. */
  | 'failed';

/** A package came to nothing. Whoever verifies or installs one throws it to say why; the message is for the operator. */
export class PackageError extends StackError {
  readonly code = 'LWM2M_PACKAGE';
  readonly problem: PackageProblem;

  constructor(problem: PackageProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}
