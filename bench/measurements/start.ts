// From the start of a process to its first datagram, and what the process weighs a second later.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { median } from '../harness/phase.ts';
import { benchFolder, compiled } from '../harness/places.ts';
import type { Measurement, Plan, Row } from './measurement.ts';

const clients = [
  { name: 'bare dgram send', program: compiled('peers/node/first-datagram') },
  { name: 'Lapwing client, three objects', program: benchFolder('build/app/first-register.js') },
  { name: 'Lapwing client, in one file', program: benchFolder('build/bundle/first-register.js') },
  { name: 'node-coap client', program: compiled('peers/node/first-node-coap') },
] as const;

/** Node reads the certificates that this names before it does anything else, in half of its own time, which would hide half of what is measured. */
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;

interface Start {
  readonly milliseconds: number;
  /** Of all threads, until the datagram was there. */
  readonly cpuMilliseconds: number;
  readonly rssMib: number;
  readonly ownMib: number;
}

function mebibytes(rollup: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? Number.NaN) / 1024;
}

function cpuMilliseconds(pid: number | undefined): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((id) =>
    Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
}

async function startOnce(program: string): Promise<Start> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const began = performance.now();
  const child = spawn(process.execPath, [program, String(socket.address().port)], { stdio: 'pipe', env });
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  try {
    const arrived = once(socket, 'message').then(() => ({ at: performance.now(), cpu: cpuMilliseconds(child.pid) }));
    const first = await Promise.race([arrived, once(child, 'exit').then(() => undefined), pause(10_000)]);
    if (first === undefined) {
      throw new Error(complaint.split('\n').find((line) => line.includes('Error')) ?? 'sent nothing');
    }
    await pause(1000);
    const rollup = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8');
    return {
      milliseconds: first.at - began,
      cpuMilliseconds: first.cpu,
      rssMib: mebibytes(rollup, 'Rss'),
      ownMib: mebibytes(rollup, 'Private_Dirty'),
    };
  } finally {
    child.kill('SIGKILL');
    socket.close();
  }
}

export async function coldStart(plan: Plan): Promise<Measurement[]> {
  const rounds = plan.rounds === 1 ? 2 : 3 * plan.rounds;
  const gathered = new Map<string, Start[]>();
  const missing = new Map<string, string>();
  for (let round = 0; round < rounds; round++) {
    for (const { name, program } of clients) {
      if (missing.has(name)) continue;
      try {
        gathered.set(name, [...(gathered.get(name) ?? []), await startOnce(program)]);
      } catch (error) {
        missing.set(name, error instanceof Error ? error.message : String(error));
        console.error(`    ${name}: not run: ${missing.get(name)}`);
      }
    }
  }
  const rows: Row[] = [...gathered].map(([name, starts]) => ({
    name,
    phases: [],
    figures: {
      'ms to the first datagram': median(starts.map((one) => one.milliseconds)),
      'ms of CPU until then': median(starts.map((one) => one.cpuMilliseconds)),
      'RSS MiB': median(starts.map((one) => one.rssMib)),
      'private MiB': median(starts.map((one) => one.ownMib)),
    },
  }));
  for (const row of rows) console.error(`    ${row.name.padEnd(34)} ${JSON.stringify(row.figures)}`);
  return [
    {
      id: 'cold-start',
      title: 'Cold start of a client to its first datagram',
      how: `${rounds} rounds, medians; memory one second later. Three objects: installed, as the packages are published. In one file: put together by a bundler, as an application may be.`,
      rows,
      missing: [...missing].map(([name, why]) => ({ name, why })),
    },
  ];
}
