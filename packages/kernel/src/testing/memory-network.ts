// A network in memory: hosts with addresses, links with latency, loss, duplication, reordering and MTU,
// hosts that change their address or go dark. Everything happens on the given clock and chance, so a
// failing seed replays exactly.
import type { Clock, Duration } from '../clock.ts';
import { ClosedError } from '../errors.ts';
import {
  type Address,
  formatAddress,
  nobody,
  type Peer,
  type Transport,
  type TransportSink,
  type TransportTraits,
} from '../transport.ts';
import type { SeededRandom } from './seeded-random.ts';

export interface LinkProfile {
  /** Chance that a datagram is lost, 0 to 1. */
  readonly loss: number;
  /** Chance that it arrives twice, 0 to 1. */
  readonly duplicate: number;
  /** Chance that it is held back for up to `reorderBy` more, 0 to 1. */
  readonly reorder: number;
  readonly reorderBy: Duration;
  /** One way, plus or minus `jitter`. */
  readonly latency: Duration;
  readonly jitter: Duration;
  /** Longer datagrams vanish. */
  readonly mtu: number;
}

export const perfectLink: LinkProfile = {
  loss: 0,
  duplicate: 0,
  reorder: 0,
  reorderBy: 0,
  latency: 1,
  jitter: 0,
  mtu: 65_507,
};

export interface NetworkCounters {
  readonly sent: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly tooLong: number;
  readonly unreachable: number;
}

export type UdpAddress = Extract<Address, { via: 'udp' | 'tcp' }>;

/** What a test may look at, drop or change on its way: return undefined to drop. */
export type Tap = (from: UdpAddress, to: UdpAddress, bytes: Uint8Array) => Uint8Array | undefined;

export class MemoryNetwork {
  readonly clock: Clock;
  readonly random: SeededRandom;
  private profile: LinkProfile;
  private readonly hosts = new Map<string, MemoryTransport>();
  private readonly dark = new Set<string>();
  private readonly tally = { sent: 0, delivered: 0, lost: 0, duplicated: 0, tooLong: 0, unreachable: 0 };
  private nextPort = 40_000;
  tap: Tap | undefined;

  constructor(clock: Clock, random: SeededRandom, profile: Partial<LinkProfile> = {}) {
    this.clock = clock;
    this.random = random;
    this.profile = { ...perfectLink, ...profile };
  }

  /** Changes the weather for all datagrams sent from now on. */
  weather(profile: Partial<LinkProfile>): void {
    this.profile = { ...this.profile, ...profile };
  }

  /** A transport at `host`:`port`; port 0 takes a free one. Not reachable before it is opened. */
  transport(host: string, port = 0, traits: Partial<TransportTraits> = {}): MemoryTransport {
    return new MemoryTransport(this, { via: 'udp', host, port: port === 0 ? this.freePort() : port }, traits);
  }

  /** All datagrams from and to that host are lost until it is lit again. */
  darken(host: string): void {
    this.dark.add(host);
  }

  lighten(host: string): void {
    this.dark.delete(host);
  }

  /** The weather now. */
  get link(): LinkProfile {
    return this.profile;
  }

  isDark(host: string): boolean {
    return this.dark.has(host);
  }

  counters(): NetworkCounters {
    return { ...this.tally };
  }

  freePort(): number {
    this.nextPort += 1;
    return this.nextPort;
  }

  attach(transport: MemoryTransport): void {
    const place = formatAddress(transport.address);
    if (this.hosts.has(place)) throw new ClosedError(`memory network: ${place} is taken`);
    this.hosts.set(place, transport);
  }

  detach(transport: MemoryTransport): void {
    this.hosts.delete(formatAddress(transport.address));
  }

  carry(from: UdpAddress, to: UdpAddress, sent: Uint8Array): void {
    this.tally.sent += 1;
    const { profile, random } = this;
    if (sent.length > profile.mtu) {
      this.tally.tooLong += 1;
      return;
    }
    if (this.dark.has(from.host) || this.dark.has(to.host) || random.chance(profile.loss)) {
      this.tally.lost += 1;
      return;
    }
    // Not `slice`: of a Buffer that is a view.
    const copy = new Uint8Array(sent);
    const bytes = this.tap === undefined ? copy : this.tap(from, to, copy);
    if (bytes === undefined) {
      this.tally.lost += 1;
      return;
    }
    this.schedule(from, to, bytes);
    if (random.chance(profile.duplicate)) {
      this.tally.duplicated += 1;
      this.schedule(from, to, new Uint8Array(bytes));
    }
  }

  private schedule(from: UdpAddress, to: UdpAddress, bytes: Uint8Array): void {
    const { profile, random, clock } = this;
    let wait = profile.latency + (random.fraction() * 2 - 1) * profile.jitter;
    if (random.chance(profile.reorder)) wait += random.fraction() * profile.reorderBy;
    clock.at(clock.now() + Math.max(0, wait), () => {
      const target = this.hosts.get(formatAddress(to));
      if (target === undefined || this.dark.has(to.host)) this.tally.unreachable += 1;
      else {
        this.tally.delivered += 1;
        target.arrive(from, bytes);
      }
    });
  }
}

export class MemoryTransport implements Transport {
  readonly traits: TransportTraits;
  private readonly network: MemoryNetwork;
  private here: UdpAddress;
  private sink: TransportSink | undefined;

  constructor(network: MemoryNetwork, address: UdpAddress, traits: Partial<TransportTraits>) {
    this.network = network;
    this.here = address;
    this.traits = { reliable: false, framing: 'rfc7252', mtu: 1152, ...traits };
  }

  get address(): UdpAddress {
    return this.here;
  }

  open(sink: TransportSink): Promise<void> {
    if (this.sink !== undefined) return Promise.reject(new ClosedError('memory transport: opened before'));
    try {
      this.network.attach(this);
    } catch (error) {
      return Promise.reject(error);
    }
    this.sink = sink;
    return Promise.resolve();
  }

  connect(address: Address, signal?: AbortSignal): Promise<Peer> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return Promise.resolve(memoryPeer(address));
  }

  send(peer: Peer, bytes: Uint8Array): void {
    if (this.sink === undefined || peer.address.via === 'sms') return;
    this.network.carry(this.here, peer.address, bytes);
  }

  /** The host gets a new address, as behind a NAT that forgot it; what is sent to the old one is lost. */
  rebind(address: { readonly host?: string; readonly port?: number }): void {
    if (this.sink !== undefined) this.network.detach(this);
    this.here = { via: 'udp', host: address.host ?? this.here.host, port: address.port ?? this.network.freePort() };
    if (this.sink !== undefined) this.network.attach(this);
  }

  arrive(from: UdpAddress, bytes: Uint8Array): void {
    this.sink?.receive({ peer: memoryPeer(from), bytes, at: this.network.clock.now() });
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.sink !== undefined) this.network.detach(this);
    this.sink = undefined;
    return Promise.resolve();
  }
}

function memoryPeer(address: Address): Peer {
  return { key: formatAddress(address), address, identity: nobody };
}
