// What makes two requests the same request: method and options, without those that only steer the transfer
// (RFC 7252 §5.4.2, §5.6, RFC 7641 §2, RFC 7959 §2, RFC 9175 §3). Request-Tag belongs to the key.
import type { Request } from '../message/message.ts';
import { Option } from '../message/options.ts';

const steering: ReadonlySet<number> = new Set([
  Option.Etag,
  Option.Observe,
  Option.HopLimit,
  Option.Block2,
  Option.Block1,
  Option.NoResponse,
]);

/** A text without structure, equal for equal keys; the payload is not part of it. */
export function cacheKey(request: Request): string {
  let key = String.fromCharCode(request.code);
  for (const [number, value] of request.options) {
    if ((number & 0x1e) === 0x1c || steering.has(number)) continue;
    key += String.fromCharCode(number, value.length);
    for (let i = 0; i < value.length; i += 1) key += String.fromCharCode(value[i] as number);
  }
  return key;
}
