// What a device says and hears over IP, for whoever counts it (object 7). While nobody does, nothing is looked up.
import type { Address, Datagram, Peer, Transport, TransportSink, TransportTraits } from '@lapwing/kernel';
import type { ObjectStore } from './objects/store.ts';

export type Direction = 'sent' | 'received';

/** Who counts. */
export interface Meter {
  /** Bytes went over IP in so many packets, headers up to that of IP included. */
  carried(direction: Direction, bytes: number, packets: number): void;
}

const meters = new WeakMap<ObjectStore, Meter>();
/** In all the process: as a rule nobody does. */
let counting = 0;

/** Until it is disposed of, `meter` counts what the device with these objects says and hears. */
export function countTraffic(objects: ObjectStore, meter: Meter): Disposable {
  meters.set(objects, meter);
  counting += 1;
  let isOver = false;
  return {
    [Symbol.dispose]: () => {
      if (isOver) return;
      isOver = true;
      counting -= 1;
      if (meters.get(objects) === meter) meters.delete(objects);
    },
  };
}

/** What goes over the roads of one device. */
export class Traffic {
  private readonly objects: ObjectStore;

  constructor(objects: ObjectStore) {
    this.objects = objects;
  }

  /** A whole message is given to a road, or comes from one. */
  message(direction: Direction, { address, identity }: Peer, bytes: number): void {
    // Of secured datagrams what counts is what they are made of, handshakes too.
    if (address.via !== 'udp' || identity.kind === 'none') this.carry(direction, address, bytes);
  }

  /** A datagram of a secured road. */
  datagram(direction: Direction, { address }: Peer, bytes: number): void {
    this.carry(direction, address, bytes);
  }

  /** Bytes of a connection that nobody here sees as messages. */
  stream(direction: Direction, bytes: number): void {
    if (bytes > 0) this.carry(direction, { via: 'tcp', host: '', port: 0 }, bytes);
  }

  /** A text message is no IP. */
  private carry(direction: Direction, address: Address, bytes: number): void {
    const meter = counting === 0 ? undefined : meters.get(this.objects);
    if (meter === undefined || address.via === 'sms') return;
    // Of IP with UDP or TCP, without options.
    const headers = (address.host.includes(':') ? 40 : 20) + (address.via === 'udp' ? 8 : 20);
    const packets = address.via === 'udp' ? 1 : Math.ceil(bytes / (longestPacket - headers));
    meter.carried(direction, bytes + packets * headers, packets);
  }
}

/** Of a connection: as much as a frame of Ethernet takes. */
export const longestPacket = 1500;

type Count = (direction: Direction, peer: Peer, bytes: number) => void;

/** The same road, and `count` hears of everything that goes over it. */
export function counted(inner: Transport, count: Count): Transport {
  return new CountedTransport(inner, count);
}

class CountedTransport implements Transport {
  readonly traits: TransportTraits;
  readonly close?: NonNullable<Transport['close']>;
  readonly ping?: NonNullable<Transport['ping']>;
  readonly settled?: NonNullable<Transport['settled']>;
  private readonly inner: Transport;
  private readonly count: Count;

  constructor(inner: Transport, count: Count) {
    this.inner = inner;
    this.count = count;
    this.traits = inner.traits;
    const { close, ping, settled } = inner;
    // What a road cannot do it does not offer.
    if (close !== undefined) this.close = close.bind(inner);
    if (ping !== undefined) this.ping = ping.bind(inner);
    if (settled !== undefined) this.settled = settled.bind(inner);
  }

  open(sink: TransportSink): Promise<void> {
    return this.inner.open({
      receive: (datagram: Datagram) => {
        this.count('received', datagram.peer, datagram.bytes.length);
        sink.receive(datagram);
      },
      lost: (peer, cause) => sink.lost(peer, cause),
      flow: (peer, state) => sink.flow?.(peer, state),
    });
  }

  connect(...to: Parameters<Transport['connect']>): Promise<Peer> {
    return this.inner.connect(...to);
  }

  send(peer: Peer, bytes: Uint8Array): void {
    this.count('sent', peer, bytes.length);
    this.inner.send(peer, bytes);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.inner[Symbol.asyncDispose]();
  }
}
