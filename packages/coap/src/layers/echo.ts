// Echo (RFC 9175 §2): an answer much larger than its question goes only to an address that has shown that it is
// there (§2.4, item 3). A peer that has not gets 4.01 with an Echo value, and the answer when it asks again with it. The
// value proves itself: a MAC over peer and time under a key of this process, so that nothing is kept for strangers.
import {
  type Clock,
  concatBytes,
  type Duration,
  ExpiringMap,
  encodeUtf8,
  equalInConstantTime,
  hmacSha256,
  minutes,
  type Peer,
  type Random,
  Reader,
  seconds,
  Writer,
} from '@lapwing/kernel';
import type { Layer } from '../exchange/service.ts';
import { blockSize } from '../message/block.ts';
import { Code } from '../message/code.ts';
import { makeResponse, type Request, type Response } from '../message/message.ts';
import { OptionSet } from '../message/option-set.ts';
import { Option } from '../message/options.ts';

export interface EchoGuardOptions {
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Which requests are guarded; default GET and FETCH. The service has run by the time its answer is withheld and runs
   * again for the request that brings the value, so that nothing with an effect may be guarded.
   */
  readonly guards?: (request: Request) => boolean;
  /** How long a value is good for, in ms; default 60 s. */
  readonly lifetime?: Duration;
  /** How long a peer that has proved itself is believed, in ms, counted from its last proof; default 5 min. */
  readonly remember?: Duration;
  /** Peers that are remembered; default 10,000. */
  readonly peers?: number;
}

/** RFC 9175 §2.4: whole frames are compared, headers of the layers below included. */
const FRAME_HEADERS = 62;
const AMPLIFICATION = 3;
const MESSAGE_HEADER = 4;
const MAC_LENGTH = 8;
const TIME_LENGTH = 6;

export class EchoGuard {
  private readonly clock: Clock;
  private readonly key: Uint8Array;
  private readonly guards: (request: Request) => boolean;
  private readonly lifetime: Duration;
  private readonly proven: ExpiringMap<string, true>;
  private readonly tally = { challenged: 0, refused: 0 };

  constructor(options: EchoGuardOptions) {
    this.clock = options.clock;
    this.key = options.random.bytes(32);
    this.guards = options.guards ?? ((request) => request.code === Code.Get || request.code === Code.Fetch);
    this.lifetime = options.lifetime ?? seconds(60);
    this.proven = new ExpiringMap(options.remember ?? minutes(5), options.peers ?? 10_000);
  }

  /** Answers withheld for want of a proof; values that were none. */
  stats(): { readonly challenged: number; readonly refused: number; readonly proven: number } {
    return { ...this.tally, proven: this.proven.size };
  }

  /** The peer is at its address: it acknowledged or answered something that only it could have seen. */
  proved(peer: Peer): void {
    const now = this.clock.now();
    this.proven.takeDue(now);
    this.proven.set(peer.key, true, now);
  }

  hasProved(peer: Peer): boolean {
    return peer.identity.kind !== 'none' || this.proven.get(peer.key, this.clock.now()) === true;
  }

  /** Inside of the block-wise layer, so that a large answer is measured by its first block. */
  readonly layer: Layer = (inner) => async (request, context) => {
    const { peer } = context;
    const value = request.options.bytes(Option.Echo);
    if (value !== undefined && peer.identity.kind === 'none') {
      // RFC 9175 §2.3: whoever brings a value wants it checked; a wrong one is answered with a fresh one.
      if (!this.verifies(value, peer)) {
        this.tally.refused += 1;
        return this.challenge(peer);
      }
      this.proved(peer);
    }
    const response = await inner(request, context);
    if (!this.guards(request) || this.hasProved(peer) || isModest(request, response)) return response;
    this.tally.challenged += 1;
    return this.challenge(peer);
  };

  private challenge(peer: Peer): Response {
    const now = Math.floor(this.clock.now());
    const time = new Writer(TIME_LENGTH)
      .u24(Math.floor(now / 2 ** 24))
      .u24(now % 2 ** 24)
      .finish();
    return makeResponse(Code.Unauthorized, OptionSet.of([Option.Echo, concatBytes(time, this.mac(time, peer))]));
  }

  private verifies(value: Uint8Array, peer: Peer): boolean {
    if (value.length !== TIME_LENGTH + MAC_LENGTH) return false;
    const time = value.subarray(0, TIME_LENGTH);
    if (!equalInConstantTime(value.subarray(TIME_LENGTH), this.mac(time, peer))) return false;
    const reader = new Reader(time);
    const age = this.clock.now() - (reader.u24() * 2 ** 24 + reader.u24());
    return age <= this.lifetime;
  }

  private mac(time: Uint8Array, peer: Peer): Uint8Array {
    return hmacSha256(this.key, time, encodeUtf8(peer.key)).slice(0, MAC_LENGTH);
  }
}

/** At most three times the request, both as frames; the token is in both and counts in neither. */
function isModest(request: Request, response: Response): boolean {
  const asked = FRAME_HEADERS + MESSAGE_HEADER + request.options.length + payloadLength(request.payload.length);
  const first = response.body === undefined ? Math.min(response.payload.length, blockSize(6)) : blockSize(6);
  const answered = FRAME_HEADERS + MESSAGE_HEADER + response.options.length + payloadLength(first);
  return answered <= AMPLIFICATION * asked;
}

/** With its marker. */
function payloadLength(length: number): number {
  return length === 0 ? 0 : length + 1;
}

/** When we ask: a 4.01 with Echo is answered by the same request with that value, once (RFC 9175 §2.3). */
export const echoing: Layer = (inner) => (request, context) =>
  inner(request, context).then((response) => {
    const value = response.code === Code.Unauthorized ? response.options.bytes(Option.Echo) : undefined;
    if (value === undefined || request.options.has(Option.Echo)) return response;
    return inner({ ...request, options: request.options.with(Option.Echo, value) }, context);
  });
