// Failures that only a device has.
import { StackError } from '@lapwing/kernel';

/** Nothing was sent to the server (Core 1.2.1 §6.4.5); `problem` says why. */
export class SendError extends StackError {
  readonly code = 'LWM2M_SEND';
  readonly problem: 'muted' | 'not-registered' | 'unsupported' | 'forbidden' | 'nothing' | 'dropped';

  constructor(problem: SendError['problem'], message: string) {
    super(message);
    this.problem = problem;
  }
}

/** No end device was added; `problem` says what of it cannot be, or is somebody else's (Gateway 1.1.1 §6). */
export class EndDeviceError extends StackError {
  readonly code = 'LWM2M_END_DEVICE';
  readonly problem: 'id' | 'id-taken' | 'prefix' | 'prefix-taken' | 'objects' | 'instance' | 'full';

  constructor(problem: EndDeviceError['problem'], message: string) {
    super(message);
    this.problem = problem;
  }
}
