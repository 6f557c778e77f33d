// Programs that measure in their own process, implementation by implementation, and print a line for each measured stretch.
import type { Phase } from '../harness/phase.ts';
import { compiled, nodeFlags } from '../harness/places.ts';
import { Program } from '../harness/processes.ts';
import { type Figures, type Measurement, makeRow, type Title } from './measurement.ts';

interface Line {
  /** Which of the titles it belongs to; `all` for who takes part in none. */
  readonly operation: string;
  readonly name: string;
  readonly phase?: Phase | Figures;
  readonly why?: string;
}

/** Runs `program`, which ends with the line `done`. One measurement per title, in that order. */
export async function inProcess(
  program: string,
  args: readonly (string | number)[],
  titles: readonly Title[],
): Promise<Measurement[]> {
  const running = new Program({
    file: process.execPath,
    args: [...nodeFlags, compiled(program), ...args.map(String)],
  });
  const found = new Map<string, Map<string, (Phase | Figures)[]>>();
  const missing = new Map<string, Map<string, string>>();
  try {
    for (let text = await running.line(300); text !== 'done'; text = await running.line(300)) {
      const { operation, name, phase, why } = JSON.parse(text) as Line;
      if (phase === undefined) {
        missing.set(operation, (missing.get(operation) ?? new Map()).set(name, why ?? ''));
        continue;
      }
      const rows = found.get(operation) ?? new Map<string, Phase[]>();
      found.set(operation, rows.set(name, [...(rows.get(name) ?? []), phase]));
    }
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    console.error(`    ${program}: ended early: ${why}`);
    missing.set('all', new Map([['what is missing here', why]]));
  } finally {
    await running.stop();
  }
  return titles.map((title) => {
    const rows = [...(found.get(title.id) ?? [])].map(([name, phases]) => makeRow(name, phases));
    for (const { name, summary } of rows) {
      if (summary === undefined) console.error(`    ${title.id.padEnd(18)} ${name}`);
      else
        console.error(`    ${title.id.padEnd(18)} ${name.padEnd(24)} ${(summary.cpuUs ?? Number.NaN).toFixed(3)} µs`);
    }
    return {
      ...title,
      rows,
      missing: [...(missing.get('all') ?? []), ...(missing.get(title.id) ?? [])].map(([name, why]) => ({ name, why })),
    };
  });
}
