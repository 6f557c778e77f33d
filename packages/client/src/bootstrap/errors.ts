// Failures of a bootstrap.
import { StackError } from '@lapwing/kernel';
import type { BootstrapFailure } from './machine.ts';

export class BootstrapError extends StackError {
  readonly code = 'LWM2M_BOOTSTRAP';
  readonly failure: BootstrapFailure;
  /** What was wrong with the configuration at Bootstrap-Finish. */
  readonly problems: readonly string[];

  constructor(failure: BootstrapFailure, problems: readonly string[] = []) {
    super(problems.length === 0 ? `the bootstrap failed: ${failure}` : problems.join('; '));
    this.failure = failure;
    this.problems = problems;
  }
}
