// What of an error is an alert that the other side of a handshake or a connection has sent: its number (RFC 5246 §7.2). Pure.
import { isStackError } from '@lapwing/kernel';

/** Causes behind an error that are looked at. */
const deepest = 4;

/** Undefined where there is none, and for one that this side has sent. */
export function alertIn(error: unknown): number | undefined {
  let at = error;
  for (let depth = 0; depth < deepest && at instanceof Error; depth += 1) {
    const alert = numberOf(at);
    if (alert !== undefined) return alert;
    at = at.cause;
  }
  return undefined;
}

function numberOf(error: Error): number | undefined {
  if (isStackError(error) && error.code === 'DTLS_ALERT') {
    const { direction, description } = error as { readonly direction?: unknown; readonly description?: unknown };
    return direction === 'received' && typeof description === 'number' ? description : undefined;
  }
  // As OpenSSL says it.
  const [, number] = /SSL alert number (\d{1,3})\b/.exec(error.message) ?? [];
  return number === undefined ? undefined : Number(number);
}
