import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines } from './deadlines.ts';

describe('Deadlines', () => {
  it('gives out exactly the keys that a plain map would, in order of their deadlines', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('set' as const), key: fc.nat(20), at: fc.nat(1000) }),
      fc.record({ do: fc.constant('delete' as const), key: fc.nat(20) }),
      fc.record({ do: fc.constant('take' as const), now: fc.nat(1000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (script) => {
        const deadlines = new Deadlines<number>();
        const model = new Map<number, number>();
        for (const each of script) {
          if (each.do === 'set') {
            deadlines.set(each.key, each.at);
            model.set(each.key, each.at);
          } else if (each.do === 'delete') {
            expect(deadlines.delete(each.key)).toBe(model.delete(each.key));
          } else {
            const earliest = Math.min(...model.values());
            if (model.size > 0) expect(deadlines.earliest).toBeLessThanOrEqual(earliest);
            else expect(deadlines.earliest).toBeUndefined();
            const taken = deadlines.take(each.now);
            if (taken === undefined) expect(model.size === 0 || earliest > each.now).toBe(true);
            else {
              expect(model.get(taken)).toBe(earliest);
              expect(earliest).toBeLessThanOrEqual(each.now);
              model.delete(taken);
            }
          }
          expect(deadlines.size).toBe(model.size);
        }
      }),
      { numRuns: 300 },
    );
  });
});
