// Puts fragments together and gives whole messages in the order of their numbers (RFC 6347 §4.2.2, §4.2.3).
// What it may hold is decided here and never by the peer: one message being filled, and a few further ones that
// together are no longer than the longest message may be.
import { equalBytes } from '@lapwing/kernel';
import type { Fragment, HandshakeMessage } from '../messages/handshake.ts';

export interface ReassemblyLimits {
  /** Longest message, in bytes without its header; 8,192 by default. */
  readonly messageSize: number;
  /** A message whose number is this far ahead of the awaited one, or farther, is dropped; 4 by default. */
  readonly reach: number;
}

export const defaultReassemblyLimits: ReassemblyLimits = { messageSize: 8192, reach: 4 };

/**
 * What became of a fragment; only 'message' and 'partial' changed anything.
 * - 'message': it was the last that a message needed; `take` has it, unless an earlier one is missing still.
 * - 'partial': kept.
 * - 'known': nothing in it is new.
 * - 'past': of a message that was complete before: the other side may have missed our answer.
 * - 'ahead': too far ahead, or no room for it yet: a retransmission will bring it.
 * - 'too-large': its message is longer than we take.
 * - 'conflict': says otherwise than a fragment before it about type, length, epoch or content, or does not fit into its
 *   own message. One of the two is a lie; who wants to give up may, who goes on has lost nothing.
 */
export type Reassembled = 'message' | 'partial' | 'known' | 'past' | 'ahead' | 'too-large' | 'conflict';

/** A message, and under which keys it came: a message is never made of two epochs. */
export interface ReassembledMessage extends HandshakeMessage {
  readonly epoch: number;
}

interface Partial {
  readonly type: number;
  readonly epoch: number;
  readonly body: Uint8Array;
  readonly covered: Coverage;
}

export class Reassembly {
  private readonly limits: ReassemblyLimits;
  /** Made for the first fragment of a message that did not come whole and in turn. */
  private partials: Map<number, Partial> | undefined = undefined;
  private awaited: number;
  /** A message that came in one piece when its turn was: never copied. */
  private ready: ReassembledMessage | undefined;

  /** `first` is the number of the first message that is waited for. */
  constructor(limits: ReassemblyLimits = defaultReassemblyLimits, first = 0) {
    this.limits = limits;
    this.awaited = first;
  }

  /** Number of the message that `take` gives next. */
  get next(): number {
    return this.awaited;
  }

  /** Bytes that are held for messages not yet taken. */
  get held(): number {
    let bytes = this.ready?.body.length ?? 0;
    for (const { body } of this.partials?.values() ?? []) bytes += body.length;
    return bytes;
  }

  add(fragment: Fragment, epoch: number): Reassembled {
    const { type, messageSeq, length, offset, body } = fragment;
    const ahead = messageSeq - this.awaited;
    if (ahead < 0) return 'past';
    if (ahead >= this.limits.reach) return 'ahead';
    if (length > this.limits.messageSize) return this.tooLarge(ahead, messageSeq);
    if (offset + body.length > length) return 'conflict';
    if (ahead === 0 && this.ready !== undefined) return agrees(this.ready, fragment, epoch) ? 'known' : 'conflict';
    const begun = this.partials?.get(messageSeq);
    if (begun === undefined) {
      if (body.length === 0 && length > 0) return 'known';
      if (ahead === 0 && body.length === length) {
        this.ready = { type, messageSeq, body, epoch };
        return 'message';
      }
      if (ahead > 0 && this.heldAhead() + length > this.limits.messageSize) return 'ahead';
    } else if (begun.type !== type || begun.body.length !== length || begun.epoch !== epoch) {
      return 'conflict';
    }
    const partial = begun ?? { type, epoch, body: new Uint8Array(length), covered: new Coverage(length) };
    const wasWhole = begun !== undefined && partial.covered.isWhole;
    const added = partial.covered.add(partial.body, offset, body);
    if (added < 0) return 'conflict';
    this.partials ??= new Map();
    this.partials.set(messageSeq, partial);
    if (partial.covered.isWhole && !wasWhole) return 'message';
    return added > 0 ? 'partial' : 'known';
  }

  /** Nobody vouches for a fragment: only where it says the first of the message that is awaited does its size count. */
  private tooLarge(ahead: number, messageSeq: number): Reassembled {
    if (ahead > 0) return 'ahead';
    return this.ready !== undefined || this.partials?.has(messageSeq) ? 'conflict' : 'too-large';
  }

  /** The awaited message once it is whole, and then the one after it; undefined as long as it is not. */
  take(): ReassembledMessage | undefined {
    const message = this.ready ?? this.wholePartial();
    if (message === undefined) return undefined;
    this.ready = undefined;
    this.partials?.delete(this.awaited);
    this.awaited += 1;
    return message;
  }

  private wholePartial(): ReassembledMessage | undefined {
    const partial = this.partials?.get(this.awaited);
    if (!partial?.covered.isWhole) return undefined;
    return { type: partial.type, messageSeq: this.awaited, body: partial.body, epoch: partial.epoch };
  }

  private heldAhead(): number {
    let bytes = 0;
    for (const [messageSeq, { body }] of this.partials ?? []) if (messageSeq > this.awaited) bytes += body.length;
    return bytes;
  }
}

function agrees(ready: ReassembledMessage, { type, length, offset, body }: Fragment, epoch: number): boolean {
  return (
    ready.type === type &&
    ready.epoch === epoch &&
    ready.body.length === length &&
    equalBytes(ready.body.subarray(offset, offset + body.length), body)
  );
}

/** Which bytes of a body are there: one bit each, so that no order of tiny fragments costs more than the body's eighth. */
class Coverage {
  private readonly bits: Uint8Array;
  private missing: number;

  constructor(length: number) {
    this.bits = new Uint8Array(Math.ceil(length / 8));
    this.missing = length;
  }

  get isWhole(): boolean {
    return this.missing === 0;
  }

  /** Copies what is new of `piece` into `whole`; how many bytes that were, or -1 and no change when known ones differ. */
  add(whole: Uint8Array, offset: number, piece: Uint8Array): number {
    for (let i = 0; i < piece.length; i += 1) {
      if (this.has(offset + i) && whole[offset + i] !== piece[i]) return -1;
    }
    const before = this.missing;
    for (let i = 0; i < piece.length; i += 1) {
      const at = offset + i;
      if (this.has(at)) continue;
      this.bits[at >>> 3] = (this.bits[at >>> 3] ?? 0) | (1 << (at & 7));
      whole[at] = piece[i] ?? 0;
      this.missing -= 1;
    }
    return before - this.missing;
  }

  private has(at: number): boolean {
    return (((this.bits[at >>> 3] ?? 0) >>> (at & 7)) & 1) === 1;
  }
}
