// Failures of an exchange, and the one error that is a response in both directions.
import { type Address, encodeUtf8, formatAddress, LimitError, noBytes, StackError } from '@lapwing/kernel';
import { Code, describeCode } from './message/code.ts';
import { makeResponse, type Response } from './message/message.ts';
import { OptionSet } from './message/option-set.ts';

/** The peer answered with a reset: it has no context for the message (RFC 7252 §4.2). */
export class ResetError extends StackError {
  readonly code = 'COAP_RESET';
}

/** A block-wise transfer broke off: blocks that do not fit together, or a body that changed on its way (RFC 7959 §2). */
export class BlockError extends StackError {
  readonly code = 'COAP_BLOCK';
}

/** The body of a response is longer than the limit for bodies that are put together here. */
export class BodyLimitError extends LimitError {}

/** One address of a host, and why nothing came of it. */
export interface Attempt {
  readonly address: Address;
  readonly error: Error;
}

/** A host whose name stands for nothing, or none of whose addresses could be reached. */
export class UnreachableError extends StackError {
  readonly code = 'COAP_UNREACHABLE';
  readonly host: string;
  /** In the order in which they were tried; none where the name could not be looked up. */
  readonly tried: readonly Attempt[];

  constructor(host: string, tried: readonly Attempt[], message = describeAttempts(host, tried)) {
    super(message, { cause: tried[0]?.error });
    this.host = host;
    this.tried = tried;
  }
}

function describeAttempts(host: string, tried: readonly Attempt[]): string {
  const each = tried.map(({ address, error }) => `${formatAddress(address)} (${error.message})`);
  return `none of the ${tried.length} addresses of ${host} could be reached: ${each.join(', ')}`;
}

export interface ResponseErrorOptions {
  readonly options?: OptionSet;
  readonly payload?: Uint8Array;
  readonly cause?: unknown;
}

/** A 4.xx or 5.xx: thrown by a service it becomes the response, received by a caller it is thrown. */
export class ResponseError extends StackError {
  readonly code = 'COAP_RESPONSE';
  readonly status: Code;
  readonly options: OptionSet;
  readonly payload: Uint8Array;

  /** `reason` is for people; it goes on the wire only when it is given as `payload` too. */
  constructor(status: Code, reason?: string, options: ResponseErrorOptions = {}) {
    super(reason === undefined ? describeCode(status) : `${describeCode(status)}: ${reason}`, { cause: options.cause });
    this.status = status;
    this.options = options.options ?? OptionSet.empty;
    this.payload = options.payload ?? noBytes;
  }

  /** With `reason` as diagnostic payload (RFC 7252 §5.5.2). */
  static diagnostic(status: Code, reason: string): ResponseError {
    return new ResponseError(status, reason, { payload: encodeUtf8(reason) });
  }

  static badRequest(reason: string): ResponseError {
    return ResponseError.diagnostic(Code.BadRequest, reason);
  }

  toResponse(): Response {
    return makeResponse(this.status, this.options, this.payload);
  }
}
