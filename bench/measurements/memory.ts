// What stays in memory: an idle registered device, one observation more, and the resident size after minutes at full rate.
import { type Contestant, java, node, type Server } from '../harness/contestants.ts';
import { load, nextPhase, startLoad } from '../harness/generator.ts';
import type { Phase } from '../harness/phase.ts';
import { contest, type Figures, type Measurement, type Plan } from './measurement.ts';

interface Memory {
  readonly heap: number;
  readonly external: number;
}

async function memory(server: Server): Promise<number> {
  server.program.say('memory');
  const { heap, external } = JSON.parse(await server.program.line(120)) as Memory;
  return heap + external;
}

async function idleDevices(server: Server, _contestant: Contestant, plan: Plan): Promise<Figures[]> {
  const devices = Math.max(100, 100_000 * plan.scale);
  const before = await memory(server);
  const options = {
    target: `127.0.0.1:${server.port}`,
    devices,
    window: 32,
    // biome-ignore lint/suspicious/noThenProperty: an option of the generator
    then: 'hold',
    seconds: 600,
  };
  const fleet = startLoad('lwm2m', options, [server.program.pid]);
  try {
    const registered = await nextPhase(fleet, 300);
    if (registered.errors + registered.timeouts > 0)
      throw new Error(`${registered.errors + registered.timeouts} Registers failed`);
    const idle = await memory(server);
    server.program.say('observe /3303/0 64');
    await server.program.until('observed', 120);
    const observed = await memory(server);
    fleet.endInput();
    const held: Phase = await nextPhase(fleet, 30);
    if (held.ops !== devices) throw new Error(`${held.ops} of ${devices} devices were observed`);
    return [
      {
        phase: 'idle',
        figures: {
          devices,
          'bytes per device': (idle - before) / devices,
          'bytes per observation': (observed - idle) / devices,
          'RSS MiB': held.rssMib[0] ?? Number.NaN,
        },
      },
    ];
  } finally {
    await fleet.stop();
  }
}

/** Half a minute stands for what is reached, the rest for what is added: flat is flat. */
async function fullRate(server: Server, _contestant: Contestant, plan: Plan): Promise<Figures[]> {
  const minutes = 5 * plan.warmth;
  const target = `127.0.0.1:${server.port}`;
  const pids = [server.program.pid];
  const [idle] = await load('get', { target, seconds: 0.1 }, pids);
  const [settled] = await load('get', { target, seconds: 30 * plan.warmth }, pids);
  const [last] = await load('get', { target, seconds: 60 * minutes - 30 * plan.warmth }, pids);
  const rss = (phase: Phase | undefined) => phase?.rssMib[0] ?? Number.NaN;
  return [
    {
      phase: 'endurance',
      figures: {
        minutes,
        requests: (settled?.ops ?? 0) + (last?.ops ?? 0),
        'RSS at first, MiB': rss(idle),
        'after 30 s': rss(settled),
        'at the end': rss(last),
      },
    },
  ];
}

export async function memoryOfDevices(plan: Plan): Promise<Measurement[]> {
  const entrants = [node('Lapwing', 'subjects/lwm2m-server'), java('Leshan 2.0.0-M18', 'LeshanServer')];
  return contest(
    { ...plan, rounds: 1 },
    entrants.map((contestant) => ({ contestant, run: idleDevices })),
    {
      idle: {
        id: 'memory-devices',
        title: 'Idle registered devices',
        how: 'Heap and external memory after full collections, one round; each device a peer of its own, then one observation each.',
      },
    },
  );
}

export async function memoryAtFullRate(plan: Plan): Promise<Measurement[]> {
  return contest({ ...plan, rounds: 1 }, [{ contestant: node('Lapwing', 'subjects/coap-server'), run: fullRate }], {
    endurance: {
      id: 'memory-endurance',
      title: 'Resident size of a CoAP server at full rate',
      how: 'GET from 64 peers at a time, each replaced before its Message IDs repeat; duplicate detection on.',
    },
  });
}
