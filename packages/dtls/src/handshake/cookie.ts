// The cookie of HelloVerifyRequest (RFC 6347 §4.2.1): a MAC over address and hello under a key that lives for one
// period, so that a server remembers nothing about who has not shown its address. A cookie is good in the period that
// made it and in the next one. Its first byte says which period that was and whether the suites were covered: they are
// whenever they stand in the first fragment whole, so a client that cuts them is not shut out.
import {
  type Duration,
  encodeUtf8,
  equalInConstantTime,
  hmacSha256,
  type Instant,
  noBytes,
  type Random,
  seconds,
} from '@lapwing/kernel';
import type { HelloView } from './hello-view.ts';

/** In bytes: each costs on a narrow road, and a guess must fail for one period only. */
export const cookieSize = 16;
const keySize = 32;
/** Periods are told apart modulo this. */
const marks = 128;

export class CookieJar {
  private readonly random: Random;
  private readonly period: Duration;
  private current: number;
  private key: Uint8Array;
  private previousKey: Uint8Array | undefined;

  /** A cookie lives for one to two times `period`, 30 s by default. */
  constructor(random: Random, period: Duration = seconds(30)) {
    this.random = random;
    this.period = period;
    this.current = 0;
    this.key = random.bytes(keySize);
  }

  /** For the answer to a hello; the same for the same hello in the same period. `address` names host and port. */
  make(now: Instant, address: string, hello: HelloView): Uint8Array {
    this.turnTo(now);
    const isCovered = hello.choices !== undefined;
    return seal(this.key, ((this.current % marks) << 1) | (isCovered ? 1 : 0), address, hello);
  }

  /** Whether the hello's cookie was made here, for this address and these contents, in this period or the one before. */
  verify(now: Instant, address: string, hello: HelloView): boolean {
    const { cookie, choices } = hello;
    const mark = cookie[0];
    if (cookie.length !== cookieSize || mark === undefined) return false;
    if ((mark & 1) === 1 && choices === undefined) return false;
    this.turnTo(now);
    const key = this.keyOf(mark >>> 1);
    return key !== undefined && equalInConstantTime(seal(key, mark, address, hello), cookie);
  }

  private keyOf(mark: number): Uint8Array | undefined {
    if (mark === this.current % marks) return this.key;
    return mark === (this.current + marks - 1) % marks ? this.previousKey : undefined;
  }

  private turnTo(now: Instant): void {
    const period = Math.floor(now / this.period);
    if (period === this.current) return;
    this.previousKey = period === this.current + 1 ? this.key : undefined;
    this.key = this.random.bytes(keySize);
    this.current = period;
  }
}

/** How long the address is and which kind of cookie, before everything that is covered; used and left within one call. */
const head = new Uint8Array(3);
/** Addresses are short and ASCII, for which a loop beats the encoder's call. */
const shortAddress = new Uint8Array(64);

function encodeAddress(address: string): Uint8Array {
  if (address.length > shortAddress.length) return encodeUtf8(address);
  for (let i = 0; i < address.length; i += 1) {
    const code = address.charCodeAt(i);
    if (code > 0x7f) return encodeUtf8(address);
    shortAddress[i] = code;
  }
  return shortAddress.subarray(0, address.length);
}

function seal(key: Uint8Array, mark: number, address: string, hello: HelloView): Uint8Array {
  const place = encodeAddress(address);
  const choices = (mark & 1) === 1 ? (hello.choices ?? noBytes) : noBytes;
  // Everything before the last part says how long it is, so that no byte moves from one part to its neighbour.
  head[0] = mark;
  head[1] = place.length >>> 8;
  head[2] = place.length;
  const cookie = hmacSha256(key, head, place, hello.opening, choices).slice(0, cookieSize);
  // The first byte is the mark itself: 120 bits remain of the MAC.
  cookie[0] = mark;
  return cookie;
}
