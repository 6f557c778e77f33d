// What every store of sequence numbers and replay windows keeps to, whatever it stands on (RFC 8613 Appendix B.1).
import type { KeyUseStore } from '@lapwing/coap/oscore';
import { describe, expect, it } from 'vitest';
import type { Open } from './stores.ts';

export function keyUseStores(title: string, open: Open<KeyUseStore>): void {
  describe(`the use of keys in ${title}`, () => {
    it('H-04: gives out each number once, whoever asks and however often it starts anew', async () => {
      await using opened = await open();
      const { store } = opened;
      expect(await Promise.all([store.reserve('a', 10), store.reserve('a', 5), store.reserve('b', 1)])).toEqual([
        0, 10, 0,
      ]);
      expect(await store.reserve('a', 100)).toBe(15);
      const later = await opened.reopen();
      expect([await later.reserve('a', 1), await later.reserve('b', 1)]).toEqual([115, 1]);
      expect(await later.reserve('a', 2 ** 39)).toBe(116);
      expect(await later.reserve('a', 1)).toBe(116 + 2 ** 39);
    });

    it('H-05: gives a window back once, and knows nothing of others', async () => {
      await using opened = await open();
      const window = { newest: 40, seen: [9, 38, 40], floor: 7 };
      expect(await opened.store.takeWindow('a')).toBe('unknown');
      await opened.store.keepWindow('a', { newest: 3, seen: [3], floor: 0 });
      await opened.store.keepWindow('a', window);
      const later = await opened.reopen();
      expect([await later.takeWindow('a'), await later.takeWindow('a')]).toEqual([window, 'unknown']);
      expect(await (await opened.reopen()).takeWindow('a')).toBe('unknown');
    });

    it('H-04: keeps nothing of retired keys, and gives out none of their numbers again when they come back', async () => {
      await using opened = await open();
      const { store } = opened;
      for (const [name, count] of [
        ['a', 50],
        ['b', 700],
        ['c', 20],
      ] as const)
        await store.reserve(name, count);
      await store.keepWindow('b', { newest: 3, seen: [3], floor: 0 });
      expect([...(await store.names())].sort()).toEqual(['a', 'b', 'c']);
      await store.retire(['b', 'c', 'nobody']);
      const later = await opened.reopen();
      expect(await later.names()).toEqual(['a']);
      expect(await later.takeWindow('b')).toBe('unknown');
      const numbers = [
        await later.reserve('b', 10),
        await later.reserve('c', 10),
        await later.reserve('a', 10),
        await later.reserve('new', 10),
        await later.reserve('b', 10),
      ];
      expect(numbers).toEqual([700, 700, 50, 700, 710]);
      await later.retire(['a', 'b']);
      expect([await later.reserve('b', 1), await later.reserve('new', 1)]).toEqual([720, 710]);
    });

    it('H-04: raises the beginning of new keys no higher than four bytes, whatever a retired one was used for', async () => {
      await using opened = await open();
      const { store } = opened;
      await store.reserve('worn', 2 ** 40 - 1);
      await store.retire(['worn']);
      expect(await store.reserve('new', 1)).toBe(0);
      expect(await (await opened.reopen()).reserve('worn', 1)).toBeGreaterThanOrEqual(2 ** 40 - 1);
    });
  });
}
