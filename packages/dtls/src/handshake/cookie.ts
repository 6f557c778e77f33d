// The cookie of HelloVerifyRequest (RFC 6347 §4.2.1): a keyed hash of address and hello, under a key that lives for one
// period, so that a server remembers nothing about who has not shown its address. A cookie is good in the period that
// made it and in the next one. Its first byte says which period that was and whether the suites were covered: they are
// whenever they stand in the first fragment whole, so a client that cuts them is not shut out.
import {
  type Address,
  type Duration,
  encodeUtf8,
  equalInConstantTime,
  Hmac,
  type Instant,
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
  private mac: Hmac;
  private previousMac: Hmac | undefined;

  /** A cookie lives for one to two times `period`, 30 s by default. */
  constructor(random: Random, period: Duration = seconds(30)) {
    this.random = random;
    this.period = period;
    this.current = 0;
    this.mac = new Hmac('sha256', random.bytes(keySize));
  }

  /** For the answer to a hello; the same for the same hello in the same period. Written to `out` from `at`. */
  make(
    now: Instant,
    address: Address,
    hello: HelloView,
    out: Uint8Array = new Uint8Array(cookieSize),
    at = 0,
  ): Uint8Array {
    this.turnTo(now);
    const isCovered = hello.choicesEnd !== undefined;
    seal(this.mac, ((this.current % marks) << 1) | (isCovered ? 1 : 0), address, hello, out, at);
    return out;
  }

  /** Whether the hello's cookie was made here, for this address and these contents, in this period or the one before. */
  verify(now: Instant, address: Address, hello: HelloView): boolean {
    const { cookie } = hello;
    const mark = cookie[0];
    if (cookie.length !== cookieSize || mark === undefined) return false;
    if ((mark & 1) === 1 && hello.choicesEnd === undefined) return false;
    this.turnTo(now);
    const mac = this.macOf(mark >>> 1);
    if (mac === undefined) return false;
    seal(mac, mark, address, hello, expected, 0);
    return equalInConstantTime(expected, cookie);
  }

  private macOf(mark: number): Hmac | undefined {
    if (mark === this.current % marks) return this.mac;
    return mark === (this.current + marks - 1) % marks ? this.previousMac : undefined;
  }

  private turnTo(now: Instant): void {
    const period = Math.floor(now / this.period);
    if (period === this.current) return;
    const isNext = period === this.current + 1;
    this.previousMac?.erase();
    if (!isNext) this.mac.erase();
    this.previousMac = isNext ? this.mac : undefined;
    this.mac = new Hmac('sha256', this.random.bytes(keySize));
    this.current = period;
  }
}

/** Which kind of cookie, where from, and how long the host is, before everything that is covered; used and left within one call. */
const head = new Uint8Array(6);
/** Hosts are short and ASCII, for which a loop beats the encoder's call. */
const shortHost = new Uint8Array(64);
const roads = { udp: 0, tcp: 1, sms: 2 } as const;

/** What a cookie should be. */
const expected = new Uint8Array(cookieSize);

function seal(mac: Hmac, mark: number, address: Address, hello: HelloView, out: Uint8Array, at: number): void {
  const { bytes, from, openingEnd, cookieEnd, choicesEnd } = hello;
  const host = address.via === 'sms' ? address.msisdn : address.host;
  const port = address.via === 'sms' ? 0 : address.port;
  const encoded = isShortAscii(host) ? shortHost : encodeUtf8(host);
  const length = encoded === shortHost ? host.length : encoded.length;
  if (encoded === shortHost) for (let i = 0; i < length; i += 1) shortHost[i] = host.charCodeAt(i);
  // Everything before the last part says how long it is, so that no byte moves from one part to its neighbour.
  head[0] = mark;
  head[1] = roads[address.via];
  head[2] = port >>> 8;
  head[3] = port;
  head[4] = length >>> 8;
  head[5] = length;
  mac.add(head).add(encoded, 0, length).add(bytes, from, openingEnd);
  if ((mark & 1) === 1) mac.add(bytes, cookieEnd, choicesEnd);
  mac.finishHalf(out, at, cookieSize);
  // The first byte is the mark itself: 120 bits remain.
  out[at] = mark;
}

function isShortAscii(text: string): boolean {
  if (text.length > shortHost.length) return false;
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
