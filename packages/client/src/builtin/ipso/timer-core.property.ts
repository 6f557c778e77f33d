import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { TimerCore, type TimerInput, TimerMode } from './timer-core.ts';

const modes = Object.values(TimerMode);
const inputs: fc.Arbitrary<TimerInput> = fc.oneof(
  fc.boolean().map((isOn) => ({ kind: 'input', isOn }) as const),
  fc.constant({ kind: 'trigger' } as const),
);

it('is never longer on by itself than its delay, never on too early, and never on where it is off', () => {
  void fc.assert(
    fc.property(
      fc.constantFrom(...modes),
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 0, max: 50 }),
      fc.array(fc.tuple(inputs, fc.integer({ min: 0, max: 40 })), { maxLength: 60 }),
      (mode, delay, rearm, script) => {
        const core = new TimerCore({ mode, delay, rearm });
        let now = 0;
        let on = false;
        let since = Number.NEGATIVE_INFINITY;
        const look = (effects: readonly { readonly isOn: boolean }[]): void => {
          for (const { isOn } of effects) {
            expect(isOn).not.toBe(on);
            expect(mode).not.toBe(TimerMode.Off);
            if (isOn && mode !== TimerMode.PickUp) expect(now - since).toBeGreaterThanOrEqual(rearm);
            if (!isOn && (mode === TimerMode.OneShot || mode === TimerMode.Interval))
              expect(now - since).toBeLessThanOrEqual(delay);
            on = isOn;
            since = now;
          }
        };
        for (const [input, wait] of script) {
          look(core.handle(input, now));
          const end = now + wait;
          for (let due = core.deadline; due !== undefined && due <= end; due = core.deadline) {
            now = due;
            look(core.expire(now));
          }
          now = end;
          expect(core.expire(now)).toEqual([]);
        }
      },
    ),
  );
});
