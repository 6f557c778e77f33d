import { expect, it } from 'vitest';
import { MemoryPackageStore } from './memory-package-store.ts';

const image = Uint8Array.from({ length: 4000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);

it('a package in memory can be read from anywhere, cut anywhere, written over, and goes on from there', async () => {
  const store = new MemoryPackageStore();
  for (let offset = 0; offset < image.length; offset += 1024)
    await store.write(offset, image.subarray(offset, offset + 1024));
  expect(await store.read(1020, 10)).toEqual(image.slice(1020, 1030));
  expect((await store.read(3990, 100)).length).toBe(10);
  await store.cut(1500);
  expect(await store.size()).toBe(1500);
  await store.write(1500, image.subarray(1500));
  await store.write(10, Uint8Array.of(1, 2, 3));
  expect(await store.read(0, 9999)).toEqual(Uint8Array.from([...image.slice(0, 10), 1, 2, 3, ...image.slice(13)]));
  await store.cut(0);
  expect([await store.size(), await store.read(0, 10)]).toEqual([0, new Uint8Array(0)]);
});

it('a package in memory keeps its bytes though whoever wrote them goes on to write, and takes no more than there is room for', async () => {
  const store = new MemoryPackageStore(8);
  const bytes = Buffer.from([1, 2, 3, 4]);
  await store.write(0, bytes);
  bytes.fill(9);
  expect(await store.read(0, 8)).toEqual(Uint8Array.of(1, 2, 3, 4));
  await expect(store.write(4, new Uint8Array(5))).rejects.toMatchObject({ problem: 'no-storage' });
});
