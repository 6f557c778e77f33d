// How much goes into one message of a transport, and thus which block size suits it (RFC 7252 §4.6, RFC 7959 §2.2).
import { blockSize, type Szx, szxWithin } from '../message/block.ts';

/** Room in a datagram for header, token, options and marker beside a block. */
const HEADROOM = 76;
/** Datagrams are never longer: what says it takes more is a stream, and has no need of small messages. */
const LONGEST_DATAGRAM = 2048;

/** The largest block whose message fits into `mtu` bytes. */
export function szxForMtu(mtu: number): Szx {
  return szxWithin(mtu - HEADROOM);
}

/** The largest payload that is sent without blocks. */
export function wholeForMtu(mtu: number, szx: Szx): number {
  return mtu > LONGEST_DATAGRAM ? mtu - 2 * HEADROOM : blockSize(szx);
}
