// Observing when we answer (RFC 7641 §4): numbers what is sent, first response and notifications, and makes sure
// that Observe stands only where a relation is. Which relations there are, how often they confirm and what
// supersedes what is known further down, where tokens and retransmissions are (exchange/relations.ts). In a connection the
// numbers may be left out and must be ignored (RFC 8323 §7.1); they stay, for those who do not ignore them, such as aiocoap.
import { FIRST_SEQUENCE } from '../exchange/relations.ts';
import { extendContext, type Layer, type Notify } from '../exchange/service.ts';
import { Code, isSuccess } from '../message/code.ts';
import type { Request, Response } from '../message/message.ts';
import { Option } from '../message/options.ts';

/** Wraps round at 24 bits (RFC 7641 §4.4). */
function following(sequence: number): number {
  return (sequence + 1) & 0xff_ffff;
}

/** Observe 0 on a request that can be observed at all (RFC 7641 §2, RFC 8132 §2.4). */
export function asksToObserve(request: Request): boolean {
  if (request.code !== Code.Get && request.code !== Code.Fetch) return false;
  const value = request.options.bytes(Option.Observe);
  return value?.every((byte) => byte === 0) ?? false;
}

export const observeIn: Layer = (inner) => async (request, context) => {
  const { notify } = context;
  if (notify === undefined || !asksToObserve(request)) return unobserved(await inner(request, context));
  const first = context.sequence ?? FIRST_SEQUENCE;
  let sequence = first;
  const numbered: Notify = (response, options) => {
    // An error is the last notification, and says so by having no number (RFC 7641 §4.2).
    if (!isSuccess(response.code)) return notify(unobserved(response), options);
    sequence = following(sequence);
    return notify(observed(response, sequence), options);
  };
  const response = await inner(request, extendContext(context, { notify: numbered }));
  const accepted = isSuccess(response.code) && response.options.has(Option.Observe);
  return accepted ? observed(response, first) : unobserved(response);
};

function observed(response: Response, sequence: number): Response {
  return { ...response, options: response.options.with(Option.Observe, sequence) };
}

function unobserved(response: Response): Response {
  return response.options.has(Option.Observe)
    ? { ...response, options: response.options.without(Option.Observe) }
    : response;
}
