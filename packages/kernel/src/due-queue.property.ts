import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Due, DueQueue } from './due-queue.ts';

describe('DueQueue', () => {
  it('gives out its items in order of their deadlines, however they come, move and go', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('set' as const), item: fc.nat(20), at: fc.nat(1000) }),
      fc.record({ do: fc.constant('delete' as const), item: fc.nat(20) }),
      fc.record({ do: fc.constant('take' as const), now: fc.nat(1000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (script) => {
        const items: Due[] = Array.from({ length: 21 }, () => ({ dueAt: 0, place: -1 }));
        const queue = new DueQueue<Due>();
        const model = new Map<Due, number>();
        for (const each of script) {
          if (each.do === 'take') {
            const earliest = Math.min(...model.values());
            expect(queue.first?.dueAt).toBe(model.size === 0 ? undefined : earliest);
            const taken = queue.take(each.now);
            if (taken === undefined) expect(model.size === 0 || earliest > each.now).toBe(true);
            else {
              expect(model.get(taken)).toBe(earliest);
              expect(earliest).toBeLessThanOrEqual(each.now);
              model.delete(taken);
            }
          } else {
            const item = items[each.item] as Due;
            if (each.do === 'set') {
              queue.set(item, each.at);
              model.set(item, each.at);
            } else expect(queue.delete(item)).toBe(model.delete(item));
          }
          expect(queue.size).toBe(model.size);
          for (const item of items) expect(item.place >= 0).toBe(model.has(item));
        }
      }),
      { numRuns: 300 },
    );
  });
});
