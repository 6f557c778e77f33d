// A transport over text messages (shell): whole messages to and from telephone numbers. A number is where a peer is, never who it is.
import {
  type Address,
  ClosedError,
  ConfigError,
  ExpiringMap,
  hours,
  nobody,
  type Peer,
  seconds,
  type Transport,
  type TransportSink,
  type TransportTraits,
} from '@lapwing/kernel';
import type { Messenger } from './messenger.ts';
import { formatNumber, parseNumber } from './pdu/address.ts';

export interface SmsTransportOptions {
  readonly messenger: Messenger;
  /** Hears this number only, such as a device its server; default: everybody whom no other transport of the messenger hears. */
  readonly from?: string;
}

/**
 * How slow the road is. CoAP asks once: with these numbers it waits 62 to 93 s, and a lost message is the business of whoever asked.
 * A handshake, which cannot go on without each of its flights, sends one again after 20 and 40 s, and as often when the other side does:
 * five copies at most, which cost money. LwM2M 1.0 §7.2.2 has 9 to 60 s; 9 is less than a text message often takes to go and come back.
 */
export const smsPace: NonNullable<TransportTraits['pace']> = {
  ackTimeout: seconds(62),
  maxRetransmit: 0,
  handshake: {
    retransmitAfter: seconds(20),
    retransmitAtMost: seconds(60),
    retransmissions: 2,
    patience: seconds(600),
  },
};

/** Peers that are kept, so that what others have noted of them is found again. */
const MOST_PEERS = 10_000;

/** Opens when its messenger is open already, and leaves it open. Throws FormatError where `from` is no number. */
export function smsTransport(options: SmsTransportOptions): Transport {
  return new SmsTransport(options);
}

class SmsTransport implements Transport {
  readonly traits: TransportTraits;
  private readonly messenger: Messenger;
  private readonly from: string | undefined;
  private readonly peers = new ExpiringMap<string, Peer>(hours(24), MOST_PEERS);
  private listening: Disposable | undefined;

  constructor({ messenger, from }: SmsTransportOptions) {
    this.messenger = messenger;
    this.from = from === undefined ? undefined : formatNumber(parseNumber(from));
    const { mtu, longest } = messenger;
    this.traits = { reliable: false, framing: 'rfc7252', mtu, longest, pace: smsPace };
  }

  open(sink: TransportSink): Promise<void> {
    if (this.listening !== undefined) return Promise.reject(new ClosedError('a transport is opened once'));
    try {
      this.listening = this.messenger.receive(this.from, ({ from, bytes, at }) => {
        // What comes from the one number that is listened to comes from that peer, however the network writes it.
        sink.receive({ peer: this.peerOf(this.from ?? from), bytes, at });
      });
    } catch (error) {
      return Promise.reject(error);
    }
    return Promise.resolve();
  }

  connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (address.via !== 'sms') return Promise.reject(new ConfigError([`address: ${address.via} is not sms`]));
    try {
      return Promise.resolve(this.peerOf(formatNumber(parseNumber(address.msisdn))));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  send(peer: Peer, bytes: Uint8Array): void {
    if (this.listening === undefined || peer.address.via !== 'sms') return;
    this.messenger.send(peer.address.msisdn, bytes);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.listening?.[Symbol.dispose]();
    this.listening = undefined;
    return Promise.resolve();
  }

  private peerOf(number: string): Peer {
    const now = this.messenger.clock.now();
    const peer = this.peers.get(number, now) ?? {
      key: `sms:${number}`,
      address: { via: 'sms', msisdn: number },
      identity: nobody,
    };
    this.peers.set(number, peer, now);
    return peer;
  }
}

/** Roads to one number at a time, as a device with several servers needs them. */
export const smsRoad =
  (messenger: Messenger) =>
  (number: string): Transport =>
    smsTransport({ messenger, from: number });
