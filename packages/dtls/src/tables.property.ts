// The tables of associations against plain models of them: slab, order of use, index of addresses, packed form.
import type { Address, Identity } from '@lapwing/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressIndex, hashAddress } from './address-index.ts';
import {
  type Association,
  isAt,
  packAssociation,
  packedLength,
  readAddress,
  unpackAssociation,
  writeCounts,
} from './packed.ts';
import { Recency } from './recency.ts';
import { LONGEST_PIECE, Slab } from './slab.ts';
import { suites, withEncryptThenMac } from './suites/registry.ts';

describe('a slab', () => {
  it('keeps pieces apart, reuses what was freed, and hands out zeros (dtls E 126)', () => {
    const step = fc.oneof(
      fc.record({ take: fc.integer({ min: 1, max: LONGEST_PIECE }), fill: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ free: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const slab = new Slab();
        const held: { piece: number; length: number; fill: number }[] = [];
        for (const each of steps) {
          if ('take' in each) {
            const piece = slab.take(each.take);
            const at = slab.offset(piece);
            const room = slab.block(piece).subarray(at, at + slab.room(piece));
            expect(room.length).toBeGreaterThanOrEqual(each.take);
            expect(room.every((byte) => byte === 0)).toBe(true);
            room.fill(each.fill);
            held.push({ piece, length: room.length, fill: each.fill });
          } else if (held.length > 0) {
            const [gone] = held.splice(each.free % held.length, 1);
            slab.free(gone!.piece);
          }
          for (const { piece, length, fill } of held) {
            const at = slab.offset(piece);
            expect(
              slab
                .block(piece)
                .subarray(at, at + length)
                .every((byte) => byte === fill),
            ).toBe(true);
          }
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('the order of use', () => {
  it('is that of a list', () => {
    const step = fc.record({
      what: fc.constantFrom('add', 'touch', 'remove'),
      place: fc.integer({ min: 0, max: 400 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const recency = new Recency();
        let model: number[] = [];
        for (const { what, place } of steps) {
          const isIn = model.includes(place);
          if (isIn === (what === 'add')) continue;
          model = model.filter((each) => each !== place);
          if (what !== 'remove') model.push(place);
          if (what === 'add') recency.add(place);
          else if (what === 'touch') recency.touch(place);
          else recency.remove(place);
          expect(recency.first).toBe(model[0]);
        }
        expect([...recency]).toEqual(model);
      }),
    );
  });
});

describe('the index of addresses', () => {
  it('finds all places of an address, also when hashes collide', () => {
    const step = fc.record({
      add: fc.boolean(),
      hash: fc.integer({ min: 0, max: 40 }),
      place: fc.integer({ min: 0, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 500 }), fc.integer({ min: 0, max: 0x7fff_ffff }), (steps, spread) => {
        const index = new AddressIndex();
        const model = new Map<number, number>();
        for (const { add, hash, place } of steps) {
          const real = Math.imul(hash, spread) & 0x7fff_ffff;
          if (add && !model.has(place)) {
            index.add(real, place);
            model.set(place, real);
          } else if (!add && model.has(place)) {
            index.remove(model.get(place)!, place);
            model.delete(place);
          }
        }
        for (const real of new Set(model.values())) {
          const found: number[] = [];
          for (let step = index.find(real, 0); step >= 0; step = index.find(real, step + 1)) {
            found.push(index.placeAt(real, step));
          }
          expect(found.sort()).toEqual(
            [...model]
              .filter(([, hash]) => hash === real)
              .map(([place]) => place)
              .sort(),
          );
        }
        expect(index.find(1 + [...model.values()].reduce((a, b) => Math.max(a, b), 0), 0)).toBe(-1);
      }),
    );
  });
});

const address: fc.Arbitrary<Address> = fc.oneof(
  fc.record({
    via: fc.constantFrom('udp' as const, 'tcp' as const),
    host: fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ maxLength: 40 })),
    port: fc.integer({ min: 0, max: 65_535 }),
  }),
  fc.record({ via: fc.constant('sms' as const), msisdn: fc.stringMatching(/^\+[0-9]{5,15}$/) }),
);
const bytes = (minLength: number, maxLength = minLength): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });
const identity: fc.Arbitrary<Identity> = fc.oneof(
  fc.constant({ kind: 'none' as const }),
  fc.record({ kind: fc.constant('psk' as const), id: bytes(0, 200) }),
  fc.record({ kind: fc.constant('rpk' as const), publicKey: bytes(0, 100) }),
  fc.record({ kind: fc.constant('x509' as const), subject: fc.string(), chain: bytes(1, 600).map((leaf) => [leaf]) }),
);
const u48 = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

const association: fc.Arbitrary<Association> = fc
  .constantFrom(...suites, ...suites.map(withEncryptThenMac))
  .chain((suite) => {
    const keys = fc.record({ key: bytes(suite.keyLength), iv: bytes(suite.ivLength), mac: bytes(suite.macLength) });
    return fc.record({
      role: fc.constantFrom('client' as const, 'server' as const),
      suite: fc.constant(suite),
      sendLimit: fc.integer({ min: 64, max: 16_384 }),
      sendCid: fc.option(bytes(0, 255), { nil: undefined }),
      hasOwnCid: fc.boolean(),
      since: u48,
      seen: u48,
      writeSequence: u48,
      right: fc.integer({ min: -1, max: 2 ** 48 - 2 }),
      low: i32,
      high: i32,
      sealedRecords: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      forgeries: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      followsFrom: u48,
      name: bytes(9),
      address,
      identity,
      sealing: keys,
      opening: keys,
    });
  });

describe('a packed association', () => {
  it('is what was packed, wherever it lies, and says how long it is', () => {
    fc.assert(
      fc.property(association, fc.integer({ min: 0, max: 30 }), address, (each, at, other) => {
        const packed = packAssociation(each, each, each.identity);
        const block = new Uint8Array(at + packed.length + 5).fill(0xee);
        block.set(packed, at);
        expect(packedLength(block, at)).toBe(packed.length);
        expect(unpackAssociation(block, at)).toEqual(each);
        expect(readAddress(block, at)).toEqual(each.address);
        expect(isAt(block, at, each.address)).toBe(true);
        expect(isAt(block, at, other)).toBe(
          hashAddress(other) === hashAddress(each.address) && JSON.stringify(other) === JSON.stringify(each.address),
        );
        writeCounts(block, at, { ...each, writeSequence: 5, right: 6, low: 7, high: 8 }, 9);
        expect(unpackAssociation(block, at)).toEqual({ ...each, writeSequence: 5, right: 6, low: 7, high: 8, seen: 9 });
      }),
      { numRuns: 300 },
    );
  });

  it('is refused with a FormatError when it is cut or made up', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (any) => {
        try {
          if (packedLength(any, 0) <= any.length) unpackAssociation(any, 0);
        } catch (error) {
          expect(error).toMatchObject({ code: 'FORMAT' });
        }
      }),
    );
    fc.assert(
      fc.property(association, fc.nat(), (each, cut) => {
        const packed = packAssociation(each, each, each.identity);
        expect(() => packedLength(packed.subarray(0, cut % packed.length), 0)).toThrow();
      }),
    );
  });
});
