// Secured transports on one faulty network in memory and one virtual clock, with everything that passes by written down: for
// tests of whole transports, and of what strangers can do to them.
import { type Address, type Datagram, decodeUtf8, encodeUtf8, type Peer } from '@lapwing/kernel';
import {
  type LinkProfile,
  MemoryNetwork,
  type MemoryTransport,
  SeededRandom,
  type UdpAddress,
  VirtualClock,
} from '@lapwing/kernel/testing';
import type { AssociationPeer } from '../association.ts';
import type { Associations } from '../associations.ts';
import type { SecureOptions } from '../options.ts';
import type { Sealing } from '../sealing.ts';
import { type DtlsTransport, secure } from '../transport.ts';

export interface Passed {
  readonly from: UdpAddress;
  readonly to: UdpAddress;
  readonly bytes: Uint8Array;
}

/** One end: the transport, the road below it, and what came out above. */
export interface Side {
  readonly transport: DtlsTransport;
  readonly road: MemoryTransport;
  readonly received: Datagram[];
  readonly lost: { readonly peer: Peer; readonly cause: Error }[];
  /** What came, as text. */
  texts(): readonly string[];
}

export interface SideOptions {
  readonly echo?: boolean;
  readonly mtu?: number;
  /** Taken up before it is opened. */
  readonly restore?: Uint8Array | Iterable<readonly [string, Uint8Array]>;
}

export class World {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly network: MemoryNetwork;
  /** Every datagram, also those that are dropped. */
  readonly passed: Passed[] = [];
  /** Says which are dropped: `index` counts from 0. */
  drops: (passed: Passed, index: number) => boolean = () => false;

  constructor(seed = 1, profile: Partial<LinkProfile> = {}) {
    this.clock = new VirtualClock();
    this.random = new SeededRandom(seed);
    this.network = new MemoryNetwork(this.clock, this.random, profile);
    this.network.tap = (from, to, bytes) => {
      const passed = { from, to, bytes: new Uint8Array(bytes) };
      this.passed.push(passed);
      return this.drops(passed, this.passed.length - 1) ? undefined : bytes;
    };
  }

  /** Opens a side at `host`:`port`; `echo` sends back what it gets. */
  async side(
    host: string,
    port: number,
    options: Partial<SecureOptions>,
    { echo = false, mtu = 1152, restore }: SideOptions = {},
  ): Promise<Side> {
    const road = this.network.transport(host, port, { mtu });
    const transport = secure(road, { clock: this.clock, random: this.random, ...options });
    if (restore !== undefined) transport.restore(restore);
    const received: Datagram[] = [];
    const lost: { readonly peer: Peer; readonly cause: Error }[] = [];
    await transport.open({
      receive: (datagram) => {
        received.push(datagram);
        if (echo) transport.send(datagram.peer, datagram.bytes);
      },
      lost: (peer, cause) => void lost.push({ peer, cause }),
    });
    return { transport, road, received, lost, texts: () => received.map(({ bytes }) => decodeUtf8(bytes)) };
  }

  /** Connects within 100 s of virtual time, or rejects as `connect` does. */
  async connect(from: Side, to: Side | Address): Promise<Peer> {
    const address = 'transport' in to ? to.road.address : to;
    const connecting = from.transport.connect(address);
    connecting.catch(() => undefined);
    for (let i = 0; i < 1000 && from.transport.stats().handshakes >= 0; i += 1) {
      await this.clock.advance(100);
      if (await isSettled(connecting)) break;
    }
    return connecting;
  }

  async say(from: Side, to: Peer, text: string): Promise<void> {
    from.transport.send(to, encodeUtf8(text));
    await this.clock.advance(50);
  }

  /** Sends `bytes` as if they came from `from`. */
  async forge(from: UdpAddress, to: Side, bytes: Uint8Array): Promise<void> {
    this.network.carry(from, to.road.address, bytes);
    await this.clock.advance(50);
  }
}

/** Sends a record of any type with the keys of an association: what a peer with a mind of its own might say. */
export function sayAs(side: Side, peer: Peer, type: number, content: Uint8Array): void {
  const { table, sealing } = side.transport as unknown as { readonly table: Associations; readonly sealing: Sealing };
  const live = table.liveOf(table.owns(peer) as AssociationPeer, 0);
  const bytes = new Uint8Array(sealing.length(live, content.length));
  sealing.seal(live, type, content, bytes, 0);
  side.road.send(live.road, bytes);
}

/** The records of a datagram without connection ids. */
export function splitRecords(datagram: Uint8Array): readonly Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let at = 0; at + 13 <= datagram.length; ) {
    const end = at + 13 + (datagram[at + 11] as number) * 256 + (datagram[at + 12] as number);
    records.push(datagram.subarray(at, end));
    at = end;
  }
  return records;
}

function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open');
  return Promise.race([promise, Promise.resolve(open)]).then(
    (winner) => winner !== open,
    () => true,
  );
}
