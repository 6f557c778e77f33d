import { PackageError } from '@lapwing/client';
import { equalBytes } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { PackagePool } from './package-pool.ts';

const image = Uint8Array.from({ length: 4000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);

async function filled(pool: PackagePool, piece: number) {
  const store = pool.store();
  for (let offset = 0; offset < image.length; offset += piece)
    await store.write(offset, image.subarray(offset, offset + piece));
  return store;
}

describe('packages of a fleet', () => {
  it('are kept once, however many devices have them', async () => {
    const pool = new PackagePool();
    const stores = await Promise.all(Array.from({ length: 50 }, () => filled(pool, 1000)));
    expect(pool.size).toBe(image.length);
    for (const store of stores) expect(equalBytes(await store.read(0, 10_000), image)).toBe(true);
  });

  it('go on from where they were cut', async () => {
    const store = await filled(new PackagePool(), 1024);
    await store.cut(1500);
    await store.write(1500, image.subarray(1500));
    expect(await store.read(0, image.length)).toEqual(image);
  });

  it('keep their notes apart', async () => {
    const pool = new PackagePool();
    const [one, other] = [pool.store(), pool.store()];
    await one.keep('note');
    expect([await one.load(), await other.load()]).toEqual(['note', undefined]);
  });

  it('have no more room than they were given', async () => {
    const store = new PackagePool(3000).store();
    await store.write(0, image.subarray(0, 3000));
    await expect(store.write(3000, image.subarray(3000))).rejects.toThrow(PackageError);
  });
});
