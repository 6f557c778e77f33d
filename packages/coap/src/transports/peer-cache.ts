// The peers of a UDP socket: the same object for the same address, without building its key anew for each datagram.
// A table of sets of four, the newest first: an address is looked for in four places, and takes the oldest of them. It
// grows with the peers that speak, so that each of a fleet is found again, up to a bound that nobody outside can move.
// Beside each peer stands the hash of its address: of a hundred thousand peers hardly one is in the processor's cache, and
// looking into those that are not meant costs more than all the rest.
// A socket that few speak to, as that of a device, has a short table and nothing else. Where it has grown, who speaks for the
// first time waits in a table of its own and leaves a mark, and gets a place when it comes again: strangers that never do drive
// nobody out, and what is made for them is soon gone.
import { type Address, formatAddress, nobody, type Peer } from '@lapwing/kernel';

type UdpAddress = Extract<Address, { via: 'udp' | 'tcp' }>;

const WAYS = 4;
/** Powers of four. At the most it is 2 MiB of places, and some 40 MB of peers that nobody else holds. */
const FEWEST = 4;
/** A shorter table takes everybody at once. */
const USUAL = 4096;
/** From there on it becomes the usual. */
const LONGEST_SHORT = 64;
const MOST = 262_144;
const STRANGERS = 256;
const MARKS = 65_536;

export class PeerCache {
  private places = empty(FEWEST);
  /** What `hashOf` says of each. */
  private hashes = new Int32Array(FEWEST);
  private strangers: (Peer | undefined)[] | undefined = undefined;
  /** Of those that spoke once: half of the hash of their address, where the other half says. */
  private marks: Uint16Array | undefined = undefined;
  private taken = 0;
  private turn = 0;

  at(host: string, port: number): Peer {
    const hash = hashOf(spotOf(host, port));
    const from = setOf(hash, this.places.length);
    for (let i = from; i < from + WAYS; i += 1) {
      if (this.hashes[i] !== hash) continue;
      const known = this.places[i];
      if (known !== undefined && isAt(known, host, port)) return known;
    }
    if (this.places.length < USUAL) {
      const peer = new UdpPeer({ via: 'udp', host, port });
      // Nobody is driven out as long as there is a longer table.
      while (this.places.length < USUAL && this.places[setOf(hash, this.places.length) + WAYS - 1] !== undefined)
        this.grow();
      this.place(peer, hash, setOf(hash, this.places.length));
      return peer;
    }
    this.strangers ??= empty(STRANGERS);
    const waiting = this.strangers[hash & (STRANGERS - 1)];
    const stranger =
      waiting !== undefined && isAt(waiting, host, port) ? waiting : new UdpPeer({ via: 'udp', host, port });
    if (stranger === waiting || this.takeMark(hash)) this.place(stranger, hash, from);
    else this.strangers[hash & (STRANGERS - 1)] = stranger;
    return stranger;
  }

  private place(peer: Peer, hash: number, from: number): void {
    this.put(peer, hash, from);
    if (this.taken * 2 > this.places.length && this.places.length < MOST) this.grow();
  }

  /** Whether somebody of that hash spoke before; else leaves a mark, which gives way to another's only now and then. */
  private takeMark(hash: number): boolean {
    this.marks ??= new Uint16Array(MARKS);
    const { marks } = this;
    const at = hash & (MARKS - 1);
    const mark = (hash >>> 16) | 1;
    const isKnown = marks[at] === mark;
    this.turn = (Math.imul(this.turn, 1_664_525) + 1_013_904_223) | 0;
    if (isKnown) marks[at] = 0;
    else if (marks[at] === 0 || this.turn >>> 30 === 0) marks[at] = mark;
    return isKnown;
  }

  private put(peer: Peer, hash: number, from: number): void {
    const { places, hashes } = this;
    if (places[from + WAYS - 1] === undefined) this.taken += 1;
    for (let i = from + WAYS - 1; i > from; i -= 1) {
      places[i] = places[i - 1];
      hashes[i] = hashes[i - 1] as number;
    }
    places[from] = peer;
    hashes[from] = hash;
  }

  private grow(): void {
    const { places, hashes } = this;
    this.places = empty(places.length === LONGEST_SHORT ? USUAL : places.length * 4);
    this.hashes = new Int32Array(this.places.length);
    this.taken = 0;
    for (let i = 0; i < places.length; i += 1) {
      const peer = places[i];
      const hash = hashes[i] as number;
      if (peer !== undefined) this.put(peer, hash, setOf(hash, this.places.length));
    }
  }
}

function empty(places: number): (Peer | undefined)[] {
  return new Array<Peer | undefined>(places).fill(undefined);
}

/** An IPv4 address and its port are one number, above 0; of any other address a hash, below 0. */
function spotOf(host: string, port: number): number {
  let address = 0;
  let part = 0;
  for (let i = 0; i < host.length; i += 1) {
    const digit = host.charCodeAt(i) - 0x30;
    if (digit === -2) {
      address = address * 256 + part;
      part = 0;
    } else if (digit >= 0 && digit <= 9) part = part * 10 + digit;
    else return hashOfText(host, port);
  }
  return (address * 256 + part) * 65_536 + port;
}

function hashOfText(host: string, port: number): number {
  let hash = port;
  for (let i = host.length - 1; i >= 0; i -= 1) hash = (Math.imul(hash, 31) + host.charCodeAt(i)) | 0;
  return -1 - (hash >>> 0);
}

function hashOf(spot: number): number {
  const low = spot | 0;
  const hash = Math.imul(low ^ Math.imul((spot - (low >>> 0)) / 2 ** 32, 0x9e37_79b1) ^ (low >>> 16), 0x7feb_352d);
  return hash ^ (hash >>> 15);
}

/** Where the set of an address with that hash begins. */
function setOf(hash: number, places: number): number {
  return hash & (places - WAYS);
}

/** Of a fleet there are as many as devices: what is the same for all is not kept in each. */
class UdpPeer implements Peer {
  readonly address: UdpAddress;
  known: object | undefined = undefined;

  constructor(address: UdpAddress) {
    this.address = address;
  }

  /** Made when somebody asks: who speaks often is known by the object itself. */
  get key(): string {
    return formatAddress(this.address);
  }

  get identity(): Peer['identity'] {
    return nobody;
  }
}

function isAt({ address }: Peer, host: string, port: number): boolean {
  return address.via === 'udp' && address.port === port && address.host === host;
}
