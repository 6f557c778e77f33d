import { describe, expect, it } from 'vitest';
import { findSuite } from '../suites/registry.ts';
import { CipherCache, type CipherOwner } from './active-keys.ts';

const suite = findSuite(0xc0a8)!;
const gcm = findSuite(0x00a8)!;
const keys = (fill: number) => ({
  key: new Uint8Array(16).fill(fill),
  iv: new Uint8Array(4).fill(fill),
  mac: new Uint8Array(0),
});
const owner = (): CipherOwner => ({ sealing: undefined, opening: undefined });

describe('the cache of active keys', () => {
  it('puts copies of the keys at their owner, untouched by what becomes of the originals', () => {
    const cache = new CipherCache();
    const a = owner();
    const slab = keys(7);
    const active = cache.keep(a, 'sealing', suite, slab);
    slab.key.fill(0);
    expect(a.sealing).toBe(active);
    expect(a.opening).toBeUndefined();
    expect(active.key).toEqual(new Uint8Array(16).fill(7));
  });

  it('holds no more directions than its limit, and takes away those not used of late', () => {
    const cache = new CipherCache(4);
    const owners = [owner(), owner(), owner(), owner()];
    for (const o of owners) cache.keep(o, 'sealing', suite, keys(1));
    const busy = owners[1]!;
    for (let n = 0; n < 50; n += 1) {
      busy.sealing?.use();
      const fresh = owner();
      cache.keep(fresh, 'opening', suite, keys(2));
      expect(cache.size).toBe(4);
      expect(busy.sealing).toBeDefined();
      expect(fresh.opening).toBeDefined();
    }
    expect(owners.filter((o) => o.sealing !== undefined)).toEqual([busy]);
  });

  it('overwrites the keys of an owner that is dropped, and of no other (dtls E 126)', () => {
    const cache = new CipherCache();
    const a = owner();
    const b = owner();
    const sealing = cache.keep(a, 'sealing', suite, keys(1));
    const opening = cache.keep(a, 'opening', suite, keys(2));
    const other = cache.keep(b, 'sealing', suite, keys(3));
    cache.drop(a);
    expect(a).toEqual(owner());
    expect(cache.size).toBe(1);
    for (const dropped of [sealing, opening]) {
      expect(dropped.key).toEqual(new Uint8Array(16));
      expect(dropped.iv).toEqual(new Uint8Array(4));
    }
    expect(b.sealing).toBe(other);
    expect(other.key).toEqual(new Uint8Array(16).fill(3));
    cache.drop(a);
    cache.drop(b);
    expect(cache.size).toBe(0);
  });

  it('changes the keys of a direction in one step', () => {
    const cache = new CipherCache(2);
    const a = owner();
    cache.keep(a, 'sealing', suite, keys(1));
    const second = cache.keep(a, 'sealing', suite, keys(2));
    expect(a.sealing).toBe(second);
    expect(cache.size).toBe(1);
  });

  it('makes kept ciphers only for a direction that stays busy, and only for CCM', () => {
    const cache = new CipherCache();
    const a = owner();
    const active = cache.keep(a, 'sealing', suite, keys(1));
    expect([active.use(), active.use()]).toEqual([undefined, undefined]);
    const kept = active.use();
    expect(kept).toBeDefined();
    expect(active.use()).toBe(kept);
    const others = cache.keep(a, 'opening', gcm, keys(1));
    for (let n = 0; n < 5; n += 1) expect(others.use()).toBeUndefined();
  });

  it('works with room for one', () => {
    const cache = new CipherCache(0);
    const a = owner();
    cache.keep(a, 'sealing', suite, keys(1));
    cache.keep(a, 'opening', suite, keys(2));
    expect(a.sealing).toBeUndefined();
    expect(a.opening).toBeDefined();
  });
});
