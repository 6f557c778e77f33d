// What must hold after every step of the bootstrap machine, whatever it is told.
import type { Instant } from '@lapwing/kernel';
import type { BootstrapEffect, BootstrapMachine, BootstrapPhase } from './machine.ts';

/** Throws when the step has broken a promise. */
export function checkStep(
  machine: BootstrapMachine,
  before: BootstrapPhase,
  effects: readonly BootstrapEffect[],
  now: Instant,
): void {
  const { phase, deadline } = machine;
  const fail = (what: string): never => {
    throw new Error(`${what} (${before} to ${phase} at ${now})`);
  };
  const requests = effects.filter(({ kind }) => kind === 'request').length;
  if (requests > 1) fail('two requests in one step');
  if (requests === 1 && phase !== 'requesting') fail('a request that is not under way');
  if (effects.some(({ kind }) => kind === 'abandon') && phase !== 'waiting' && phase !== 'requesting')
    fail('a failure that nothing follows');
  // Whatever waits, waits for something that comes.
  if ((phase === 'held' || phase === 'waiting' || phase === 'provisioning') && deadline === undefined)
    fail('waits for ever');
  const told = effects.filter((effect) => effect.kind === 'phase').at(-1);
  if (phase !== before && told?.kind === 'phase' && told.phase !== phase) fail('the phase that was told is another');
}
