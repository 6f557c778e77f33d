// How requests fail: what the exchanges report, as the errors that their callers catch.
import {
  ClosedError,
  type Duration,
  FormatError,
  formatAddress,
  LimitError,
  type Peer,
  TimeoutError,
} from '@lapwing/kernel';
import { ResetError } from '../errors.ts';
import { methodName } from '../message/code.ts';
import type { Request } from '../message/message.ts';
import { nameOption } from '../message/options.ts';

export type Failure =
  | { readonly kind: 'reset' }
  | { readonly kind: 'unacknowledged'; readonly waited: Duration }
  /** `wasSeen`: the peer had acknowledged it. */
  | { readonly kind: 'unanswered'; readonly waited: Duration; readonly wasSeen: boolean }
  | { readonly kind: 'busy' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'closed' }
  /** The response has a critical option that is not understood (RFC 7252 §5.4.1). */
  | { readonly kind: 'unacceptable'; readonly option: number };

/** For people: `GET /3/0 to 192.0.2.1:5683`. */
export function describeRequest(request: Request, peer: Peer): string {
  let path: string;
  try {
    path = `/${request.options.path.join('/')}`;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    path = '(no text)';
  }
  return `${methodName(request.code)} ${path} to ${formatAddress(peer.address)}`;
}

/** `what` was tried. */
export function failureError(cause: Failure, what: string): Error {
  switch (cause.kind) {
    case 'reset':
      return new ResetError(`${what}: reset by the peer`);
    case 'unacknowledged':
      return new TimeoutError(
        `${what}: no acknowledgement within ${Math.round(cause.waited)} ms`,
        cause.waited,
        'acknowledgement',
      );
    case 'unanswered':
      return new TimeoutError(
        `${what}: no response within ${Math.round(cause.waited)} ms`,
        cause.waited,
        cause.wasSeen ? 'response' : 'acknowledgement',
      );
    case 'busy':
      return new LimitError(`${what}: too many messages to this peer within the life of their ids`, 65_536);
    case 'lost':
      return new ClosedError(`${what}: the connection was lost`);
    case 'closed':
      return closedError();
    case 'unacceptable':
      return new FormatError(`${what}: the response depends on ${nameOption(cause.option)}, which is not understood`);
  }
}

export const closedError = (): ClosedError => new ClosedError('the endpoint is closed');
export const lostError = (peer: Peer): ClosedError =>
  new ClosedError(`the connection to ${formatAddress(peer.address)} was lost`);
