// How much goes into one message, and thus which block size suits it (RFC 7252 §4.6, RFC 7959 §2.2): by the transport, or
// by what was agreed on the connection, where many blocks may go into one message (BERT, RFC 8323 §6).
import type { Peer } from '@lapwing/kernel';
import { blockSize, type Szx, szxWithin } from '../message/block.ts';

/** Room in a datagram for header, token, options and marker beside a block. */
const HEADROOM = 76;
/** Datagrams are never longer: what says it takes more is a stream, and has no need of small messages. */
const LONGEST_DATAGRAM = 2048;
const KIB = 1024;

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
}

/** Agreements for which the room is kept; beyond it, it is kept anew. */
const mostRooms = 256;

export class Rooms {
  private readonly usual: Room;
  private readonly wanted: Szx | undefined;
  /** By connection: datagrams have none. */
  private known: Map<number, Room> | undefined = undefined;

  /** `size` is the most bytes in a block; default what fits. */
  constructor(mtu: number, size: number | undefined) {
    this.wanted = size === undefined ? undefined : szxWithin(size);
    const szx = this.wanted ?? szxForMtu(mtu);
    this.usual = { szx, step: blockSize(szx), whole: wholeForMtu(mtu, szx), accepted: szx };
  }

  of({ connection }: Peer): Room {
    if (connection === undefined) return this.usual;
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

/** Bytes of a body in a message with a block of that size. */
export function stepOf(szx: Szx, room: Room): number {
  return szx === 7 ? room.step : blockSize(szx);
}

/** The largest SZX that a Block option may have: 7 is reserved outside of connections (RFC 7959 §2.2, RFC 8323 §6). */
export function largestSzx({ connection }: Peer): Szx {
  return connection === undefined ? 6 : 7;
}
