// What stays in memory: an idle registered device, one observation more, and the resident size after minutes at full rate.
import { setTimeout as pause } from 'node:timers/promises';
import { type Contestant, java, node, type Server } from '../harness/contestants.ts';
import { load, nextPhase, startLoad } from '../harness/generator.ts';
import type { Phase } from '../harness/phase.ts';
import { contest, type Figures, type Measurement, type Plan } from './measurement.ts';

interface Memory {
  readonly heap: number;
  readonly external: number;
}

/** Bytes in use after full collections, as the server says it. */
export async function memory(server: Server): Promise<number> {
  server.program.say('memory');
  const { heap, external } = JSON.parse(await server.program.line(120)) as Memory;
  return heap + external;
}

/** After EXCHANGE_LIFETIME (RFC 7252 §4.8.2) nothing is remembered of what a peer sent: then it is idle. */
export const exchangeLifetime = 247;

async function idleDevices(server: Server, _contestant: Contestant, plan: Plan): Promise<Figures[]> {
  const devices = Math.max(100, 100_000 * plan.scale);
  const silence = () => pause((exchangeLifetime + 13) * 1000 * (plan.scale < 1 ? 0 : 1));
  const before = await memory(server);
  const options = {
    target: `127.0.0.1:${server.port}`,
    devices,
    window: 32,
    // biome-ignore lint/suspicious/noThenProperty: an option of the generator
    then: 'hold',
    seconds: 1200,
    limit: 1500,
  };
  const fleet = startLoad('lwm2m', options, [server.program.pid]);
  try {
    const registered = await nextPhase(fleet, 300);
    const failed = registered.errors + registered.timeouts;
    if (failed > 0) throw new Error(`${failed} Registers failed`);
    const updated = await nextPhase(fleet, 300);
    if (updated.ops !== devices) throw new Error(`${updated.ops} of ${devices} devices updated`);
    const fresh = await memory(server);
    await silence();
    const idle = await memory(server);
    server.program.say('observe /3303/0 64');
    await server.program.until('observed', 120);
    await silence();
    const observed = await memory(server);
    fleet.endInput();
    const held: Phase = await nextPhase(fleet, 30);
    if (held.ops !== devices) throw new Error(`${held.ops} of ${devices} devices were observed`);
    return [
      {
        phase: 'idle',
        figures: {
          devices,
          'B per device just updated': (fresh - before) / devices,
          'B per idle device': (idle - before) / devices,
          'B per observation': (observed - idle) / devices,
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

/** All at the same time: most of it is waiting, and memory does not depend on who else is busy. */
export async function memoryOfDevices(plan: Plan): Promise<Measurement[]> {
  const contestants = [node('Lapwing', 'subjects/lwm2m-server'), java('Leshan 2.0.0-M18', 'LeshanServer')];
  const title = {
    id: 'memory-devices',
    title: 'Idle registered devices',
    how:
      'Heap and external memory after full collections; each device a peer of its own that registers and updates once, then one observation each. ' +
      `Idle: nothing was heard or sent for ${exchangeLifetime} s, so no exchange is remembered any more.`,
  };
  const found = await Promise.all(
    contestants.map((contestant) =>
      contest({ ...plan, rounds: 1 }, [{ contestant, run: idleDevices }], { idle: title }),
    ),
  );
  const all = found.flat();
  return [{ ...title, rows: all.flatMap(({ rows }) => rows), missing: all.flatMap(({ missing }) => missing) }];
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
