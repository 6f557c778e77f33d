// Who may begin a handshake with us: whoever has shown that it receives at its address (RFC 6347 §4.2.1), and then only so
// many at once, in all and of one host. Nothing is remembered of anybody who has not shown it.
import type { Address, Instant, Peer } from '@lapwing/kernel';
import { CookieJar, cookieSize } from './handshake/cookie.ts';
import type { HelloView } from './handshake/hello-view.ts';
import { HandshakeType, handshakeHeaderSize } from './messages/handshake.ts';
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
   * Whether a handshake may begin with the hello; else the datagram to answer it with, or nothing for a host that has begun
   * too many. The answer is never longer than what it answers. `record`: the one that the hello came in.
   */
  judge(road: Peer, hello: HelloView, record: RecordView, now: Instant): 'welcome' | 'busy' | Uint8Array {
    const { counts } = this.counters;
    if (hello.hasCookie) {
      if (this.cookies.verify(now, road.address, hello)) return this.hasRoom(road.address) ? 'welcome' : 'busy';
      counts.cookiesWrong += 1;
    }
    counts.cookiesSent += 1;
    return this.askBack(road, record, hello, now);
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
  private askBack({ address }: Peer, record: RecordView, hello: HelloView, now: Instant): Uint8Array {
    const bodyLength = 3 + cookieSize;
    const length = handshakeHeaderSize + bodyLength;
    const bytes = this.sealing.room(RECORD_HEADER + length);
    const { sequence } = record;
    const at = writeRecordHeader(bytes, 0, ContentType.Handshake, helloVerifyVersion, 0, sequence, undefined, length);
    bytes[at] = HandshakeType.helloVerifyRequest;
    bytes[at + 3] = bytes[at + 11] = bodyLength;
    const seqAt = record.bodyAt + 4;
    bytes[at + 4] = hello.bytes[seqAt] as number;
    bytes[at + 5] = hello.bytes[seqAt + 1] as number;
    const bodyAt = at + handshakeHeaderSize;
    bytes[bodyAt] = helloVerifyVersion >>> 8;
    bytes[bodyAt + 1] = helloVerifyVersion & 0xff;
    bytes[bodyAt + 2] = cookieSize;
    return this.cookies.make(now, address, hello, bytes, bodyAt + 3);
  }
}

const hostOf = (address: Address): string => (address.via === 'sms' ? address.msisdn : address.host);
