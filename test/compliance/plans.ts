// What every store of plans keeps to, whatever it stands on. `reopen` is the next process on what the last one wrote.
import { Secret } from '@lapwing/kernel';
import { parsePath } from '@lapwing/lwm2m';
import { type Plan, PlanConflictError, type PlanStore } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { hostile, type Open } from './stores.ts';

const first: Plan = { servers: [] };
const second: Plan = { servers: [], variables: { site: 'west' } };

const whole: Plan = {
  servers: [
    {
      shortServerId: 101,
      uri: 'coaps://gw.example',
      lifetime: Number.POSITIVE_INFINITY,
      security: { mode: 'psk', identity: 'a', key: new Secret(Uint8Array.of(1, 2, 3)) },
      oscore: { masterSecret: { random: 16 }, senderId: Uint8Array.of(7), recipientId: new Uint8Array(0) },
    },
  ],
  deletes: ['/'],
  writes: [{ path: '/3303/0', entries: [{ path: parsePath('/3303/0/5750'), value: { type: 'string', value: 'x' } }] }],
};

async function namesIn(store: PlanStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.all()) names.push(name);
  return names.sort();
}

export function planStores(title: string, open: Open<PlanStore>): void {
  describe(`plans in ${title}`, () => {
    it('are found by name, each change with a version of its own', async () => {
      await using opened = await open();
      const { store } = opened;
      expect(await store.put('a', first)).toEqual({ name: 'a', plan: first, version: 1 });
      expect(await store.get('a')).toEqual({ name: 'a', plan: first, version: 1 });
      expect(await store.get('b')).toBeUndefined();
      expect((await store.put('a', second)).version).toBe(2);
      expect(await store.put('b', first, 0)).toMatchObject({ version: 1 });
      expect(await namesIn(store)).toEqual(['a', 'b']);
    });

    it('are not changed by who has not seen the last change', async () => {
      await using opened = await open();
      const { store } = opened;
      await store.put('a', first);
      await store.put('a', second, 1);
      await expect(store.put('a', first, 1)).rejects.toThrow(PlanConflictError);
      await expect(store.put('a', first, 0)).rejects.toThrow('the plan a has version 2, not 0');
      await expect(store.remove('a', 1)).rejects.toThrow(PlanConflictError);
      expect((await store.get('a'))?.plan).toEqual(second);
      expect([await store.remove('a', 2), await store.remove('a')]).toEqual([true, false]);
    });

    it('are there for the next process, whole, under any name', async () => {
      await using opened = await open();
      for (const name of hostile) await opened.store.put(name, whole);
      const store = await opened.reopen();
      expect(await namesIn(store)).toEqual([...hostile].sort());
      for (const name of hostile) {
        const [server] = (await store.get(name))?.plan.servers ?? [];
        expect(server).toEqual(whole.servers[0]);
        const key = server?.security.mode === 'psk' ? server.security.key : undefined;
        expect(key instanceof Secret && key.reveal()).toEqual(Uint8Array.of(1, 2, 3));
      }
    });
  });
}
