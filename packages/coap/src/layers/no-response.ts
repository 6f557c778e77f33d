// RFC 7967: a client may say which classes of response it does not want. What it does not want is not sent, and a
// confirmable request is acknowledged with an empty message.
import type { Layer } from '../exchange/service.ts';
import { Code, codeClass } from '../message/code.ts';
import { makeResponse, type Request, type Response } from '../message/message.ts';
import { Option } from '../message/options.ts';

const nothing: Response = makeResponse(Code.Empty);

/** RFC 7967 §2: one bit for each class, 2 for 2.xx, 8 for 4.xx, 16 for 5.xx; an option of no bytes wants everything. */
function isUnwanted(request: Request, response: Response): boolean {
  const value = request.options.bytes(Option.NoResponse);
  if (value === undefined || value.length !== 1 || response.code === Code.Continue) return false;
  return ((value[0] as number) & (1 << (codeClass(response.code) - 1))) !== 0;
}

export const noResponse: Layer = (inner) => (request, context) =>
  request.options.has(Option.NoResponse)
    ? inner(request, context).then((response) => (isUnwanted(request, response) ? nothing : response))
    : inner(request, context);
