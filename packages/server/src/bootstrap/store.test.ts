import { describe, expect, it } from 'vitest';
import type { Plan } from './plan.ts';
import { MemoryPlanStore, PlanConflictError } from './store.ts';

const first: Plan = { servers: [] };
const second: Plan = { servers: [], variables: { site: 'west' } };

describe('plans in memory', () => {
  it('are found by name, each change with a version of its own', async () => {
    const store = new MemoryPlanStore({ a: first });
    expect(await store.get('a')).toEqual({ name: 'a', plan: first, version: 1 });
    expect(await store.get('b')).toBeUndefined();
    expect((await store.put('a', second)).version).toBe(2);
    expect(await store.put('b', first, 0)).toMatchObject({ version: 1 });
    const names: string[] = [];
    for await (const { name } of store.all()) names.push(name);
    expect(names).toEqual(['a', 'b']);
  });

  it('are not changed by who has not seen the last change', async () => {
    const store = new MemoryPlanStore({ a: first });
    await store.put('a', second, 1);
    await expect(store.put('a', first, 1)).rejects.toThrow(PlanConflictError);
    await expect(store.put('a', first, 0)).rejects.toThrow('the plan a has version 2, not 0');
    await expect(store.remove('a', 1)).rejects.toThrow(PlanConflictError);
    expect((await store.get('a'))?.plan).toBe(second);
    expect([await store.remove('a', 2), await store.remove('a')]).toEqual([true, false]);
  });
});
