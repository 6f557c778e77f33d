// Block-wise transfers of one mebibyte in blocks of 1,024 bytes, RFC 7959.
import { java, libcoap, node, type Server } from '../harness/contestants.ts';
import { load } from '../harness/generator.ts';
import { contest, type Entrant, type Measurement, type Plan, type Run } from './measurement.ts';

const body = 1 << 20;

function transfer(mode: 'block1' | 'block2', path: string, window: number): Run {
  return (server, contestant, plan) =>
    load(
      mode,
      {
        target: `127.0.0.1:${server.port}`,
        path,
        window,
        body,
        warmup: contestant.warmup * plan.warmth,
        seconds: plan.seconds,
      },
      [server.program.pid],
    );
}

/** One upload, so that libcoap's example server has something to give. */
async function makeImage(server: Server): Promise<void> {
  const [phase] = await load(
    'block1',
    { target: `127.0.0.1:${server.port}`, path: '/image', window: 1, body, seconds: 1 },
    [],
  );
  if (phase === undefined || phase.errors > 0) throw new Error('the upload of the image failed');
}

export async function downloads(plan: Plan): Promise<Measurement[]> {
  const entrants: Entrant[] = [
    { contestant: node('Lapwing', 'subjects/coap-server'), run: transfer('block2', '/image', 16) },
    { contestant: node('node-coap 1.5.0', 'peers/node/node-coap-server'), run: transfer('block2', '/image', 4) },
  ];
  const peer = libcoap();
  if (peer !== undefined) {
    entrants.push({
      contestant: { ...peer, name: 'libcoap example server' },
      run: async (server, contestant, settings) => {
        await makeImage(server);
        return transfer('block2', '/image', 16)(server, contestant, settings);
      },
    });
  }
  entrants.push({
    contestant: java('Californium', 'CaliforniumServer', 'default'),
    run: transfer('block2', '/image', 16),
  });
  return contest(plan, entrants, {
    block2: {
      id: 'block2',
      title: 'Block-wise downloads: 1 MiB in blocks of 1,024 bytes',
      how: '16 transfers at once (node-coap: 4), each stop and wait; CPU and rate per block.',
    },
  });
}

export async function uploads(plan: Plan): Promise<Measurement[]> {
  const entrants: Entrant[] = [
    { contestant: node('Lapwing', 'subjects/coap-server'), run: transfer('block1', '/upload', 16) },
  ];
  const peer = libcoap();
  if (peer !== undefined) {
    entrants.push({
      contestant: { ...peer, name: 'libcoap example server' },
      run: transfer('block1', '/upload', 16),
    });
  }
  return contest(plan, entrants, {
    block1: {
      id: 'block1',
      title: 'Block-wise uploads: 1 MiB in blocks of 1,024 bytes',
      how: '16 transfers at once, each stop and wait; CPU and rate per block.',
    },
  });
}
