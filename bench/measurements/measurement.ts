// A measurement: contestants that do the same thing, one after the other, round by round, and the phases they yielded.
import { type Contestant, type Server, start } from '../harness/contestants.ts';
import { median, type Phase, type Summary, summarize } from '../harness/phase.ts';

export interface Plan {
  readonly rounds: number;
  /** Seconds of one measured phase. */
  readonly seconds: number;
  /** Multiplies the warm-up of each contestant. */
  readonly warmth: number;
  /** Multiplies device counts: below 1 only to try things out. */
  readonly scale: number;
}

/** What has no rate: bytes, milliseconds. */
export interface Figures {
  readonly phase: string;
  readonly figures: Readonly<Record<string, number>>;
}

/** One row of a table: who, doing what. It has a summary of phases or figures. */
export interface Row {
  readonly name: string;
  readonly summary?: Summary;
  readonly figures?: Readonly<Record<string, number>>;
  readonly phases: readonly (Phase | Figures)[];
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

/** Yields phases by name: `register` and `update` of a run that does both. */
export type Run = (server: Server, contestant: Contestant, plan: Plan) => Promise<readonly (Phase | Figures)[]>;

export interface Entrant {
  readonly contestant: Contestant;
  readonly run: Run;
}

export interface Title {
  readonly id: string;
  readonly title: string;
  readonly how: string;
}

function reason(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}

/** Phases of one kind of all contestants, by contestant. */
type Gathered = Map<string, Map<string, (Phase | Figures)[]>>;

/**
 * Runs all entrants A B C …, A B C …, each in a fresh process. Returns one measurement per phase name that `titles` gives.
 * An entrant that fails once is not tried again.
 */
export async function contest(
  plan: Plan,
  entrants: readonly Entrant[],
  titles: Readonly<Record<string, Title>>,
): Promise<Measurement[]> {
  const gathered: Gathered = new Map();
  const missing = new Map<string, string>();
  for (let round = 1; round <= plan.rounds; round++) {
    for (const { contestant, run } of entrants) {
      if (missing.has(contestant.name)) continue;
      try {
        const server = await start(contestant);
        try {
          const phases = await run(server, contestant, plan);
          if (!server.program.isRunning) throw new Error(`ended under load; ${server.program.complaint()}`);
          for (const phase of phases) {
            note(gathered, contestant.name, phase);
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
  const absent = [...missing].map(([name, why]) => ({ name, why }));
  return Object.entries(titles).map(([phase, title]) => ({
    ...title,
    rows: [...(gathered.get(phase) ?? [])].map(([name, phases]) => makeRow(name, phases)),
    missing: absent,
  }));
}

export function makeRow(name: string, phases: readonly (Phase | Figures)[]): Row {
  const timed = phases.filter((phase) => 'ops' in phase);
  if (timed.length > 0) return { name, summary: summarize(timed), phases };
  const all = phases.filter((phase) => 'figures' in phase).map((phase) => phase.figures);
  const keys = Object.keys(all[0] ?? {});
  const figures = Object.fromEntries(keys.map((key) => [key, median(all.map((one) => one[key] ?? Number.NaN))]));
  return { name, figures, phases };
}

function note(gathered: Gathered, name: string, phase: Phase | Figures): void {
  const rows = gathered.get(phase.phase) ?? new Map<string, (Phase | Figures)[]>();
  gathered.set(phase.phase, rows);
  rows.set(name, [...(rows.get(name) ?? []), phase]);
}

function progress(round: number, name: string, phase: Phase | Figures): void {
  const head = `    ${round} ${name.padEnd(38)} ${phase.phase.padEnd(14)}`;
  if ('figures' in phase) {
    const figures = Object.entries(phase.figures).map(([key, value]) => `${key} ${value.toFixed(1)}`);
    console.error(`${head} ${figures.join(', ')}`);
    return;
  }
  const cpu = phase.cpuUs[0] === undefined ? '' : `${phase.cpuUs[0].toFixed(1)} µs`;
  const trouble =
    phase.timeouts + phase.errors > 0
      ? `  ${phase.timeouts} timeouts, ${phase.errors} errors ${phase.wrong ?? ''}`
      : '';
  const rate = Math.round(phase.rate).toLocaleString('en');
  const p99 = (phase.p99Us / 1000).toFixed(2);
  const own = phase.generatorCpuUs.toFixed(1);
  console.error(`${head} ${rate.padStart(9)}/s ${cpu.padStart(10)}  p99 ${p99} ms  generator ${own} µs${trouble}`);
}
