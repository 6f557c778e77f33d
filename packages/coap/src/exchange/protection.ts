// What may stand between requests and messages and change both: OSCORE, and nothing of it is known here.
import type { Peer } from '@lapwing/kernel';
import type { BlockOut } from '../layers/block-out.ts';
import type { Token } from '../message/message.ts';
import type { Listener } from './observation.ts';
import type { Layer, Service } from './service.ts';

/** What protection needs of the endpoint in which it asks. */
export interface AskingGround {
  /** Fetches the later blocks of notifications, which only those who can read them see. */
  readonly blocks: Pick<BlockOut, 'notified'>;
  freshToken(): Token;
  /** Of the transport's peers. */
  expect(peer: Peer, token: Token, listener: Listener): void;
  forget(peer: Peer, token: Token): void;
  /** Hears what a listener threw. */
  failed(error: unknown): void;
}

export interface Protection {
  /** The service that asks, below blocks: `inner` takes messages for peers of the transport. */
  asking(inner: Service, ground: AskingGround): Service;
  /** Outermost of what is served: lets through what is not protected as it came. */
  readonly serving: Layer;
}
