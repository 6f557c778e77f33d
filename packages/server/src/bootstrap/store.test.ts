// What every store of plans does is in test/compliance/plans.ts.
import { expect, it } from 'vitest';
import { MemoryPlanStore } from './store.ts';

it('plans in memory begin with those that are given, in their first version', async () => {
  const store = new MemoryPlanStore({ a: { servers: [] } });
  expect(await store.get('a')).toEqual({ name: 'a', plan: { servers: [] }, version: 1 });
});
