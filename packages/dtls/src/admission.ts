// Who may begin a handshake with us: whoever has shown that it receives at its address (RFC 6347 §4.2.1), and then only so
// many at once, in all and of one host. Nothing is remembered of anybody who has not shown it.
import type { Address, Instant, Peer, Random } from '@lapwing/kernel';
import { CookieJar } from './handshake/cookie.ts';
import { type HelloView, peekClientHello } from './handshake/hello-view.ts';
import { type Fragment, HandshakeType, handshakeHeaderSize } from './messages/handshake.ts';
import { helloVerifyVersion } from './messages/hello-verify-request.ts';
import type { Limits, Timers } from './options.ts';
import { ContentType, RECORD_HEADER, type RecordView, writeRecordHeader } from './record/record.ts';
import type { Counters } from './stats.ts';

export class Admission {
  private readonly cookies: CookieJar;
  private readonly limits: Limits;
  private readonly counters: Counters;
  private readonly hosts = new Map<string, number>();

  constructor(random: Random, timers: Timers, limits: Limits, counters: Counters) {
    this.cookies = new CookieJar(random, timers.cookie);
    this.limits = limits;
    this.counters = counters;
  }

  /**
   * The hello itself when a handshake may begin with it, else the datagram to answer it with, or nothing. The answer is
   * never longer than what it answers. `record`: the one that `fragment` came in.
   */
  judge(road: Peer, fragment: Fragment, record: RecordView, now: Instant): HelloView | Uint8Array | undefined {
    const hello = peekClientHello(fragment);
    if (hello === undefined) {
      this.counters.add('helloRefused');
      return undefined;
    }
    if (hello.cookie.length > 0) {
      if (this.cookies.verify(now, road.key, hello)) return this.hasRoom(road.address) ? hello : undefined;
      this.counters.add('cookiesWrong');
    }
    this.counters.add('cookiesSent');
    return askBack(fragment, record, this.cookies.make(now, road.key, hello));
  }

  private hasRoom(address: Address): boolean {
    if ((this.hosts.get(hostOf(address)) ?? 0) < this.limits.halfOpenPerHost) return true;
    this.counters.add('hostBusy');
    return false;
  }

  /** A handshake of that host has begun. */
  enter(address: Address): void {
    const host = hostOf(address);
    this.hosts.set(host, (this.hosts.get(host) ?? 0) + 1);
  }

  /** It is over, in one way or the other. */
  leave(address: Address): void {
    const host = hostOf(address);
    const left = (this.hosts.get(host) ?? 0) - 1;
    if (left > 0) this.hosts.set(host, left);
    else this.hosts.delete(host);
  }
}

const hostOf = (address: Address): string => (address.via === 'sms' ? address.msisdn : address.host);

/**
 * A HelloVerifyRequest in its record, written in one go for it answers whoever asks. Record and message numbers are those of
 * the hello: no state tells them (RFC 6347 §4.2.1).
 */
function askBack({ messageSeq }: Fragment, record: RecordView, cookie: Uint8Array): Uint8Array {
  const bodyLength = 3 + cookie.length;
  const bytes = new Uint8Array(RECORD_HEADER + handshakeHeaderSize + bodyLength);
  const length = handshakeHeaderSize + bodyLength;
  const at = writeRecordHeader(
    bytes,
    0,
    ContentType.Handshake,
    helloVerifyVersion,
    0,
    record.sequence,
    undefined,
    length,
  );
  bytes[at] = HandshakeType.helloVerifyRequest;
  bytes[at + 3] = bytes[at + 11] = bodyLength;
  bytes[at + 4] = messageSeq >>> 8;
  bytes[at + 5] = messageSeq;
  const bodyAt = at + handshakeHeaderSize;
  bytes[bodyAt] = helloVerifyVersion >>> 8;
  bytes[bodyAt + 1] = helloVerifyVersion & 0xff;
  bytes[bodyAt + 2] = cookie.length;
  bytes.set(cookie, bodyAt + 3);
  return bytes;
}
