// Failures that only a server has.
import { StackError } from '@lapwing/kernel';

/** The device is not registered now, or its registration ended while the command waited. */
export class NotRegisteredError extends StackError {
  readonly code = 'LWM2M_NOT_REGISTERED';
}
