// Who may begin a handshake with us: whoever has shown that it receives at its address (RFC 6347 §4.2.1), and then only so
// many at once, in all and of one host. Nothing is remembered of anybody who has not shown it.
import type { Address, Instant, Peer, Random } from '@lapwing/kernel';
import { CookieJar } from './handshake/cookie.ts';
import { type HelloView, peekClientHello } from './handshake/hello-view.ts';
import { type Fragment, HandshakeType, writeFragment } from './messages/handshake.ts';
import { encodeHelloVerifyRequest, helloVerifyVersion } from './messages/hello-verify-request.ts';
import type { Limits, Timers } from './options.ts';
import { ContentType, RECORD_HEADER, type RecordView, writePlainRecord } from './record/record.ts';
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

/** Record and message numbers are those of the hello: no state tells them (RFC 6347 §4.2.1). */
function askBack({ messageSeq }: Fragment, record: RecordView, cookie: Uint8Array): Uint8Array {
  const body = encodeHelloVerifyRequest({ version: helloVerifyVersion, cookie });
  const type = HandshakeType.helloVerifyRequest;
  const message = writeFragment({ type, messageSeq, length: body.length, offset: 0, body });
  const bytes = new Uint8Array(RECORD_HEADER + message.length);
  writePlainRecord(bytes, 0, ContentType.Handshake, helloVerifyVersion, record.sequence, message);
  return bytes;
}
