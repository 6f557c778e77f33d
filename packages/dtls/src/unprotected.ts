// Records of epoch 0: nobody has proved anything, so all that they can do is to begin a handshake, or to carry one on.
// A hello goes through the cookie first; everything else goes to the handshake at that address, or nowhere.
import { FormatError, type Instant, type Peer } from '@lapwing/kernel';
import type { Admission } from './admission.ts';
import { decodeAlert } from './alert.ts';
import type { Connection } from './connection.ts';
import { markOf, viewClientHello } from './handshake/hello-view.ts';
import type { Handshakes } from './handshakes.ts';
import {
  fragmentEnd,
  fragmentOffset,
  HandshakeType,
  handshakeHeaderSize,
  messageLength,
} from './messages/handshake.ts';
import type { Outlet } from './outlet.ts';
import { ContentType, DTLS_1_0, DTLS_1_2, type RecordView } from './record/record.ts';
import type { Counters } from './stats.ts';
import { traceAlert } from './traces.ts';

export class Unprotected {
  private readonly handshakes: Handshakes;
  private readonly admission: Admission;
  private readonly counters: Counters;
  private readonly outlet: Outlet;
  private readonly serves: boolean;

  /** `serves`: hellos are welcome at all. */
  constructor(
    parts: { readonly admission: Admission; readonly counters: Counters; readonly outlet: Outlet },
    handshakes: Handshakes,
    { serves }: { readonly serves: boolean },
  ) {
    this.handshakes = handshakes;
    this.admission = parts.admission;
    this.counters = parts.counters;
    this.outlet = parts.outlet;
    this.serves = serves;
  }

  receive(road: Peer, bytes: Uint8Array, view: RecordView, now: Instant): void {
    const { counters } = this;
    const { type, version, bodyAt, end } = view;
    const first = bodyAt < end ? bytes[bodyAt] : undefined;
    const isOld =
      type === ContentType.Alert || first === HandshakeType.clientHello || first === HandshakeType.helloVerifyRequest;
    if (version !== DTLS_1_2 && !(version === DTLS_1_0 && isOld)) {
      counters.add('wrongVersion');
      return;
    }
    if (type === ContentType.Handshake && first === HandshakeType.clientHello) {
      this.hello(road, bytes, view, now);
      return;
    }
    const body = bodyOf(bytes, view);
    const outgoing = this.handshakes.at(road, 'client');
    const connection = outgoing?.state === 'shaking' ? outgoing : (this.handshakes.at(road, 'server') ?? outgoing);
    switch (type) {
      case ContentType.Handshake:
        if (connection === undefined) counters.add('unknownPeer');
        else this.handshakes.handle(connection, { kind: 'fragment', epoch: 0, bytes: body }, now);
        break;
      case ContentType.ChangeCipherSpec:
        if (connection === undefined) counters.add('unknownPeer');
        else if (body.length !== 1 || first !== 1) counters.add('malformed');
        else this.handshakes.handle(connection, { kind: 'change-cipher-spec' }, now);
        break;
      case ContentType.Alert:
        this.plainAlert(connection, body, now);
        break;
      case ContentType.ApplicationData:
        counters.add('plaintextData');
        break;
      default:
        counters.add('unknownType');
    }
  }

  private plainAlert(connection: Connection | undefined, body: Uint8Array, now: Instant): void {
    if (connection?.state !== 'shaking') {
      this.counters.add('plaintextAlert');
      return;
    }
    this.counters.add('alertsReceived');
    traceAlert('in', connection.live.peer, connection.road, body);
    try {
      this.handshakes.handle(connection, { kind: 'alert', alert: decodeAlert(body), epoch: 0 }, now);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.counters.add('malformed');
    }
  }

  /** Read where it stands: nothing is made for those that are only answered. */
  private hello(road: Peer, bytes: Uint8Array, view: RecordView, now: Instant): void {
    const { counters } = this;
    const from = view.bodyAt + handshakeHeaderSize;
    const to = fragmentEnd(bytes, view.bodyAt, view.end);
    if (to < 0 || !this.serves) {
      counters.add(to < 0 ? 'malformed' : 'helloRefused');
      return;
    }
    const isFirst = fragmentOffset(bytes, view.bodyAt) === 0;
    const known = this.handshakes.at(road, 'server');
    if (known !== undefined && (!isFirst || known.helloMark === markOf(bytes, from, to))) {
      this.handshakes.handle(known, { kind: 'fragment', epoch: 0, bytes: bodyOf(bytes, view) }, now);
      return;
    }
    const hello = isFirst ? viewClientHello(bytes, from, to, messageLength(bytes, view.bodyAt)) : undefined;
    if (hello === undefined) {
      counters.add('helloRefused');
      return;
    }
    const verdict = this.admission.judge(road, hello, view, now);
    if (verdict === 'busy') return;
    if (verdict !== 'welcome') {
      this.outlet.transmit(road, verdict);
      return;
    }
    const connection = this.handshakes.accept(road, markOf(bytes, from, to), view.sequence, now);
    if (connection === undefined) return;
    this.handshakes.handle(connection, { kind: 'fragment', epoch: 0, bytes: bodyOf(bytes, view) }, now);
  }
}

/** The runtime's datagrams are Buffers, whose views cost three times as much as these; and views of views are of their kind. */
function bodyOf(bytes: Uint8Array, { bodyAt, end }: RecordView): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + bodyAt, end - bodyAt);
}
