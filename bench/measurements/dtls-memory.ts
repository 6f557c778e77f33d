// What an established session keeps while nobody uses it: a hundred thousand of them, beside as many peers without DTLS.
import { setTimeout as pause } from 'node:timers/promises';
import { java, node, type Server } from '../harness/contestants.ts';
import { type LoadOptions, nextPhase, startLoad } from '../harness/generator.ts';
import { identity, key } from './dtls.ts';
import { contest, type Entrant, type Figures, type Measurement, type Plan, type Run } from './measurement.ts';
import { exchangeLifetime, memory } from './memory.ts';

const secured = { secure: '', identity, key, cid: 6 } as const;

function idle(security: LoadOptions): Run {
  return async (server: Server, _contestant, plan): Promise<Figures[]> => {
    const devices = Math.max(100, 100_000 * plan.scale);
    const options = {
      target: `127.0.0.1:${server.port}`,
      devices,
      window: 32,
      ...security,
      seconds: 1200,
      limit: 1500,
    };
    const before = await memory(server);
    const crowd = startLoad('idle', options, [server.program.pid]);
    try {
      const once = await nextPhase(crowd, 400);
      const failed = devices - once.ops + once.errors;
      if (failed > 0) throw new Error(`${failed} of ${devices} had no answer`);
      const fresh = await memory(server);
      await pause((exchangeLifetime + 13) * 1000 * (plan.scale < 1 ? 0.02 : 1));
      const after = await memory(server);
      crowd.endInput();
      const held = await nextPhase(crowd, 30);
      const again = await nextPhase(crowd, 300);
      return [
        {
          phase: 'idle',
          figures: {
            peers: devices,
            'B per peer just answered': (fresh - before) / devices,
            'B per idle peer': (after - before) / devices,
            'RSS MiB': held.rssMib[0] ?? Number.NaN,
            'answered again': again.ops - again.errors,
          },
        },
      ];
    } finally {
      await crowd.stop();
    }
  };
}

/** All at the same time: most of it is waiting. */
export async function idleSessions(plan: Plan): Promise<Measurement[]> {
  const entrants: Entrant[] = [
    { contestant: node('Lapwing', 'subjects/dtls-server', identity, key), run: idle(secured) },
    { contestant: { ...node('', 'subjects/coap-server'), name: 'Lapwing without DTLS' }, run: idle({}) },
    { contestant: java('Scandium', 'ScandiumServer', 'default', identity, key), run: idle(secured) },
  ];
  const title = {
    id: 'dtls-memory',
    title: 'Idle sessions',
    how:
      'Heap and external memory after full collections; each peer shakes hands and asks once, then says nothing for ' +
      `${exchangeLifetime} s and more. At the end each asks again over the session it has.`,
  };
  const found = await Promise.all(
    entrants.map((entrant) => contest({ ...plan, rounds: 1 }, [entrant], { idle: title })),
  );
  const all = found.flat();
  return [{ ...title, rows: all.flatMap(({ rows }) => rows), missing: all.flatMap(({ missing }) => missing) }];
}
