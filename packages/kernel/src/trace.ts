// Named diagnostics channels. Libraries publish facts on them and never log; applications subscribe.
import { type Channel, channel } from 'node:diagnostics_channel';

export type TraceName =
  | 'core:step'
  | 'coap:message'
  | 'coap:drop'
  | 'dtls:alert'
  | 'dtls:handshake'
  | 'tls:handshake'
  | 'lwm2m:registration'
  | 'lwm2m:observation';

/** The channel of that name; check `hasSubscribers` before building what is published. */
export function trace(name: TraceName): Channel {
  return channel(`lapwing:${name}`);
}
