// Clients of ours, many in one process: what an idle one weighs, and what it costs to tell a server of a change.
import { setTimeout as pause } from 'node:timers/promises';
import { lapwing, lapwingSim } from '../goals.ts';
import { computed, type Phase } from '../harness/phase.ts';
import { benchFolder, compiled, nodeFlags } from '../harness/places.ts';
import { Program } from '../harness/processes.ts';
import { type Figures, type Measurement, makeRow, type Plan, type Row, type Title } from './measurement.ts';
import { exchangeLifetime } from './memory.ts';

const idle: Title = {
  id: 'memory-clients',
  title: 'Idle clients in one process',
  how:
    'Each with a socket of its own and three objects, registered in the open at a server that observes two values of it; heap and external memory ' +
    `after full collections. Whole engines have Device, Temperature and Light Control, ${exchangeLifetime} s after the last message; the devices of ` +
    '`lapwing sim` have Device, Temperature and Humidity, rest, and are compared with a fleet of one.',
};

const waking: Title = {
  id: 'memory-rest',
  title: 'Waking a device of a fleet, and putting it to rest',
  how:
    'CPU of `lapwing sim` per measurement, which the server observes, where each device rests between two of them, and where it is awake; ' +
    'the difference is what the rest costs.',
};

const telling: Title = {
  id: 'client-notify',
  title: 'From a changed value to the notification',
  how:
    'One value after the other is set on 100 such clients; CPU of their process per confirmable notification, its acknowledgement ' +
    'included.',
};

interface Changed {
  readonly ms: number;
  readonly us: number;
  readonly notifications: number;
}

interface Memory {
  readonly heap: number;
  readonly external: number;
}

const programOf = (file: string, ...args: readonly (string | number)[]): Program =>
  new Program({ file: process.execPath, args: [...nodeFlags, compiled(file), ...args.map(String)] });

async function withClients<T>(count: number, use: (clients: Program, before: Memory) => Promise<T>): Promise<T> {
  const server = programOf('subjects/observing-server', '/3303/0/5700', '/3311/0/5850');
  try {
    const clients = programOf('subjects/idle-clients', await server.line(30), count);
    try {
      await clients.until('ready', 30);
      const before = await memoryOf(clients);
      clients.say('begin');
      await clients.until('begun', 300);
      server.say('counts');
      const { registered } = JSON.parse(await server.line(30)) as { registered: number };
      if (registered < count) throw new Error(`${registered} of ${count} clients registered`);
      return await use(clients, before);
    } finally {
      await clients.stop();
    }
  } finally {
    await server.stop();
  }
}

async function memoryOf(clients: Program): Promise<Memory> {
  clients.say('memory');
  return JSON.parse(await clients.line(120)) as Memory;
}

async function idleFigures(plan: Plan): Promise<Figures> {
  const count = Math.max(200, 2000 * plan.scale);
  return withClients(count, async (clients, before) => {
    const fresh = await memoryOf(clients);
    await pause(plan.scale < 1 ? 0 : (exchangeLifetime + 13) * 1000);
    const now = await memoryOf(clients);
    return {
      phase: idle.id,
      figures: {
        clients: count,
        'B of heap, just registered': (fresh.heap - before.heap) / count,
        'B of heap, idle': (now.heap - before.heap) / count,
        'B outside of it, idle': (now.external - before.external) / count,
      },
    };
  });
}

async function changes(plan: Plan): Promise<Phase[]> {
  const times = Math.max(2000, 50_000 * plan.scale);
  return withClients(100, async (clients) => {
    const phases: Phase[] = [];
    // The first round warms up.
    for (let round = 0; round <= plan.rounds; round += 1) {
      clients.say(`change ${times}`);
      const { ms, us, notifications } = JSON.parse(await clients.line(300)) as Changed;
      if (round > 0) phases.push(computed(telling.id, notifications, ms / 1000, us));
    }
    return phases;
  });
}

interface Simulated extends Memory {
  readonly registered: number;
  readonly resting: number;
  /** In s. */
  readonly cpu: number;
  readonly counts: { readonly observations: number; readonly measurements: number };
}

/** What `lapwing sim` reports; `profile` is one of bench/subjects. */
async function simulate(profile: string, devices: number, seconds: number, rest: string): Promise<Simulated> {
  const server = programOf('subjects/observing-server', '/3303/0/5700', '/3304/0/5700');
  try {
    const uri = `coap://127.0.0.1:${await server.line(30)}`;
    const flags = ['--devices', String(devices), '--server', uri, '--profile', benchFolder(`subjects/${profile}`)];
    const times = ['--duration', `${seconds}s`, '--rest', rest, '--json'];
    const command = [benchFolder('../packages/cli/bin/lapwing.mjs'), 'sim', ...flags, ...times];
    const fleet = new Program({ file: process.execPath, args: [...nodeFlags, ...command] });
    try {
      const run = JSON.parse(await fleet.line(seconds + 60)) as Simulated;
      if (run.registered < devices) throw new Error(`${run.registered} of ${devices} devices registered`);
      return run;
    } finally {
      await fleet.stop();
    }
  } finally {
    await server.stop();
  }
}

async function restingFigures(plan: Plan): Promise<Figures> {
  const count = Math.max(200, 2000 * plan.scale);
  const one = await simulate('idle-device.json', 1, 15, '5s');
  const all = await simulate('idle-device.json', count, 40, '5s');
  if (all.resting < count) throw new Error(`${all.resting} of ${count} devices rest`);
  return {
    phase: idle.id,
    figures: {
      clients: count,
      'B of heap, just registered': Number.NaN,
      'B of heap, idle': (all.heap - one.heap) / (count - 1),
      'B outside of it, idle': (all.external - one.external) / (count - 1),
    },
  };
}

async function wakingFigures(plan: Plan): Promise<Figures> {
  const count = Math.max(100, 500 * plan.scale);
  const costOf = async (rest: string): Promise<number> => {
    const { cpu, counts } = await simulate('measuring-device.json', count, 60, rest);
    return (cpu * 1000) / counts.measurements;
  };
  const [awake, resting] = [await costOf('never'), await costOf('2s')];
  return {
    phase: waking.id,
    figures: {
      devices: count,
      'ms of CPU, awake': awake,
      'ms of CPU, resting': resting,
      'ms of CPU, the rest': resting - awake,
    },
  };
}

type Measured = readonly [name: string, run: () => Promise<readonly (Phase | Figures)[]>];

async function measured(title: Title, ...all: readonly Measured[]): Promise<Measurement> {
  const rows: Row[] = [];
  const missing: { name: string; why: string }[] = [];
  for (const [name, run] of all) {
    try {
      rows.push(makeRow(name, await run()));
    } catch (error) {
      const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      console.error(`    ${title.id}: ${name} not run: ${why}`);
      missing.push({ name, why });
    }
  }
  return { ...title, rows, missing };
}

export async function manyClients(plan: Plan): Promise<Measurement[]> {
  return [
    await measured(telling, [lapwing, () => changes(plan)]),
    await measured(waking, [lapwingSim, async () => [await wakingFigures(plan)]]),
    await measured(
      idle,
      [lapwingSim, async () => [await restingFigures(plan)]],
      [lapwing, async () => [await idleFigures(plan)]],
    ),
  ];
}
