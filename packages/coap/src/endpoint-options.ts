// What an endpoint is made with.
import type { Clock, Peer, Random, Transport } from '@lapwing/kernel';
import type { Protection } from './exchange/protection.ts';
import type { NotifyPolicy } from './exchange/relations.ts';
import type { Layer, Service } from './exchange/service.ts';
import type { BlockInOptions } from './layers/block-in.ts';
import type { BlockOutOptions } from './layers/block-out.ts';
import type { ContactLimits } from './reliability/contacts.ts';
import type { ParameterOptions } from './reliability/parameters.ts';

export interface EndpointOptions {
  readonly transport: Transport;
  readonly serve?: Service;
  /** Around `serve`, outermost first. */
  readonly layers?: readonly Layer[];
  readonly clock?: Clock;
  readonly random?: Random;
  /** Retransmission, back-off and how many exchanges at once (RFC 7252 §4.8). */
  readonly parameters?: ParameterOptions;
  /** When notifications are confirmable, and how many may observe. */
  readonly notifications?: Partial<NotifyPolicy>;
  /** What may be remembered of peers. */
  readonly limits?: Partial<ContactLimits>;
  /** Who may read the diagnostic payload of an error (RFC 7252 §5.5.2); default `authenticated`: nobody in NoSec. */
  readonly diagnostics?: 'authenticated' | 'everyone';
  /** Sizes and limits of transfers in blocks, both ways (RFC 7959). */
  readonly blocks?: BlockOptions;
  /** OSCORE (RFC 8613): `Oscore` of `@lapwing/coap/oscore`. Default none: requests that need it are refused. */
  readonly protection?: Protection;
  /** Hears that a peer is gone for good, on roads with connections: what it was asked has failed, what was observed is over. */
  readonly lost?: (peer: Peer, cause: Error) => void;
}

export type BlockOptions = Omit<BlockInOptions & BlockOutOptions, 'clock' | 'random' | 'mtu'>;
