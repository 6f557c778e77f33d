// Failures that only a device has.
import { StackError } from '@lapwing/kernel';

/** Nothing was sent to the server (Core 1.2.1 §6.4.5); `problem` says why. */
export class SendError extends StackError {
  readonly code = 'LWM2M_SEND';
  readonly problem: 'muted' | 'not-registered' | 'unsupported' | 'forbidden' | 'nothing';

  constructor(problem: SendError['problem'], message: string) {
    super(message);
    this.problem = problem;
  }
}
