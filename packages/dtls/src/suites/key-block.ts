// Keys of both directions, cut from the key block (RFC 5246 §6.3).
import { concatBytes, noBytes } from '@lapwing/kernel';
import { prf } from './prf.ts';
import type { Suite } from './suite.ts';

/** Raw keys with which one side seals and the other opens; lengths as the suite says. May be views of a slab. */
export interface DirectionKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  readonly mac: Uint8Array;
}

export interface KeyBlock {
  /** What the client writes with. */
  readonly client: DirectionKeys;
  /** What the server writes with. */
  readonly server: DirectionKeys;
}

/** All six keys; each a view of one block of bytes. The randoms have 32 bytes each. */
export function keyBlock(
  suite: Suite,
  masterSecret: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): KeyBlock {
  const { keyLength, ivLength, macLength } = suite;
  const seed = concatBytes(serverRandom, clientRandom);
  const block = prf(suite.hash, masterSecret, 'key expansion', seed, 2 * (macLength + keyLength + ivLength));
  const keysAt = 2 * macLength;
  const ivsAt = keysAt + 2 * keyLength;
  return {
    client: {
      mac: macLength === 0 ? noBytes : block.subarray(0, macLength),
      key: block.subarray(keysAt, keysAt + keyLength),
      iv: block.subarray(ivsAt, ivsAt + ivLength),
    },
    server: {
      mac: macLength === 0 ? noBytes : block.subarray(macLength, keysAt),
      key: block.subarray(keysAt + keyLength, ivsAt),
      iv: block.subarray(ivsAt + ivLength),
    },
  };
}
