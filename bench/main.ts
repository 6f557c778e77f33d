// The bench: chooses measurements, runs them, keeps the figures in bench/results and renders docs/performance.md.
import { parseArgs } from 'node:util';
import { prepareJava } from './harness/contestants.ts';
import { compileGenerator } from './harness/generator.ts';
import { coapClients, coapServers } from './measurements/coap.ts';
import type { Measurement, Plan } from './measurements/measurement.ts';

const groups: Readonly<Record<string, readonly ((plan: Plan) => Promise<Measurement[]>)[]>> = {
  coap: [coapServers, coapClients],
};

const usage = `usage: npm run bench -- [options]

  --only GROUPS   comma-separated: ${Object.keys(groups).join(', ')}
  --quick         one short round, to try things out; nothing is kept
  --rounds N      rounds (5)
  --seconds S     seconds of one measured phase (3)
  --report        only render docs/performance.md from what was kept
  --no-build      take the packages as they were built last
  -h, --help      this text
`;

export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: Object.keys(groups).join(',') },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      report: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const plan: Plan = values.quick
    ? { rounds: 1, seconds: 1, warmth: 0.25, scale: 0.1 }
    : { rounds: Number(values.rounds), seconds: Number(values.seconds), warmth: 1, scale: 1 };
  compileGenerator();
  console.error(prepareJava() ?? 'java ready');
  for (const name of values.only.split(',')) {
    for (const measure of groups[name] ?? []) await measure(plan);
  }
  return 0;
}
