// A server among very many strangers, without a network between them: for floods, of which a simulated network would be the
// greater part. A stranger is an address that sends what it likes and keeps no state but what it was answered.
import {
  type Address,
  formatAddress,
  nobody,
  type Peer,
  type Random,
  type Transport,
  type TransportSink,
} from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import type { Credentials } from '../credentials.ts';
import { encodeClientHello } from '../messages/client-hello.ts';
import { noExtensions } from '../messages/extensions.ts';
import { HandshakeType, writeFragment } from '../messages/handshake.ts';
import type { SecureOptions } from '../options.ts';
import { ContentType, DTLS_1_2, writePlainRecord } from '../record/record.ts';
import { type DtlsTransport, secure } from '../transport.ts';

/** Carries what it is told to have received, and counts what it is given to send; `tells` some of whom it is sent to. */
class Ear implements Transport {
  readonly tells = new Map<string, (bytes: Uint8Array) => void>();
  readonly traits = { reliable: false, framing: 'rfc7252', mtu: 1152 } as const;
  /** What was sent since somebody spoke. */
  readonly answers: Uint8Array[] = [];
  sent = 0;
  private sink: TransportSink | undefined;

  open(sink: TransportSink): Promise<void> {
    this.sink = sink;
    return Promise.resolve();
  }

  connect(address: Address): Promise<Peer> {
    return Promise.resolve({ key: formatAddress(address), address, identity: nobody });
  }

  send(peer: Peer, bytes: Uint8Array): void {
    this.sent += bytes.length;
    this.answers.push(bytes);
    this.tells.get(peer.key)?.(bytes);
  }

  hear(peer: Peer, bytes: Uint8Array, at: number): void {
    this.sink?.receive({ peer, bytes, at });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

export class Crowd {
  readonly clock: VirtualClock = new VirtualClock();
  readonly random: Random = new SeededRandom(3);
  readonly server: DtlsTransport;
  /** Bytes that strangers have sent. */
  heard = 0;
  private readonly ear = new Ear();

  private constructor(options: Partial<SecureOptions>) {
    this.server = secure(this.ear, { clock: this.clock, random: this.random, ...options });
  }

  static async open(options: Partial<SecureOptions>): Promise<Crowd> {
    const crowd = new Crowd(options);
    await crowd.server.open({ receive: () => undefined, lost: () => undefined });
    return crowd;
  }

  /** Bytes that the server has sent. */
  get answered(): number {
    return this.ear.sent;
  }

  /**
   * A device with good credentials shakes hands, 1 ms each way, whatever the others do; resolves with how many datagrams that
   * took. Throws where nothing comes of it within a minute.
   */
  async comesIn(credentials: Credentials, host: string): Promise<number> {
    const { clock, random } = this;
    const own = new Ear();
    const peer: Peer = { key: host, address: { via: 'udp', host, port: 5000 }, identity: nobody };
    const server: Address = { via: 'udp', host: 'server', port: 5684 };
    let datagrams = 0;
    const soon = (carry: () => void): void => {
      datagrams += 1;
      clock.at(clock.now() + 1, carry);
    };
    own.tells.set(formatAddress(server), (bytes) => soon(() => this.ear.hear(peer, bytes, clock.now())));
    this.ear.tells.set(host, (bytes) =>
      soon(() => own.hear({ key: formatAddress(server), address: server, identity: nobody }, bytes, clock.now())),
    );
    const device = secure(own, { clock, random, connect: credentials, resumption: false });
    await device.open({ receive: () => undefined, lost: () => undefined });
    const connecting = device.connect(server);
    connecting.catch(() => undefined);
    for (let i = 0; i < 600 && device.stats().handshakesDone === 0; i += 1) await clock.advance(100);
    await connecting;
    return datagrams;
  }

  stranger(host: string, port = 5000): Stranger {
    const address: Address = { via: 'udp', host, port };
    return new Stranger(this, { key: `${host}:${port}`, address, identity: nobody });
  }

  /** What the server says to `peer` when that sends `bytes`. */
  tell(peer: Peer, bytes: Uint8Array): readonly Uint8Array[] {
    this.heard += bytes.length;
    this.ear.answers.length = 0;
    this.ear.hear(peer, bytes, this.clock.now());
    return this.ear.answers.slice();
  }
}

/** One address, and how a client at it would talk. */
export class Stranger {
  private readonly crowd: Crowd;
  private readonly peer: Peer;
  private records = 0;
  private messages = 0;
  private clientRandom: Uint8Array = new Uint8Array(32);

  constructor(crowd: Crowd, peer: Peer) {
    this.crowd = crowd;
    this.peer = peer;
  }

  send(bytes: Uint8Array): readonly Uint8Array[] {
    return this.crowd.tell(this.peer, bytes);
  }

  /** One plain record. */
  say(type: number, body: Uint8Array): readonly Uint8Array[] {
    const record = new Uint8Array(13 + body.length);
    writePlainRecord(record, 0, type, DTLS_1_2, this.records, body);
    this.records += 1;
    return this.send(record);
  }

  /** One handshake message; `length`: what its header says, if not the truth. */
  message(type: number, body: Uint8Array, length = body.length): readonly Uint8Array[] {
    const bytes = writeFragment({ type, messageSeq: this.messages, length, offset: 0, body });
    this.messages += 1;
    return this.say(ContentType.Handshake, bytes);
  }

  /** A first hello; with a session id or a ticket, one of somebody who says to have been here. */
  hello(of: { readonly sessionId?: Uint8Array; readonly ticket?: Uint8Array } = {}): readonly Uint8Array[] {
    this.clientRandom = this.crowd.random.bytes(32);
    return this.helloWith(new Uint8Array(0), of);
  }

  /** Both hellos; what the server answers to the one with the cookie. */
  begin(suites: readonly number[] = [0xc0a8], ems = true): readonly Uint8Array[] {
    this.clientRandom = this.crowd.random.bytes(32);
    const [asked] = this.helloWith(new Uint8Array(0), {}, suites, ems);
    if (asked === undefined) return [];
    return this.helloWith(asked.slice(13 + 12 + 3), {}, suites, ems);
  }

  private helloWith(
    cookie: Uint8Array,
    { sessionId = new Uint8Array(0), ticket }: { readonly sessionId?: Uint8Array; readonly ticket?: Uint8Array },
    cipherSuites: readonly number[] = [0xc0a8],
    extendedMasterSecret = true,
  ): readonly Uint8Array[] {
    const body = encodeClientHello({
      version: DTLS_1_2,
      random: this.clientRandom,
      sessionId,
      cookie,
      cipherSuites,
      compressionMethods: [0],
      extensions: {
        ...noExtensions,
        extendedMasterSecret,
        supportedGroups: [0x0017],
        signatureSchemes: [0x0403],
        ...(ticket === undefined ? {} : { sessionTicket: ticket }),
      },
    });
    return this.message(HandshakeType.clientHello, body);
  }
}
