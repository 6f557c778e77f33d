// What can be wrong with a protected exchange on the side that asks.
import { StackError } from '@lapwing/kernel';
import type { Code } from '../message/code.ts';

/**
 * `unprotected`: the answer came in the open, and says in `status` what the peer, or somebody who claims to be, made of
 * the request. `unverified`: what came was not made by the peer for this request. `exhausted`: the keys have been used
 * as often as they may. `no-context`: there is none for this peer.
 */
export type OscoreProblem = 'unprotected' | 'unverified' | 'exhausted' | 'no-context';

/** A protected exchange came to nothing (RFC 8613 §7.2.1, §8.4). */
export class OscoreError extends StackError {
  readonly code = 'COAP_OSCORE';
  readonly problem: OscoreProblem;
  /** Of an answer in the open: not proved by anything. */
  readonly status: Code | undefined;

  constructor(problem: OscoreProblem, message: string, status?: Code) {
    super(message);
    this.problem = problem;
    this.status = status;
  }
}
