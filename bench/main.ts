// The bench: chooses measurements, runs them, keeps the figures in bench/results and renders docs/performance.md.
import { type Asked, parseArguments, UsageError } from './arguments.ts';
import { figuresOf, goals } from './goals.ts';
import { prepareJava } from './harness/contestants.ts';
import { compileGenerator } from './harness/generator.ts';
import { keep, kept } from './harness/results.ts';
import { crowds, downloads, slowRoads, uploads } from './measurements/block.ts';
import { manyClients } from './measurements/clients.ts';
import { coapClients, coapServers } from './measurements/coap.ts';
import { codecs } from './measurements/codec.ts';
import { handshakes, local, nuisances, securedRequests, timing } from './measurements/dtls.ts';
import { idleSessions } from './measurements/dtls-memory.ts';
import { growth, reads, updates } from './measurements/lwm2m.ts';
import type { Measurement, Plan } from './measurements/measurement.ts';
import { memoryAtFullRate, memoryOfDevices } from './measurements/memory.ts';
import { notifications } from './measurements/mqtt.ts';
import { plainBesideProtected, protectedExchanges } from './measurements/oscore.ts';
import { coldStart } from './measurements/start.ts';
import { textMessages } from './measurements/text-messages.ts';
import { verdict, writeReport } from './report.ts';

const groups: Readonly<Record<string, readonly ((plan: Plan) => Promise<Measurement[]>)[]>> = {
  codec: [codecs],
  sms: [textMessages],
  coap: [coapServers, coapClients],
  lwm2m: [updates, growth, reads],
  mqtt: [notifications],
  dtls: [handshakes, securedRequests, local, timing, nuisances, idleSessions],
  oscore: [protectedExchanges, plainBesideProtected],
  block: [downloads, uploads, slowRoads, crowds],
  memory: [memoryOfDevices, memoryAtFullRate],
  clients: [manyClients],
  start: [coldStart],
};
const names = Object.keys(groups);

const usage = `usage: npm run bench -- [options] [GROUP...]

Measures Lapwing beside other implementations, keeps the figures in bench/results and the tables in docs/performance.md.
Needs a C compiler, for DTLS also OpenSSL's headers; Java with Maven, mosquitto and libcoap3-bin for the peers that need
them. All of it takes more than an hour.

Groups: ${names.join(', ')}; all of them where none is named.

  --only GROUPS   comma-separated, the same as naming them
  --quick         one short round, to try things out; nothing is kept
  --rounds N      rounds (5)
  --seconds S     seconds of one measured phase (3)
  --report        only render docs/performance.md from what was kept
  --no-build      take the packages as they were built last
  -h, --help      this text

example
  npm run bench -- codec coap --quick
`;

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
  let asked: Asked;
  try {
    asked = parseArguments(args, names);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`bench: ${error.message}\nusage: npm run bench -- [options] [GROUP...] (--help tells more)`);
    return 2;
  }
  const { groups: wanted, quick, rounds, seconds } = asked;
  if (asked.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (asked.report) {
    writeReport(kept(names));
    return 0;
  }
  const plan: Plan = quick
    ? { rounds: 1, seconds: 1, warmth: 0.25, scale: 0.1 }
    : { rounds, seconds, warmth: 1, scale: 1 };
  const cannot = compileGenerator();
  if (cannot.dtls !== undefined) console.error(`bench: nothing is measured over DTLS: ${cannot.dtls}`);
  const absent = prepareJava();
  if (absent !== undefined) console.error(`bench: the Java peers are not run: ${absent}`);
  const all: Measurement[] = [];
  for (const group of wanted) {
    console.error(`  ${group}`);
    if (group === 'dtls' && cannot.dtls !== undefined) continue;
    const found: Measurement[] = [];
    for (const measure of groups[group] ?? []) found.push(...(await measure(plan)));
    if (!quick) keep(group, plan, found);
    all.push(...found);
  }
  if (!quick) writeReport(kept(names));
  tellGoals(all);
  return 0;
}
