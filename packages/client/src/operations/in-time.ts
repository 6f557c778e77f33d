// How long a server waits for the application: what takes longer may go on, and the server is told 5.03.
import { Code, ResponseError } from '@lapwing/coap';
import { type Clock, type Duration, deadlineSignal, untilAborted } from '@lapwing/kernel';

export interface Patience {
  readonly clock: Clock;
  /** Longest wait for what the application does, in ms. It may go on afterwards; the server is told 5.03. */
  readonly actionTimeout: Duration;
}

/** Settles as `work` does, or rejects with ResponseError 5.03 when it has not ended in time. */
export async function inTime<T>(work: Promise<T>, what: string, { clock, actionTimeout }: Patience): Promise<T> {
  using deadline = deadlineSignal(clock, actionTimeout, what);
  try {
    return await untilAborted(work, deadline.signal);
  } catch (cause) {
    if (!deadline.signal.aborted) throw cause;
    throw new ResponseError(Code.ServiceUnavailable, `the ${what} has not ended in time`, { cause });
  }
}
