// New keys from old secrets (RFC 8613 Appendix B.2): both sides put random bytes into the ID Context.
//
//      asks                                             answers
//        │  request #1     kid context R1                 │   verified with ID Context R1, not served
//        │ ─────────────────────────────────────────────▶ │
//        │  response #1    4.01, kid context R2           │   protected with ID Context R2 ‖ R1
//        │ ◀───────────────────────────────────────────── │
//        │  request #2     kid context R2 ‖ R3            │   verified with ID Context R2 ‖ R3, served
//        │ ─────────────────────────────────────────────▶ │
//        │  response #2                                   │   from now on both use ID Context R2 ‖ R3
//        │ ◀───────────────────────────────────────────── │
//
// R1 may be the ID Context in use, where the other side has forgotten it. Pure functions, and what makes R2.
import { concatBytes, equalInConstantTime, hmacSha256, type Random, Reader } from '@lapwing/kernel';
import { type ContextParameters, deriveContext, type SecurityContext } from './context.ts';

/** Bytes of R1, and of what is random in R2. */
const RANDOM_LENGTH = 8;
/** Bytes of R3: short, since request #2 carries R2 too and may have to fit into a text message. */
const LAST_LENGTH = 4;
const MAC_LENGTH = 8;
const OFFER_LENGTH = RANDOM_LENGTH + MAC_LENGTH;
const KEY_LENGTH = 32;

/** R1. */
export function firstId(random: Random): Uint8Array {
  return random.bytes(RANDOM_LENGTH);
}

/** R2 with an R3 behind it. */
export function lastId(offer: Uint8Array, random: Random): Uint8Array {
  return concatBytes(offer, random.bytes(LAST_LENGTH));
}

/** What was provisioned, under another ID Context. */
export function rederive(parameters: ContextParameters, idContext: Uint8Array): SecurityContext {
  return deriveContext({ ...parameters, idContext });
}

/** Room for it in an ID Context: what comes longer was not made by this. */
const LONGEST_ID = 128;

const BYTE_STRING = 0x40;
const ONE_BYTE_LENGTH = 0x58;
const SHORTEST_LONG = 24;

/** As a CBOR byte string, which is how ID Contexts of this procedure are told from others. */
export function wrapIdContext(id: Uint8Array): Uint8Array {
  const head = id.length < SHORTEST_LONG ? [BYTE_STRING | id.length] : [ONE_BYTE_LENGTH, id.length];
  return concatBytes(Uint8Array.from(head), id);
}

/** Undefined for what is not exactly one byte string of a sensible length. */
export function unwrapIdContext(kidContext: Uint8Array): Uint8Array | undefined {
  if (kidContext.length === 0) return undefined;
  const reader = new Reader(kidContext);
  const first = reader.u8();
  let length = first - BYTE_STRING;
  if (first === ONE_BYTE_LENGTH && reader.left > 0) {
    length = reader.u8();
    if (length < SHORTEST_LONG) return undefined;
  } else if (length < 0 || length >= SHORTEST_LONG) return undefined;
  return length === reader.left && length <= LONGEST_ID ? reader.take(length) : undefined;
}

/**
 * Makes R2 and knows it again without keeping it (RFC 8613 Appendix B.2.1): anybody can repeat a request #1, and must
 * not be able to push out what belongs to another run. All there are become void once one has been used.
 */
export class Offers {
  private readonly random: Random;
  private key: Uint8Array;

  constructor(random: Random) {
    this.random = random;
    this.key = random.bytes(KEY_LENGTH);
  }

  make(): Uint8Array {
    const fresh = this.random.bytes(RANDOM_LENGTH);
    return concatBytes(fresh, this.mac(fresh));
  }

  /** Whether an ID Context begins with one that is still good, and has something of the other side behind it. */
  begin(idContext: Uint8Array): boolean {
    if (idContext.length <= OFFER_LENGTH) return false;
    const fresh = idContext.subarray(0, RANDOM_LENGTH);
    return equalInConstantTime(idContext.subarray(RANDOM_LENGTH, OFFER_LENGTH), this.mac(fresh));
  }

  revoke(): void {
    this.key = this.random.bytes(KEY_LENGTH);
  }

  private mac(fresh: Uint8Array): Uint8Array {
    return hmacSha256(this.key, fresh).slice(0, MAC_LENGTH);
  }
}
