// Deadlines and races on signals, on an injected clock.
import type { Clock, Duration } from './clock.ts';
import { TimeoutError, type TimeoutPhase } from './errors.ts';

/**
 * A signal that aborts with TimeoutError after `wait`, or with `outer`'s reason before. Dispose it when the work is done. `phase`: of the
 * request to a peer, where it is known.
 */
export function deadlineSignal(
  clock: Clock,
  wait: Duration,
  what: string,
  outer?: AbortSignal,
  phase?: TimeoutPhase,
): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const timer = clock.at(clock.now() + wait, () =>
    controller.abort(new TimeoutError(`${what}: no answer within ${wait} ms`, wait, phase)),
  );
  const relay = (): void => controller.abort(outer?.reason);
  if (outer?.aborted) relay();
  else outer?.addEventListener('abort', relay, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      timer[Symbol.dispose]();
      outer?.removeEventListener('abort', relay);
    },
  };
}

/** Settles as `work` does, or rejects with the signal's reason as soon as it aborts. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  if (signal.aborted) {
    work.catch(() => undefined);
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

/** Resolves at least `wait` later; rejects with the signal's reason when aborted. */
export function delay(clock: Clock, wait: Duration, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const aborted = (): void => {
      timer[Symbol.dispose]();
      reject(signal?.reason);
    };
    const timer = clock.at(clock.now() + wait, () => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    });
    signal?.addEventListener('abort', aborted, { once: true });
  });
}
