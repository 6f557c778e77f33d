// Which places of a table belong to an address: open addressing over two numbers for each place. Several places may share
// one address; equal hashes are told apart by whoever asks, since only the table knows the addresses.
import type { Address } from '@lapwing/kernel';

const EMPTY = -1;
const SMALLEST = 64;

/** 31 bits of an address; equal addresses have equal hashes. */
export function hashAddress(address: Address): number {
  const text = address.via === 'sms' ? address.msisdn : address.host;
  let hash = address.via === 'sms' ? 7 : address.port;
  for (let i = 0; i < text.length; i += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b_3c6d);
  hash ^= hash >>> 13;
  return hash & 0x7fff_ffff;
}

export class AddressIndex {
  private hashes = new Int32Array(SMALLEST);
  private places = new Int32Array(SMALLEST).fill(EMPTY);
  private count = 0;

  add(hash: number, place: number): void {
    if ((this.count + 1) * 3 > this.places.length * 2) this.resize(this.places.length * 2);
    this.put(hash, place);
    this.count += 1;
  }

  remove(hash: number, place: number): void {
    const { places, hashes } = this;
    const mask = places.length - 1;
    let hole = hash & mask;
    while (places[hole] !== place) {
      if (places[hole] === EMPTY) return;
      hole = (hole + 1) & mask;
    }
    this.count -= 1;
    // What follows moves up, so that no search ends early at the hole.
    for (let i = (hole + 1) & mask; places[i] !== EMPTY; i = (i + 1) & mask) {
      const home = (hashes[i] as number) & mask;
      if (((i - home) & mask) < ((i - hole) & mask)) continue;
      places[hole] = places[i] as number;
      hashes[hole] = hashes[i] as number;
      hole = i;
    }
    places[hole] = EMPTY;
    if (places.length > SMALLEST && this.count * 6 < places.length) this.resize(places.length / 2);
  }

  /** The next candidate at or after slot `from` of the search for `hash`: `steps` counts on from 0; -1 when there is none. */
  find(hash: number, steps: number): number {
    const { places, hashes } = this;
    const mask = places.length - 1;
    for (let step = steps; step <= mask; step += 1) {
      const at = (hash + step) & mask;
      const place = places[at] as number;
      if (place === EMPTY) return -1;
      if (hashes[at] === hash) return step;
    }
    return -1;
  }

  /** The place that `find` stopped at. */
  placeAt(hash: number, step: number): number {
    return this.places[(hash + step) & (this.places.length - 1)] as number;
  }

  private put(hash: number, place: number): void {
    const mask = this.places.length - 1;
    let at = hash & mask;
    while (this.places[at] !== EMPTY) at = (at + 1) & mask;
    this.places[at] = place;
    this.hashes[at] = hash;
  }

  private resize(length: number): void {
    const { places, hashes } = this;
    this.places = new Int32Array(length).fill(EMPTY);
    this.hashes = new Int32Array(length);
    for (let i = 0; i < places.length; i += 1) {
      const place = places[i] as number;
      if (place !== EMPTY) this.put(hashes[i] as number, place);
    }
  }
}
