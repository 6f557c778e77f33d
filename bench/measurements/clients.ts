// Clients of ours, many in one process: what an idle one weighs, and what it costs to tell a server of a change.
import { setTimeout as pause } from 'node:timers/promises';
import { computed, type Phase } from '../harness/phase.ts';
import { compiled, nodeFlags } from '../harness/places.ts';
import { Program } from '../harness/processes.ts';
import { type Figures, type Measurement, makeRow, type Plan, type Title } from './measurement.ts';
import { exchangeLifetime } from './memory.ts';

const idle: Title = {
  id: 'memory-clients',
  title: 'Idle clients in one process',
  how:
    'Each a whole engine with a socket of its own, the objects Device, Temperature and Light Control, registered in the open at a server that ' +
    `observes two values of it; heap and external memory after full collections, ${exchangeLifetime} s after the last message.`,
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
  const server = programOf('subjects/observing-server');
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

async function measured(title: Title, run: () => Promise<readonly (Phase | Figures)[]>): Promise<Measurement> {
  try {
    return { ...title, rows: [makeRow('Lapwing', await run())], missing: [] };
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    console.error(`    ${title.id}: not run: ${why}`);
    return { ...title, rows: [], missing: [{ name: 'Lapwing', why }] };
  }
}

export async function manyClients(plan: Plan): Promise<Measurement[]> {
  return [await measured(telling, () => changes(plan)), await measured(idle, async () => [await idleFigures(plan)])];
}
