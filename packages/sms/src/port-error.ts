// Why a port to a modem could not be opened, in words that name the port and what to look at: those of the system name neither.
import { StackError } from '@lapwing/kernel';

/** There is no such port, or it cannot be opened. The modem behind it was not spoken to. */
export class PortError extends StackError {
  readonly code = 'SMS_PORT';
}

/** What the system says, by code or by words, and what is to be seen to. */
const advice: readonly (readonly [RegExp, string])[] = [
  [
    /ENOENT|no such file|file not found/i,
    'there is nothing by that name: is the modem plugged in, and the path right?',
  ],
  [/EACCES|permission denied|access denied/i, 'this user may not open it: groups such as dialout may'],
  [/EBUSY|lock|resource busy|temporarily unavailable/i, 'somebody else has it open, such as ModemManager'],
  [/inappropriate ioctl|not a (?:tty|typewriter)|ENOTTY/i, 'it is no serial port'],
  [/ECONNREFUSED/, 'nobody listens there'],
  [/ENOTFOUND|EAI_AGAIN/, 'there is no such host'],
  [/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/, 'the host does not answer'],
];

/** `port` is a path, or host and port. */
export function portError(port: string, cause: unknown): PortError {
  const { message, code = '' } = cause instanceof Error ? (cause as NodeJS.ErrnoException) : { message: String(cause) };
  const [, words] = advice.find(([says]) => says.test(`${code} ${message}`)) ?? [];
  return new PortError(`${port} cannot be opened: ${words ?? message}${words === undefined ? '' : ` (${message})`}`, {
    cause,
  });
}
