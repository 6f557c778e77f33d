// The errors of DTLS: an alert that ended a connection, or a handshake that came to nothing. Both say what went
// wrong and what a person can do about it, for DTLS set-up is where users of every stack fail first.
import { StackError } from '@lapwing/kernel';
import { type Alert, adviseOnAlert, describeAlert } from './alert.ts';

/** A fatal alert, sent by this side or received from the peer. */
export class AlertError extends StackError {
  readonly code = 'DTLS_ALERT';
  /** 1 warning, 2 fatal. */
  readonly level: number;
  /** As in `AlertDescription`; a peer may send any byte. */
  readonly description: number;
  readonly direction: 'sent' | 'received';
  /** What it means and what mends it, in words for a person. */
  readonly reason: string;

  /** `reason`: what this side knows better than the general advice for the alert. */
  constructor(alert: Alert, direction: 'sent' | 'received', reason: string = adviseOnAlert(alert.description)) {
    const what = direction === 'sent' ? 'refused the peer' : 'the peer refused';
    super(`${what} (${describeAlert(alert.description)}): ${reason}`);
    this.level = alert.level;
    this.description = alert.description;
    this.direction = direction;
    this.reason = reason;
  }
}

/**
 * Why a handshake came to nothing without an alert:
 * `timeout` nobody answered any more, `credentials` this side has nothing to prove itself with,
 * `limit` too many at once here, `closed` given up by the caller, `protocol` the peer's answers make no sense.
 */
export type HandshakeProblem = 'timeout' | 'credentials' | 'limit' | 'closed' | 'protocol';

/** A handshake that did not complete, and no alert says why; the message names cause and mend. */
export class HandshakeError extends StackError {
  readonly code = 'DTLS_HANDSHAKE';
  readonly problem: HandshakeProblem;

  constructor(problem: HandshakeProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}
