// The Block options: which slice of a body a message carries (RFC 7959 §2.1, §2.2).
import { FormatError } from '@lapwing/kernel';
import type { OptionSet } from './option-set.ts';

/** 0 to 6 for blocks of 16 to 1,024 bytes; 7 for as many of 1,024 as fit into a message of a connection (RFC 8323 §6). */
export type Szx = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;

export interface Block {
  /** 0 to 1,048,575. */
  readonly num: number;
  /** In a body that travels with the message: more follow. */
  readonly more: boolean;
  readonly szx: Szx;
}

export const largestNum = 0xf_ffff;

/** In bytes; what NUM counts in. */
export function blockSize(szx: Szx): number {
  return szx === 7 ? 1024 : 16 << szx;
}

/** Of the block's first byte in the body. */
export function blockOffset(block: Block): number {
  return block.num * blockSize(block.szx);
}

/** The largest block of at most `bytes`; below 16 there is none smaller than 16. */
export function szxWithin(bytes: number): Szx {
  for (let szx = 6; szx > 0; szx -= 1) if (16 << szx <= bytes) return szx as Szx;
  return 0;
}

/** The option's value as an unsigned integer: NUM, M and SZX. Throws RangeError when `num` has no room. */
export function encodeBlock(block: Block): number {
  if (block.num > largestNum) throw new RangeError(`block ${block.num} is past the last that can be named`);
  return block.num * 16 + (block.more ? 8 : 0) + block.szx;
}

/** Throws FormatError for more than 3 bytes and for an SZX above `largest`, which is 7 on connections only. */
export function decodeBlock(value: Uint8Array, largest: Szx = 6): Block {
  if (value.length > 3) throw new FormatError(`Block option of ${value.length} bytes`);
  let word = 0;
  for (const byte of value) word = word * 256 + byte;
  const szx = word & 7;
  if (szx > largest) throw new FormatError(`Block option with SZX ${szx}`);
  return { num: word >>> 4, more: (word & 8) !== 0, szx: szx as Szx };
}

/** Of option `number` (Block1 or Block2); undefined when there is none. Throws FormatError. */
export function blockOf(options: OptionSet, number: number, largest: Szx = 6): Block | undefined {
  const value = options.bytes(number);
  return value === undefined ? undefined : decodeBlock(value, largest);
}
