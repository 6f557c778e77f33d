// An observation on the asking side, and what is said of each of its notifications. A fleet has as many of them as devices:
// each is a few references and numbers, and the request that began it is kept once for all.
import type { Instant, Peer } from '@lapwing/kernel';
import type { Request, Response, Token } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import type { Tokened } from './token-table.ts';
import { type TokenKey, tokenOfKey } from './tokens.ts';

/** Hears the notifications of observations. */
export interface Listener {
  (response: Response, observed: Observed): void;
  /**
   * Whether nobody but whoever was asked can have made that response, just now and wherever he is: the observation follows him
   * there. Without it notifications come from where the request went (RFC 7252 §5.3.2).
   */
  readonly knows?: (response: Response) => boolean;
  /** Whether that response may have been made for the request of this observation. Without it only the token tells. */
  readonly owns?: (response: Response) => boolean;
}

/** What somebody has to say who observes. */
export interface Observing {
  readonly listener: Listener;
  /** Comes back with every notification, so that one listener can serve many observations. */
  readonly tag: unknown;
  /** What began it; undefined when that is not known. */
  readonly request: Request | undefined;
}

/** What a notification belongs to. */
export interface Observed {
  readonly peer: Peer;
  readonly token: Token;
  /** Value of the Observe option (RFC 7641 §3.4); undefined on the last one. */
  readonly sequence: number | undefined;
  readonly at: Instant;
  /** As it was given with the request. */
  readonly tag: unknown;
}

/** Looks up what is asked of it: most listeners want little. */
export class Notice implements Observed {
  /** Value of the Observe option (RFC 7641 §3.4); undefined on the last one. */
  readonly sequence: number | undefined;
  readonly at: Instant;
  private readonly observation: Observation;

  constructor(observation: Observation, sequence: number | undefined, at: Instant) {
    this.observation = observation;
    this.sequence = sequence;
    this.at = at;
  }

  get peer(): Peer {
    return this.observation.peer;
  }

  get token(): Token {
    return tokenOfKey(this.observation.token);
  }

  get tag(): unknown {
    return this.observation.tag;
  }
}

/** Distinct requests that are kept once; beyond it they are kept anew. */
const MOST_SHARED = 256;

/** What lives on between notifications. */
export class Observation implements Tokened<Observation> {
  /** Changed by whoever has it in a table, and while it is in none. */
  peer: Peer;
  readonly token: TokenKey;
  readonly listener: Listener;
  readonly tag: unknown;
  /** The request, packed; empty when it is not known. */
  private packed: string;
  /** Of the newest notification so far (RFC 7641 §3.4); -1 before the first. */
  sequence = -1;
  /** When that came, in whole ms. */
  freshAt: Instant = 0;
  nextInBucket: Observation | undefined = undefined;

  constructor(peer: Peer, token: TokenKey, { listener, tag, request }: Observing) {
    this.peer = peer;
    this.token = token;
    this.listener = listener;
    this.tag = tag;
    this.packed = request === undefined ? '' : pack(request);
  }

  /** A fleet is observed with the same few requests: each is kept once. */
  share(pool: Map<string, string>): this {
    const known = pool.get(this.packed);
    if (known !== undefined) this.packed = known;
    else {
      if (pool.size >= MOST_SHARED) pool.clear();
      pool.set(this.packed, this.packed);
    }
    return this;
  }

  /** The request that began it, if it is known. */
  get request(): Request | undefined {
    return this.packed === '' ? undefined : unpack(this.packed);
  }
}

// A request as a string of one character for each byte: a fifth of what its objects take.

function pack(request: Request): string {
  const options = request.options.encoded;
  const bytes = Buffer.allocUnsafe(3 + options.length + request.payload.length);
  bytes[0] = request.code;
  bytes.writeUInt16BE(options.length, 1);
  bytes.set(options, 3);
  bytes.set(request.payload, 3 + options.length);
  return bytes.toString('latin1');
}

function unpack(packed: string): Request {
  const end = 3 + packed.charCodeAt(1) * 256 + packed.charCodeAt(2);
  const options = tokenOfKey(packed.slice(3, end));
  return {
    code: packed.charCodeAt(0),
    options: OptionSet.view(options, 0, options.length),
    payload: tokenOfKey(packed.slice(end)),
  };
}
