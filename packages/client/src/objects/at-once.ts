// What has to be done when a function returns: a promise that nobody waits for would let through what it refuses later.

/** Throws TypeError for a promise; what becomes of it is of no account any more. */
export function refusePromise(outcome: unknown, what: string): void {
  if (!(outcome instanceof Promise)) return;
  outcome.catch(() => undefined);
  throw new TypeError(`a promise comes from ${what}`);
}
