// Transports that hand each other datagrams in one process, many clients and one server, in lockstep: what the two sides
// compute is measured apart, and so many clients at a time that measuring costs little of it.
import type { Address, Peer, Transport, TransportSink } from '@lapwing/kernel';
import { nobody, systemClock } from '@lapwing/kernel';

function peerAt(port: number): Peer {
  const address: Address = { via: 'udp', host: '127.0.0.1', port };
  return { key: `127.0.0.1:${port}`, address, identity: nobody };
}

function cpuNow(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

interface Arrival {
  readonly from: Peer;
  readonly bytes: Uint8Array;
}

/** One end: what was sent to it waits in `arrived` until it is delivered. */
export class End implements Transport {
  readonly traits = { reliable: false, framing: 'rfc7252', mtu: 1152 } as const;
  readonly peer: Peer;
  readonly arrived: Arrival[] = [];
  private readonly others = new Map<string, End>();
  private sink: TransportSink | undefined;

  constructor(port: number) {
    this.peer = peerAt(port);
  }

  meet(other: End): void {
    this.others.set(other.peer.key, other);
  }

  open(sink: TransportSink): Promise<void> {
    this.sink = sink;
    return Promise.resolve();
  }

  connect(address: Address): Promise<Peer> {
    for (const { peer } of this.others.values()) if (peer.address === address) return Promise.resolve(peer);
    return Promise.reject(new Error('there is nobody'));
  }

  send(peer: Peer, bytes: Uint8Array): void {
    this.others.get(peer.key)?.arrived.push({ from: this.peer, bytes: bytes.slice() });
  }

  /** Hands over all that has arrived, without waiting for what comes of it. */
  deliver(): void {
    for (const { from, bytes } of this.arrived.splice(0)) {
      this.sink?.receive({ peer: from, bytes, at: systemClock.now() });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export interface Wire {
  readonly clients: readonly End[];
  readonly server: End;
  /** CPU time of both sides so far, in µs. */
  readonly used: { clients: number; server: number };
}

export function wire(count: number): Wire {
  const server = new End(5684);
  const clients = Array.from({ length: count }, (_, i) => new End(40_000 + i));
  for (const client of clients) {
    client.meet(server);
    server.meet(client);
  }
  return { clients, server, used: { clients: 0, server: 0 } };
}

/** What `work` costs, with the promises that it settles. */
async function timed(work: () => void): Promise<number> {
  const before = cpuNow();
  work();
  await nextTurn();
  return cpuNow() - before;
}

/** Runs what all clients begin to its end, turn by turn. Rejects when nothing moves any more. */
export async function lockstep<T>({ clients, server, used }: Wire, begin: (n: number) => Promise<T>): Promise<T[]> {
  let over = false;
  let results: Promise<T[]> = Promise.resolve([]);
  const ended = () => {
    over = true;
  };
  used.clients += await timed(() => {
    results = Promise.all(clients.map((_, n) => begin(n)));
    results.then(ended, ended);
  });
  for (let idle = 0; !over; ) {
    if (server.arrived.length > 0) {
      used.server += await timed(() => server.deliver());
      idle = 0;
    } else if (clients.some((client) => client.arrived.length > 0)) {
      used.clients += await timed(() => {
        for (const client of clients) client.deliver();
      });
      idle = 0;
    } else {
      if (++idle > 1000) throw new Error('neither side has anything to say');
      await nextTurn();
    }
  }
  return results;
}

/** The group of a ServerKeyExchange among datagrams without protection (RFC 8422 §5.4), if one is there. */
export function groupIn(datagrams: readonly Arrival[]): number | undefined {
  for (const { bytes } of datagrams) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at + 25 < bytes.length; at += 13 + view.getUint16(at + 11)) {
      const isHandshake = bytes[at] === 22 && view.getUint16(at + 3) === 0;
      if (isHandshake && bytes[at + 13] === 12 && bytes[at + 25] === 3) return view.getUint16(at + 26);
    }
  }
  return undefined;
}
