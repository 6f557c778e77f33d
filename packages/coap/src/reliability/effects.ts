// What goes into the message layer and what comes out of it: the words that it shares with the layer that stands in
// its place on reliable transports.
import type { Duration, Peer } from '@lapwing/kernel';
import type { ReceivedMessage } from '../message/udp.ts';
import type { KeptContact } from './contacts.ts';
import type { Incoming } from './incoming.ts';
import type { Sender } from './transmission.ts';

/** Why a message went no further; each is a counter. */
export type DropReason =
  | 'unexpectedEmpty'
  | 'unexpectedAck'
  | 'unexpectedReset'
  | 'wrongToken'
  | 'duplicate'
  | 'reservedCode'
  | 'groupMisuse'
  | 'resetLimit'
  | 'leisureLimit'
  | 'unprovenAddress';

export type LayerInput =
  | { readonly kind: 'received'; readonly peer: Peer; readonly message: ReceivedMessage; readonly multicast: boolean }
  /** Bytes that are no message but have a header: confirmable ones are reset. */
  | { readonly kind: 'malformed'; readonly peer: Peer; readonly bytes: Uint8Array; readonly multicast: boolean }
  /** An encoded message; type and id are put in here. It supersedes a confirmable one that is open for the sender. */
  | {
      readonly kind: 'send';
      readonly peer: Peer;
      readonly bytes: Uint8Array;
      readonly sender: Sender;
      readonly confirmable: boolean;
    }
  /** The encoded response to a request; none acknowledges it and that is all. */
  | { readonly kind: 'respond'; readonly incoming: Incoming; readonly bytes: Uint8Array | undefined }
  /** An encoded refusal that every repetition earns anew: nothing is remembered. */
  | {
      readonly kind: 'refuse-request';
      readonly peer: Peer;
      readonly message: ReceivedMessage;
      readonly bytes: Uint8Array;
    }
  /** A response found somebody who waits for it, or nobody. */
  | { readonly kind: 'accept'; readonly incoming: Incoming }
  | { readonly kind: 'refuse'; readonly incoming: Incoming }
  /** The sender needs no acknowledgement any more. */
  | { readonly kind: 'cancel'; readonly sender: Sender }
  /** More is on its way to the peer than should be, or not any more. */
  | { readonly kind: 'flow'; readonly peer: Peer; readonly state: 'congested' | 'clear' }
  | { readonly kind: 'lost'; readonly peer: Peer }
  /** What was known of the peer before this endpoint was. */
  | { readonly kind: 'recall'; readonly peer: Peer; readonly kept: KeptContact };

export type LayerEffect =
  | { readonly kind: 'transmit'; readonly peer: Peer; readonly bytes: Uint8Array }
  /** A request of so many bytes was answered, or will not be: a stream may bring the next. */
  | { readonly kind: 'settled'; readonly peer: Peer; readonly bytes: number }
  | { readonly kind: 'request'; readonly incoming: Incoming; readonly message: ReceivedMessage }
  /** Waits for `accept` or `refuse`. */
  | { readonly kind: 'response'; readonly incoming: Incoming; readonly message: ReceivedMessage }
  /** A response that came on the acknowledgement. */
  | { readonly kind: 'piggybacked'; readonly sender: Sender; readonly message: ReceivedMessage }
  | { readonly kind: 'acknowledged'; readonly sender: Sender }
  | { readonly kind: 'reset'; readonly sender: Sender }
  | { readonly kind: 'gave-up'; readonly sender: Sender; readonly waited: Duration }
  /** Not sent: every id is resting, or too many messages wait for this peer. */
  | { readonly kind: 'busy'; readonly sender: Sender }
  | { readonly kind: 'sent-again'; readonly sender: Sender }
  | { readonly kind: 'forgotten'; readonly contacts: number }
  | { readonly kind: 'drop'; readonly reason: DropReason; readonly peer: Peer };
