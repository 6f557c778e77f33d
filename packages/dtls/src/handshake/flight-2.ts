// Flight 2, server to client: HelloVerifyRequest (RFC 6347 §4.2.1), read by the client. A server writes it without keeping
// anything, so its side is not here: connections.ts, cookie.ts.
import { HandshakeError } from '../errors.ts';
import { decodeHelloVerifyRequest } from '../messages/hello-verify-request.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { Heard } from './exchange.ts';

/** A cookie may be out of date by the time it comes back; no server needs more tries than this. */
const MOST_VERIFICATIONS = 4;

/** The cookie to say hello again with. */
export function readHelloVerifyRequest(exchange: ClientExchange, { body }: Heard): Uint8Array {
  const { cookie } = decodeHelloVerifyRequest(body);
  exchange.verifications += 1;
  if (exchange.verifications > MOST_VERIFICATIONS)
    throw new HandshakeError('protocol', 'the server asks for a cookie again and again, and takes none that it gave');
  return cookie;
}
