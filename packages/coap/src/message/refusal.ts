// Requests that are refused whoever serves them: options that are not understood, methods that nobody has, proxies (RFC 7252 §5.4.1, §5.7, §5.8). Pure.
import { Code } from './code.ts';
import { Option } from './options.ts';
import type { ReceivedMessage } from './udp.ts';

/** The code with which a request is refused before anybody sees it. */
export function refusalOf(message: ReceivedMessage): Code | undefined {
  if (message.unacceptable !== 0) return Code.BadOption;
  if (message.code > Code.Ipatch) return Code.MethodNotAllowed;
  if (message.lastOption < Option.HopLimit) return undefined;
  const { options } = message;
  if (options.has(Option.ProxyUri) || options.has(Option.ProxyScheme)) return Code.ProxyingNotSupported;
  // RFC 8768 §3: a count of zero has no business on the wire.
  if (options.uint(Option.HopLimit) === 0) return Code.BadRequest;
  return undefined;
}
