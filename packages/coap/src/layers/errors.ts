// The one place where what a service throws becomes a response. What goes on the wire is what the service put
// there on purpose: no stack, no message of an error, no diagnostic text of ours unless it is asked for.
import { encodeUtf8, FormatError, isStackError, noBytes } from '@lapwing/kernel';
import { ResponseError } from '../errors.ts';
import type { Context, Layer } from '../exchange/service.ts';
import { Code } from '../message/code.ts';
import { makeResponse, type Request, type Response } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';

export interface ErrorsOptions {
  /** Who is told what was wrong with the format of a request (RFC 7252 §5.5.2); default nobody. */
  readonly diagnostics?: 'nobody' | 'authenticated';
  /** Hears what a service did not mean to throw; it became 5.00. */
  readonly unexpected?: (error: unknown, request: Request, context: Context) => void;
}

/** Longest diagnostic payload, in characters. */
const LONGEST_DIAGNOSTIC = 64;

/** ResponseError becomes its response, FormatError 4.00, everything else 5.00. */
export function errors(options: ErrorsOptions = {}): Layer {
  const { diagnostics = 'nobody', unexpected } = options;
  const answer = (error: unknown, request: Request, context: Context): Response => {
    if (isResponseError(error)) return error.toResponse();
    if (isFormatError(error)) {
      const told = diagnostics === 'authenticated' && context.peer.identity.kind !== 'none';
      const text = told ? encodeUtf8(error.message.slice(0, LONGEST_DIAGNOSTIC)) : noBytes;
      return makeResponse(Code.BadRequest, OptionSet.empty, text);
    }
    unexpected?.(error, request, context);
    return makeResponse(Code.InternalServerError);
  };
  return (inner) => async (request, context) => {
    try {
      return await inner(request, context);
    } catch (error) {
      return answer(error, request, context);
    }
  };
}

/** By code, so that errors of another copy of a package count too. */
function isResponseError(error: unknown): error is ResponseError {
  return error instanceof ResponseError || (isStackError(error) && error.code === 'COAP_RESPONSE');
}

function isFormatError(error: unknown): error is FormatError {
  return error instanceof FormatError || (isStackError(error) && error.code === 'FORMAT');
}
