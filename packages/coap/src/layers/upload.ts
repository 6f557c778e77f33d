// One body that arrives in blocks (RFC 7959 §2.3, §2.5): what each block means for it, as a value. An upload is put
// together in memory, a streamed one handed over block by block. Neither knows of peers, keys or messages.
import { ClosedError, equalBytes, type Instant, noBytes } from '@lapwing/kernel';
import { type Block, blockOffset, blockSize } from '../message/block.ts';
import type { Response } from '../message/message.ts';
import { BodyStream } from './body-stream.ts';
import type { Transfer } from './transfers.ts';

/**
 * continue: the block is in place, more follow · complete: so is the last · repeated: the last one again ·
 * incomplete: not the block that follows (4.08) · malformed: payload and block size disagree (4.00) · too-large (4.13)
 */
export type UploadStep = 'continue' | 'complete' | 'repeated' | 'incomplete' | 'malformed' | 'too-large';

export interface Incoming extends Transfer {
  /** When the last block came. */
  activeAt: Instant;
  /** Bytes of memory it takes. */
  readonly capacity: number;
  accept(block: Block, payload: Uint8Array): UploadStep;
  /** Whether nothing but the first block has come, and it was this one. */
  repeatsStart(payload: Uint8Array): boolean;
}

/** Which block comes next, and whether this is it. */
class Sequence {
  received = 0;
  lastOffset = 0;
  private size = blockSize(6);

  /** `last` is the block before, `limit` the most bytes there may be. */
  step(block: Block, payload: Uint8Array, last: Uint8Array, limit: number): UploadStep {
    if (!fitsBlock(block, payload)) return 'malformed';
    const offset = blockOffset(block);
    if (offset !== this.received) {
      return offset === this.lastOffset && block.more && equalBytes(payload, last) ? 'repeated' : 'incomplete';
    }
    if (blockSize(block.szx) > this.size) return 'incomplete';
    // A block that is not the last has at least one byte behind it.
    if (offset + payload.length + (block.more ? 1 : 0) > limit) return 'too-large';
    this.size = blockSize(block.szx);
    this.lastOffset = offset;
    this.received = offset + payload.length;
    return block.more ? 'continue' : 'complete';
  }

  get isAtStart(): boolean {
    return this.received > 0 && this.lastOffset === 0;
  }
}

/** All blocks but the last are full, none is more than full (RFC 7959 §2.2); of many in one message all but the last (RFC 8323 §6). */
export function fitsBlock(block: Block, payload: Uint8Array): boolean {
  const size = blockSize(block.szx);
  if (block.szx === 7) return !block.more || (payload.length > 0 && payload.length % size === 0);
  return block.more ? payload.length === size : payload.length <= size;
}

export class Upload implements Incoming {
  readonly dropped = undefined;
  activeAt: Instant;
  private readonly limit: number;
  private readonly sequence = new Sequence();
  private buffer: Uint8Array = noBytes;

  /** `limit` in bytes. */
  constructor(limit: number, now: Instant) {
    this.limit = limit;
    this.activeAt = now;
  }

  get capacity(): number {
    return this.buffer.length;
  }

  /** What has come so far; a view. */
  get body(): Uint8Array {
    return this.buffer.subarray(0, this.sequence.received);
  }

  accept(block: Block, payload: Uint8Array): UploadStep {
    const before = this.sequence.received;
    const step = this.sequence.step(block, payload, this.last, this.limit);
    if (step === 'continue' || step === 'complete') {
      this.reserve(before + payload.length, step);
      this.buffer.set(payload, before);
    }
    return step;
  }

  repeatsStart(payload: Uint8Array): boolean {
    return this.sequence.isAtStart && equalBytes(payload, this.last);
  }

  private get last(): Uint8Array {
    return this.buffer.subarray(this.sequence.lastOffset, this.sequence.received);
  }

  /** Blocks are copied, because each is a view of a datagram that would stay in memory with it. */
  private reserve(length: number, step: 'continue' | 'complete'): void {
    if (length <= this.buffer.length) return;
    const larger = new Uint8Array(
      step === 'complete' ? length : Math.min(Math.max(length, this.buffer.length * 2), this.limit),
    );
    larger.set(this.buffer);
    this.buffer = larger;
  }
}

export class StreamedUpload implements Incoming {
  activeAt: Instant;
  readonly stream = new BodyStream();
  private readonly sequence = new Sequence();
  private readonly controller = new AbortController();
  private last: Uint8Array = noBytes;
  private taken: Promise<unknown> = Promise.resolve();
  private answer: Promise<Response> | undefined;
  private early: Response | undefined;

  constructor(now: Instant) {
    this.activeAt = now;
  }

  /** One block, or what came in one message. */
  get capacity(): number {
    return Math.max(1024, this.last.length);
  }

  /** Of the whole transfer; each block's exchange has one of its own. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The service has begun to read; `answer` is what it will say. */
  begun(answer: Promise<Response>): void {
    this.answer = answer.then((response) => {
      this.early = response;
      return response;
    });
    this.answer.catch(() => undefined);
  }

  accept(block: Block, payload: Uint8Array): UploadStep {
    const step = this.sequence.step(block, payload, this.last, Number.POSITIVE_INFINITY);
    if (step === 'continue') {
      this.last = payload;
      this.taken = this.stream.push(payload);
    } else if (step === 'complete') this.stream.end(payload);
    return step;
  }

  repeatsStart(payload: Uint8Array): boolean {
    return this.sequence.isAtStart && equalBytes(payload, this.last);
  }

  /** Settles when the service has done with the block; with its answer if it has answered before the last block. */
  async progress(): Promise<Response | undefined> {
    await Promise.race([this.taken, this.answer]);
    return this.early;
  }

  /** What the service answers in the end. */
  async finish(): Promise<Response | undefined> {
    return this.answer;
  }

  readonly dropped = (): void => {
    const reason = new ClosedError('the rest of the body did not arrive');
    this.stream.fail(reason);
    this.controller.abort(reason);
  };
}
