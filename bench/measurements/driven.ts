// Programs that drive themselves against a server of ours or a broker, and print one phase when they are done.
import type { Contestant, Server } from '../harness/contestants.ts';
import type { Phase } from '../harness/phase.ts';
import { compiled, nodeFlags } from '../harness/places.ts';
import { Program } from '../harness/processes.ts';
import { contest, type Measurement, type Plan } from './measurement.ts';

export interface Driver {
  readonly name: string;
  readonly program: string;
  readonly args: readonly (string | number)[];
}

export async function drive(driver: Driver, target: Server, plan: Plan): Promise<Phase> {
  const program = new Program({
    file: process.execPath,
    args: [
      ...nodeFlags,
      compiled(driver.program),
      String(target.port),
      String(2 * plan.warmth),
      String(plan.seconds),
      ...driver.args.map(String),
    ],
  });
  try {
    return JSON.parse(await program.line(2 * plan.warmth + plan.seconds + 30)) as Phase;
  } finally {
    await program.stop();
  }
}

/** The target is started anew for each driver, so that none inherits another's state. */
export async function driven(
  plan: Plan,
  drivers: readonly Driver[],
  target: Contestant,
  title: { readonly id: string; readonly title: string; readonly how: string },
): Promise<Measurement[]> {
  const entrants = drivers.map((driver) => ({
    contestant: { ...target, name: driver.name },
    run: async (server: Server) => [{ ...(await drive(driver, server, plan)), phase: 'driven' }],
  }));
  return contest(plan, entrants, { driven: title });
}
