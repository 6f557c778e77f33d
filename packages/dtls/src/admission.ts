// Who may begin a handshake with us: whoever has shown that it receives at its address (RFC 6347 §4.2.1), and then only so
// many at once, in all and of one host. Nothing is remembered of anybody who has not shown it.
import type { Address, Instant, Peer } from '@lapwing/kernel';
import { CookieJar } from './handshake/cookie.ts';
import { type HelloView, peekClientHello } from './handshake/hello-view.ts';
import { type Fragment, HandshakeType, handshakeHeaderSize } from './messages/handshake.ts';
import { helloVerifyVersion } from './messages/hello-verify-request.ts';
import type { Limits, Settings } from './options.ts';
import { ContentType, RECORD_HEADER, type RecordView, writeRecordHeader } from './record/record.ts';
import type { Sealing } from './sealing.ts';
import type { Counters } from './stats.ts';

export interface AdmissionParts {
  readonly settings: Settings;
  readonly counters: Counters;
  readonly sealing: Pick<Sealing, 'room'>;
}

export class Admission {
  private readonly cookies: CookieJar;
  private readonly limits: Limits;
  private readonly counters: Counters;
  private readonly sealing: Pick<Sealing, 'room'>;
  private readonly hosts = new Map<string, number>();

  constructor({ settings, counters, sealing }: AdmissionParts) {
    this.cookies = new CookieJar(settings.random, settings.timers.cookie);
    this.limits = settings.limits;
    this.counters = counters;
    this.sealing = sealing;
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
    if (hello.hasCookie) {
      if (this.cookies.verify(now, road.address, hello)) return this.hasRoom(road.address) ? hello : undefined;
      this.counters.add('cookiesWrong');
    }
    this.counters.counts.cookiesSent += 1;
    return this.askBack(fragment, record, this.cookies.make(now, road.address, hello));
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

  /**
   * A HelloVerifyRequest in its record, written in one go for it answers whoever asks. Record and message numbers are those of
   * the hello: no state tells them (RFC 6347 §4.2.1).
   */
  private askBack({ messageSeq }: Fragment, record: RecordView, cookie: Uint8Array): Uint8Array {
    const bodyLength = 3 + cookie.length;
    const length = handshakeHeaderSize + bodyLength;
    const bytes = this.sealing.room(RECORD_HEADER + length);
    const { sequence } = record;
    const at = writeRecordHeader(bytes, 0, ContentType.Handshake, helloVerifyVersion, 0, sequence, undefined, length);
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
}

const hostOf = (address: Address): string => (address.via === 'sms' ? address.msisdn : address.host);
