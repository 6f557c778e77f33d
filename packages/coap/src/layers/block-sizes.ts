// How much goes into one message, and thus which block size suits it (RFC 7252 §4.6, RFC 7959 §2.2): by the transport, or
// by what was agreed on the connection, where many blocks may go into one message (BERT, RFC 8323 §6).
import type { Peer } from '@lapwing/kernel';
import { blockSize, type Szx, szxWithin } from '../message/block.ts';
import type { OptionSet } from '../message/option-set.ts';

/** Room in a datagram for header, token, options and marker beside a block. */
const HEADROOM = 76;
/** Where every byte counts, each message is measured. Header, a token of eight bytes, and the marker of the payload: */
const FRAME = 13;
/** What may still come to the options once a payload is chosen: Observe, or the Block option of the other way. */
const LATER = 9;
/** A Block option of ours. */
const BLOCK_OPTION = 5;
/** Options of a usual response that is one block of several: Content-Format, ETag and the block. */
const USUAL_OPTIONS = 16;
/** What OSCORE puts around a message: its option, the inner code and the tag (RFC 8613 §5, §6.1). */
const PROTECTION = 40;
/** Datagrams are never longer: what says it takes more is a stream, and has no need of small messages. */
const LONGEST_DATAGRAM = 2048;
const KIB = 1024;
const LARGEST = 6;

/** The largest block whose message fits into `mtu` bytes. */
export function szxForMtu(mtu: number): Szx {
  return szxWithin(mtu - HEADROOM);
}

/** The largest payload that is sent without blocks. */
export function wholeForMtu(mtu: number, szx: Szx): number {
  return mtu > LONGEST_DATAGRAM ? mtu - 2 * HEADROOM : blockSize(szx);
}

/** What fits into a message to a peer. */
export interface Room {
  /** Of the largest block that is sent. */
  readonly szx: Szx;
  /** Bytes of a body in a message with such a block. */
  readonly step: number;
  /** Bytes of the largest payload that goes without blocks. */
  readonly whole: number;
  /** Of the largest block that is taken. */
  readonly accepted: Szx;
  /** Bytes of a message, where a large block does not fit one and all of it is counted: over a text message. */
  readonly tight?: number;
}

/** Agreements for which the room is kept; beyond it, it is kept anew. */
const mostRooms = 256;

export class Rooms {
  private readonly usual: Room;
  /** For peers whose messages are protected on their way down. */
  private readonly guarded: Room;
  private readonly wanted: Szx | undefined;
  /** By connection: datagrams have none. */
  private known: Map<number, Room> | undefined = undefined;

  /** `size` is the most bytes in a block; default what fits. */
  constructor(mtu: number, size: number | undefined) {
    this.wanted = size === undefined ? undefined : szxWithin(size);
    this.usual = this.ofDatagram(mtu, 0);
    this.guarded = this.usual.tight === undefined ? this.usual : this.ofDatagram(mtu, PROTECTION);
  }

  of({ connection, identity }: Peer): Room {
    if (connection === undefined) return identity.kind === 'oscore' ? this.guarded : this.usual;
    const { mtu, bert } = connection;
    const key = bert ? mtu : -mtu;
    this.known ??= new Map();
    let room = this.known.get(key);
    if (room === undefined) {
      room = this.agreed(mtu, bert ? 'bert' : 'blocks');
      if (this.known.size >= mostRooms) this.known.clear();
      this.known.set(key, room);
    }
    return room;
  }

  private ofDatagram(mtu: number, protection: number): Room {
    const isTight = szxForMtu(mtu) < LARGEST;
    const fitting = isTight ? szxWithin(mtu - protection - FRAME - LATER - USUAL_OPTIONS) : LARGEST;
    const szx = this.wanted === undefined || isTight ? (Math.min(this.wanted ?? fitting, fitting) as Szx) : this.wanted;
    const room = { szx, step: blockSize(szx), whole: wholeForMtu(mtu, szx), accepted: szx };
    return isTight ? { ...room, tight: mtu - protection } : room;
  }

  private agreed(mtu: number, how: 'bert' | 'blocks'): Room {
    const fitting = szxForMtu(mtu);
    const szx = this.wanted === undefined ? fitting : (Math.min(this.wanted, fitting) as Szx);
    const whole = wholeForMtu(mtu, szx);
    const many = Math.floor((mtu - HEADROOM) / KIB);
    if (this.wanted !== undefined) return { szx, step: blockSize(szx), whole, accepted: this.wanted };
    return how === 'bert' && many > 1
      ? { szx: 7, step: many * KIB, whole, accepted: 7 }
      : { szx, step: blockSize(szx), whole, accepted: 7 };
  }
}

/** Whether so many bytes of payload go without blocks beside these options. */
export function fitsWhole(options: OptionSet, length: number, { tight, whole }: Room): boolean {
  return tight === undefined ? length <= whole : FRAME + LATER + options.length + length <= tight;
}

/**
 * The largest block, `szx` at most, that fits a message with these options and the one of the block. Where not even the smallest does,
 * smaller ones are of no use.
 */
export function szxBeside(options: OptionSet, szx: Szx, { tight }: Room): Szx {
  if (tight === undefined) return szx;
  const left = tight - FRAME - LATER - BLOCK_OPTION - options.length;
  return left < blockSize(0) ? szx : (Math.min(szx, szxWithin(left)) as Szx);
}

/** Whether one more option of a few bytes goes beside a block of that size. */
export function hasRoomBeside(options: OptionSet, length: number, { tight }: Room): boolean {
  return tight === undefined || FRAME + LATER + options.length + BLOCK_OPTION + length <= tight;
}

/** Bytes of a body in a message with a block of that size. */
export function stepOf(szx: Szx, room: Room): number {
  return szx === 7 ? room.step : blockSize(szx);
}

/** The largest SZX that a Block option may have: 7 is reserved outside of connections (RFC 7959 §2.2, RFC 8323 §6). */
export function largestSzx({ connection }: Peer): Szx {
  return connection === undefined ? 6 : 7;
}
