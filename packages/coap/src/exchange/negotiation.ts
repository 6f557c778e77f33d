// Which format a request wants (RFC 7252 §5.10.4): for services that know some.
import { ResponseError } from '../errors.ts';
import { Code } from '../message/code.ts';
import type { Request } from '../message/message.ts';

/** The one that Accept names, without Accept the first offered. Throws ResponseError 4.06. */
export function chooseFormat(request: Request, offered: readonly [number, ...(readonly number[])]): number {
  const { accept } = request.options;
  if (accept === undefined) return offered[0];
  if (!offered.includes(accept)) throw new ResponseError(Code.NotAcceptable);
  return accept;
}
