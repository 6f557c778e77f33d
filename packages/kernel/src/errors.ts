// The error root of every package and the classes that all of them share.
// Errors are sorted by who must act: FormatError (the peer), ConfigError (the operator),
// TimeoutError (nobody answered); packages add their own beside their protocol.

const brand = Symbol.for('lapwing.error');

/** Root of every error that Lapwing throws on purpose. `code` is stable and documented in docs/reference/errors.md. */
export abstract class StackError extends Error {
  abstract readonly code: string;
  readonly [brand] = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** True also for errors of another copy of the kernel. */
export function isStackError(value: unknown): value is StackError {
  return value instanceof Error && (value as { [brand]?: unknown })[brand] === true;
}

/** Bytes or text that no codec accepts. `offset` counts bytes (of text: UTF-16 units) from the start, -1 when there is no position. */
export class FormatError extends StackError {
  readonly code = 'FORMAT';
  readonly offset: number;

  constructor(message: string, offset = -1) {
    super(offset < 0 ? message : `${message} (at ${offset})`);
    this.offset = offset;
  }
}

/** What a request was waiting for: its turn, the peer to wake up, any sign that it has it, the answer to what it acknowledged. */
export type TimeoutPhase = 'queue' | 'sleep' | 'acknowledgement' | 'response';

/** Gave up waiting. The message says for what; `waited` is in ms. `phase` where it was a request to a peer. */
export class TimeoutError extends StackError {
  readonly code = 'TIMEOUT';
  readonly waited: number;
  readonly phase: TimeoutPhase | undefined;

  constructor(message: string, waited: number, phase?: TimeoutPhase) {
    super(message);
    this.waited = waited;
    this.phase = phase;
  }
}

/** An operation on something that was closed, or that was closed while it ran. */
export class ClosedError extends StackError {
  readonly code = 'CLOSED';
}

/** Refused here to keep a limit: too many, too large, too fast. `limit` is the number that was kept. */
export class LimitError extends StackError {
  readonly code = 'LIMIT';
  readonly limit: number;

  constructor(message: string, limit: number) {
    super(message);
    this.limit = limit;
  }
}

/** Every problem of a configuration at once, each with its path. */
export class ConfigError extends StackError {
  readonly code = 'CONFIG';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      problems.length === 1
        ? `${problems[0]}`
        : `${problems.length} problems:\n${problems.map((p) => `  ${p}`).join('\n')}`,
    );
    this.problems = problems;
  }
}
