// The bench: chooses measurements, runs them, keeps the figures in bench/results and renders docs/performance.md.
import { parseArgs } from 'node:util';
import { figuresOf, goals } from './goals.ts';
import { prepareJava } from './harness/contestants.ts';
import { compileGenerator } from './harness/generator.ts';
import { keep, kept } from './harness/results.ts';
import { crowds, downloads, slowRoads, uploads } from './measurements/block.ts';
import { coapClients, coapServers } from './measurements/coap.ts';
import { codecs } from './measurements/codec.ts';
import { handshakes, local, nuisances, securedRequests } from './measurements/dtls.ts';
import { idleSessions } from './measurements/dtls-memory.ts';
import { growth, reads, updates } from './measurements/lwm2m.ts';
import type { Measurement, Plan } from './measurements/measurement.ts';
import { memoryAtFullRate, memoryOfDevices } from './measurements/memory.ts';
import { notifications } from './measurements/mqtt.ts';
import { coldStart } from './measurements/start.ts';
import { verdict, writeReport } from './report.ts';

const groups: Readonly<Record<string, readonly ((plan: Plan) => Promise<Measurement[]>)[]>> = {
  codec: [codecs],
  coap: [coapServers, coapClients],
  lwm2m: [updates, growth, reads],
  mqtt: [notifications],
  dtls: [handshakes, securedRequests, local, nuisances, idleSessions],
  block: [downloads, uploads, slowRoads, crowds],
  memory: [memoryOfDevices, memoryAtFullRate],
  start: [coldStart],
};
const names = Object.keys(groups);

const usage = `usage: npm run bench -- [options]

Measures Lapwing beside other implementations, keeps the figures in bench/results and the tables in docs/performance.md.
Needs a C compiler, for DTLS also OpenSSL's headers; Java with Maven, mosquitto and libcoap3-bin for the peers that need
them. All of it takes more than an hour.

  --only GROUPS   comma-separated: ${names.join(', ')}
  --quick         one short round, to try things out; nothing is kept
  --rounds N      rounds (5)
  --seconds S     seconds of one measured phase (3)
  --report        only render docs/performance.md from what was kept
  --no-build      take the packages as they were built last
  -h, --help      this text

example
  npm run bench -- --only codec,coap --quick
`;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not '${text}'`);
  return value;
}

function chosen(text: string): readonly string[] {
  const wanted = text.split(',');
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`no group '${unknown.join(', ')}': there are ${names.join(', ')}`);
  return wanted;
}

function tellGoals(measurements: readonly Measurement[]): void {
  const figures = figuresOf(measurements);
  for (const goal of goals) {
    const value = goal.value(figures);
    if (Number.isNaN(value)) continue;
    const sign = goal.better === 'higher' ? '≥' : '≤';
    const reached = verdict(goal, value).replaceAll('*', '').padEnd(8);
    console.log(`${reached} ${value.toPrecision(3).padStart(9)} ${sign} ${goal.gate} ${goal.unit}  ${goal.what}`);
  }
}

export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: names.join(',') },
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
  if (values.report) {
    writeReport(kept(names));
    return 0;
  }
  const rounds = positive('rounds', values.rounds);
  const seconds = positive('seconds', values.seconds);
  const plan: Plan = values.quick
    ? { rounds: 1, seconds: 1, warmth: 0.25, scale: 0.1 }
    : { rounds, seconds, warmth: 1, scale: 1 };
  const cannot = compileGenerator();
  if (cannot.dtls !== undefined) console.error(`bench: nothing is measured over DTLS: ${cannot.dtls}`);
  const absent = prepareJava();
  if (absent !== undefined) console.error(`bench: the Java peers are not run: ${absent}`);
  const all: Measurement[] = [];
  for (const group of chosen(values.only)) {
    console.error(`  ${group}`);
    if (group === 'dtls' && cannot.dtls !== undefined) continue;
    const found: Measurement[] = [];
    for (const measure of groups[group] ?? []) found.push(...(await measure(plan)));
    if (!values.quick) keep(group, plan, found);
    all.push(...found);
  }
  if (!values.quick) writeReport(kept(names));
  tellGoals(all);
  return 0;
}
