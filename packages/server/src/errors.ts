// Errors that only a server has.
import { StackError } from '@lapwing/kernel';

/** The device is not registered now, or its registration ended while the command waited. */
export class NotRegisteredError extends StackError {
  readonly code = 'LWM2M_NOT_REGISTERED';
}

/** The version of LwM2M that the device registered with has no such operation: it was not asked. */
export class UnsupportedError extends StackError {
  readonly code = 'LWM2M_UNSUPPORTED';
}

/** What was thrown, as an error. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
