// Whose the associations of a table are: those of one identity, and identities that are too long for the slab.
import type { Identity } from '@lapwing/kernel';
import { AddressIndex } from './address-index.ts';
import type { Limits } from './options.ts';

export class Identities {
  private readonly index = new AddressIndex();
  /** What is too long for the slab: chains of certificates. */
  private readonly beside = new Map<number, Identity>();
  /** Where one identity may have all associations, nobody asks for those of one, and a chain of them all would be long. */
  private readonly isIndexed: boolean;

  constructor({ perIdentity, associations }: Pick<Limits, 'perIdentity' | 'associations'>) {
    this.isIndexed = perIdentity < associations;
  }

  /** What is kept beside the slab. */
  get(place: number): Identity | undefined {
    return this.beside.get(place);
  }

  set(place: number, identity: Identity): void {
    this.beside.set(place, identity);
  }

  add(identity: Identity, place: number): void {
    if (this.isIndexed && identity.kind !== 'none') this.index.add(hashIdentity(identity), place);
  }

  remove(identity: Identity, place: number): void {
    if (this.isIndexed && identity.kind !== 'none') this.index.remove(hashIdentity(identity), place);
    this.beside.delete(place);
  }

  /** As far as hashes tell: others may have the same. */
  mayBeMoreThan(count: number, identity: Identity): boolean {
    if (!this.isIndexed || identity.kind === 'none') return false;
    const hash = hashIdentity(identity);
    let found = 0;
    for (let step = this.index.find(hash, 0); step >= 0; step = this.index.find(hash, step + 1)) {
      found += 1;
      if (found > count) return true;
    }
    return false;
  }

  /** Places of that identity, and perhaps of others; none for nobody, or where their number is not limited. */
  *placesLike(identity: Identity): IterableIterator<number> {
    if (!this.isIndexed || identity.kind === 'none') return;
    const hash = hashIdentity(identity);
    for (let step = this.index.find(hash, 0); step >= 0; step = this.index.find(hash, step + 1)) {
      yield this.index.placeAt(hash, step);
    }
  }
}

/** 31 bits; equal for what sameIdentity calls the same. */
function hashIdentity(identity: Exclude<Identity, { readonly kind: 'none' }>): number {
  let hash = identity.kind.charCodeAt(0);
  if (identity.kind === 'x509') {
    for (let i = 0; i < identity.subject.length; i += 1) hash = step(hash, identity.subject.charCodeAt(i));
  } else for (const byte of identity.kind === 'rpk' ? identity.publicKey : identity.id) hash = step(hash, byte);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b_3c6d);
  return (hash ^ (hash >>> 13)) & 0x7fff_ffff;
}

function step(hash: number, value: number): number {
  return (Math.imul(hash, 31) + value) | 0;
}
