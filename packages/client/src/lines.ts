// The telephone lines of a device with a modem: one for each number, however many of its servers have that number, and over it DTLS once
// for each credential. A trigger goes to the account that it names, everything else to the one that is spoken to by number (Transport 1.1
// §6.6).
import {
  type Address,
  ConfigError,
  equalBytes,
  equalInConstantTime,
  type Peer,
  type Transport,
  type TransportSink,
  type TransportTraits,
  untilAborted,
} from '@lapwing/kernel';
import type { Credentials, Destination } from './connect.ts';
import { PartyLine } from './party-line.ts';
import { digitsOf, type SmsAccess } from './sms.ts';

/** Makes DTLS over a transport. */
export type Securing = (line: Transport, destination: Destination) => Promise<Transport>;

export class Lines {
  private readonly road: SmsAccess['road'];
  private readonly securing: Securing;
  private readonly lines = new Map<string, TelephoneLine>();

  constructor(road: SmsAccess['road'], securing: Securing) {
    this.road = road;
    this.securing = securing;
  }

  /** Rejects with ConfigError for an address that is no number. */
  async take(destination: Destination): Promise<Transport> {
    const { address, credentials, heeds } = destination;
    if (address.via !== 'sms') throw new ConfigError([`address: ${address.via} is no number`]);
    for (const [number, line] of this.lines) if (line.isIdle) this.lines.delete(number);
    const digits = digitsOf(address.msisdn);
    const line = this.lines.get(digits) ?? new TelephoneLine(address.msisdn, this.road);
    this.lines.set(digits, line);
    if (credentials === undefined) return line.plain.take(heeds);
    return line.underDtls(credentials, (road) => this.securing(road, destination)).take(heeds);
  }
}

interface Secured {
  readonly credentials: Credentials;
  readonly transport: PartyLine;
}

class TelephoneLine {
  readonly plain: PartyLine;
  private readonly number: string;
  private secured: readonly Secured[] = [];
  private handshake: Promise<unknown> = Promise.resolve();

  constructor(number: string, road: SmsAccess['road']) {
    this.number = number;
    this.plain = new PartyLine(number, () => road(number));
  }

  get isIdle(): boolean {
    return this.plain.isIdle && this.secured.every(({ transport }) => transport.isIdle);
  }

  underDtls(credentials: Credentials, secure: (road: Transport) => Promise<Transport>): PartyLine {
    this.secured = this.secured.filter(({ transport }) => !transport.isIdle);
    const known = this.secured.find((each) => isSame(each.credentials, credentials));
    if (known !== undefined) return known.transport;
    const transport = new PartyLine(this.number, async () => {
      const secured = await secure(await this.plain.take(isRecord));
      return new InTurn(secured, (shake) => this.inTurn(shake));
    });
    this.secured = [...this.secured, { credentials, transport }];
    return transport;
  }

  /** Nothing on a record of a handshake says which one it is of. */
  private inTurn<T>(shake: () => Promise<T>): Promise<T> {
    const turn = this.handshake.then(shake);
    this.handshake = turn.catch(() => undefined);
    return turn;
  }
}

/** RFC 6347 §4.1, RFC 7252 §3: what a datagram begins with is a content type, or a version of CoAP. */
const isRecord = ([first = 0]: Uint8Array): boolean => first >= 20 && first < 64;

function isSame(a: Credentials, b: Credentials): boolean {
  if (a.kind !== 'psk' || b.kind !== 'psk') return a === b;
  return equalBytes(a.identity, b.identity) && equalInConstantTime(a.key.reveal(), b.key.reveal());
}

/** A transport whose handshakes wait for each other’s end. */
class InTurn implements Transport {
  readonly close?: NonNullable<Transport['close']>;
  private readonly inner: Transport;
  private readonly inTurn: <T>(shake: () => Promise<T>) => Promise<T>;

  constructor(inner: Transport, inTurn: <T>(shake: () => Promise<T>) => Promise<T>) {
    this.inner = inner;
    this.inTurn = inTurn;
    if (inner.close !== undefined) this.close = (peer, reason) => inner.close?.(peer, reason);
  }

  get traits(): TransportTraits {
    return this.inner.traits;
  }

  open(sink: TransportSink): Promise<void> {
    return this.inner.open(sink);
  }

  connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    return untilAborted(
      this.inTurn(() => this.inner.connect(address, signal)),
      signal,
    );
  }

  send(peer: Peer, bytes: Uint8Array): void {
    this.inner.send(peer, bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inner[Symbol.asyncDispose]();
  }
}
