// A measurement: contestants that do the same thing, one after the other, round by round, and the phases they yielded.
import { type Contestant, type Server, start } from '../harness/contestants.ts';
import { type Phase, type Summary, summarize } from '../harness/phase.ts';

export interface Plan {
  readonly rounds: number;
  /** Seconds of one measured phase. */
  readonly seconds: number;
  /** Multiplies the warm-up of each contestant. */
  readonly warmth: number;
  /** Multiplies device counts: below 1 only to try things out. */
  readonly scale: number;
}

/** One row of a table: who, doing what. */
export interface Row {
  readonly name: string;
  readonly summary: Summary;
  readonly phases: readonly Phase[];
}

export interface Measurement {
  readonly id: string;
  readonly title: string;
  /** What was asked of whom, for the reader of the table. */
  readonly how: string;
  readonly rows: readonly Row[];
  /** Who did not take part, and why. */
  readonly missing: readonly { readonly name: string; readonly why: string }[];
}

/** Yields phases by name: `update` of a run that registers first and then updates. */
export type Run = (server: Server, contestant: Contestant, plan: Plan) => Promise<readonly Phase[]>;

export interface Entrant {
  readonly contestant: Contestant;
  readonly run: Run;
}

function reason(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}

/**
 * Runs all entrants A B C …, A B C …, each in a fresh process. Returns one measurement per phase name that `titles` gives.
 * An entrant that fails once is not tried again.
 */
export async function contest(
  plan: Plan,
  entrants: readonly Entrant[],
  titles: Readonly<Record<string, { readonly id: string; readonly title: string; readonly how: string }>>,
): Promise<Measurement[]> {
  const gathered = new Map<string, Map<string, Phase[]>>();
  const missing = new Map<string, string>();
  for (let round = 1; round <= plan.rounds; round++) {
    for (const { contestant, run } of entrants) {
      if (missing.has(contestant.name)) continue;
      try {
        const server = await start(contestant);
        try {
          for (const phase of await run(server, contestant, plan)) {
            note(gathered, phase.phase, contestant.name, phase);
            progress(round, contestant.name, phase);
          }
        } finally {
          await server.program.stop();
        }
      } catch (error) {
        missing.set(contestant.name, reason(error));
        console.error(`    ${contestant.name}: not run: ${reason(error)}`);
      }
    }
  }
  return Object.entries(titles).map(([phase, title]) => ({
    ...title,
    rows: [...(gathered.get(phase) ?? [])].map(([name, phases]) => ({ name, summary: summarize(phases), phases })),
    missing: [...missing].map(([name, why]) => ({ name, why })),
  }));
}

function note(gathered: Map<string, Map<string, Phase[]>>, key: string, name: string, phase: Phase): void {
  const rows = gathered.get(key) ?? new Map<string, Phase[]>();
  gathered.set(key, rows);
  rows.set(name, [...(rows.get(name) ?? []), phase]);
}

function progress(round: number, name: string, phase: Phase): void {
  const cpu = phase.cpuUs[0] === undefined ? '' : `${phase.cpuUs[0].toFixed(1)} µs`;
  const trouble = phase.timeouts + phase.errors > 0 ? `  ${phase.timeouts} timeouts, ${phase.errors} errors` : '';
  const rate = Math.round(phase.rate).toLocaleString('en');
  console.error(
    `    ${round} ${name.padEnd(34)} ${phase.phase.padEnd(9)} ${rate.padStart(9)}/s ${cpu.padStart(10)}  p99 ${(phase.p99Us / 1000).toFixed(2)} ms  generator ${phase.generatorCpuUs.toFixed(1)} µs${trouble}`,
  );
}
