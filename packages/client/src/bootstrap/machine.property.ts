import { type Instant, seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkStep } from './machine.invariants.ts';
import { type BootstrapEffect, type BootstrapInput, BootstrapMachine, defaultBootstrapTerms } from './machine.ts';

const input: fc.Arbitrary<BootstrapInput> = fc.oneof(
  fc.record({
    kind: fc.constant('start' as const),
    cause: fc.constantFrom('fallback' as const, 'request' as const),
    holdOff: fc.constantFrom(0, seconds(5)),
  }),
  fc.constantFrom<BootstrapInput>(
    { kind: 'answered' },
    { kind: 'failed' },
    { kind: 'refused' },
    { kind: 'refused', after: seconds(100) },
    { kind: 'heard' },
    { kind: 'rejected' },
    { kind: 'registered' },
  ),
  fc.record({ kind: fc.constant('finished' as const), accountTimeout: fc.constantFrom(seconds(10), Infinity) }),
);
const script = fc.array(fc.tuple(input, fc.integer({ min: 0, max: 300_000 })), { maxLength: 60 });

describe('the bootstrap machine', () => {
  it('keeps its promises whatever it is told and whenever', () => {
    fc.assert(
      fc.property(script, fc.integer({ min: 1, max: 1000 }), (steps, seed) => {
        const machine = new BootstrapMachine(defaultBootstrapTerms, new SeededRandom(seed));
        let now: Instant = 0;
        const step = (run: () => readonly BootstrapEffect[]): void => {
          const before = machine.phase;
          checkStep(machine, before, [...run()], now);
        };
        for (const [next, wait] of steps) {
          step(() => machine.handle(next, now));
          const until = now + wait;
          while (machine.deadline !== undefined && machine.deadline <= until) {
            now = Math.max(now, machine.deadline);
            step(() => machine.expire(now));
          }
          now = until;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never asks twice within a minute unless a server has taken a registration in between', () => {
    fc.assert(
      fc.property(script, (steps) => {
        const machine = new BootstrapMachine(defaultBootstrapTerms, new SeededRandom(1));
        let now: Instant = 0;
        let last: Instant | undefined;
        const note = (effects: readonly BootstrapEffect[]): void => {
          if (!effects.some(({ kind }) => kind === 'request')) return;
          if (last !== undefined) expect(now - last).toBeGreaterThanOrEqual(seconds(60));
          last = now;
        };
        for (const [next, wait] of steps) {
          if (next.kind === 'registered') last = undefined;
          note(machine.handle(next, now));
          const until = now + wait;
          while (machine.deadline !== undefined && machine.deadline <= until) {
            now = Math.max(now, machine.deadline);
            note(machine.expire(now));
          }
          now = until;
        }
      }),
      { numRuns: 300 },
    );
  });
});
