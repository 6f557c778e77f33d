// The peers of a UDP socket: the same object for the same address, without building its key anew for each datagram.
// A table of sets of four, the newest first: an address is looked for in four places, and takes the oldest of them. It
// grows with the peers that speak, so that each of a fleet is found again, up to a bound that nobody outside can move.
import { type Address, formatAddress, nobody, type Peer } from '@lapwing/kernel';

type UdpAddress = Extract<Address, { via: 'udp' | 'tcp' }>;

const WAYS = 4;
/** Powers of two. At the most it is 2 MiB of places, and some 40 MB of peers that nobody else holds. */
const FEWEST = 4096;
const MOST = 262_144;

export class PeerCache {
  private places = empty(FEWEST);
  private taken = 0;

  at(host: string, port: number): Peer {
    const from = setOf(host, port, this.places.length);
    for (let i = from; i < from + WAYS; i += 1) {
      const known = this.places[i];
      if (known === undefined) break;
      const { address } = known;
      if (address.via === 'udp' && address.port === port && address.host === host) return known;
    }
    const address: UdpAddress = { via: 'udp', host, port };
    const fresh: Peer = { key: flat(formatAddress(address)), address, identity: nobody };
    this.put(fresh, from);
    if (this.taken * 2 > this.places.length && this.places.length < MOST) this.grow();
    return fresh;
  }

  private put(peer: Peer, from: number): void {
    const { places } = this;
    if (places[from + WAYS - 1] === undefined) this.taken += 1;
    for (let i = from + WAYS - 1; i > from; i -= 1) places[i] = places[i - 1];
    places[from] = peer;
  }

  private grow(): void {
    const before = this.places;
    this.places = empty(before.length * 4);
    this.taken = 0;
    for (const peer of before) {
      if (peer?.address.via === 'udp') this.put(peer, setOf(peer.address.host, peer.address.port, this.places.length));
    }
  }
}

function empty(places: number): (Peer | undefined)[] {
  return new Array<Peer | undefined>(places).fill(undefined);
}

/** Where the set of that address begins. */
function setOf(host: string, port: number, places: number): number {
  let hash = port;
  for (let i = host.length - 1; i >= 0; i -= 1) hash = (Math.imul(hash, 31) + host.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 12)) & (places - WAYS);
}

/** In one piece: a text put together keeps its parts for as long as it lives. */
const flat = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');
