// Block-wise transfers in blocks of 1,024 bytes, RFC 7959.
import { type Contestant, java, libcoap, native, node, type Server } from '../harness/contestants.ts';
import { load } from '../harness/generator.ts';
import { compiled } from '../harness/places.ts';
import { Program } from '../harness/processes.ts';
import { measuredRoundTrip, slowRoad } from '../harness/slow-road.ts';
import { contest, type Entrant, type Figures, type Measurement, type Plan, type Run } from './measurement.ts';

const body = 1 << 20;

function transfer(mode: 'block1' | 'block2', path: string, window: number, size = body): Run {
  return (server, contestant, plan) =>
    load(
      mode,
      {
        target: `127.0.0.1:${server.port}`,
        path,
        window,
        body: size,
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

const roundTripMs = 200;

/** One client, one block at a time, over a road with a proxy on it. */
async function slowDownload(server: Server): Promise<Figures[]> {
  const roundTrip = await measuredRoundTrip(roundTripMs);
  const road = await slowRoad(server.port, roundTripMs);
  const program = new Program({
    file: process.execPath,
    args: [compiled('subjects/slow-download'), String(road.port)],
  });
  try {
    const { seconds, bytes } = JSON.parse(await program.line(60)) as {
      readonly seconds: number;
      readonly bytes: number;
    };
    if (bytes !== slowBody) throw new Error(`${bytes} of ${slowBody} bytes arrived`);
    const bound = ((bytes / 1024) * roundTrip) / 1000;
    return [
      { phase: 'slow', figures: { seconds, 'round trip in ms': roundTrip, bound, 'over the bound': seconds / bound } },
    ];
  } finally {
    await program.stop();
    road.close();
  }
}

/** Many clients that each wait a round trip between the answer and their next request. */
async function slowClients(server: Server, _contestant: Contestant, plan: Plan): Promise<Figures[]> {
  const window = 16;
  // Whole round trips are counted: of few of them one more or less would be all the difference.
  const seconds = Math.max(30, plan.seconds);
  const options = {
    target: `127.0.0.1:${server.port}`,
    path: '/image',
    window,
    body,
    warmup: 1,
    seconds,
    pause: roundTripMs,
  };
  const [phase] = await load('block2', options, [server.program.pid]);
  if (phase === undefined || phase.errors > 0) throw new Error(`${phase?.errors} blocks failed`);
  const { rate } = phase;
  const bound = (window * 1000) / roundTripMs;
  return [
    {
      phase: 'slow',
      figures: {
        seconds: body / 1024 / (rate / window),
        bound: body / 1024 / (bound / window),
        'over the bound': bound / rate,
      },
    },
  ];
}

const slowBody = 1 << 15;

export async function slowRoads(plan: Plan): Promise<Measurement[]> {
  const entrants: Entrant[] = [
    { contestant: { ...node('Lapwing', 'subjects/coap-server'), name: 'Lapwing serving, 1 MiB' }, run: slowClients },
    { contestant: { ...native('', 'serve', '--body', slowBody), name: 'Lapwing asking, 32 KiB' }, run: slowDownload },
  ];
  return contest({ ...plan, rounds: 1 }, entrants, {
    slow: {
      id: 'block2-slow',
      title: 'Block-wise download at 200 ms round trip',
      how: 'One block of 1,024 bytes outstanding per transfer; the bound is blocks × round trip, as the road makes it. Serving: 16 transfers at once.',
    },
  });
}

/** Resident size of the server with 16 and then with 1,000 transfers of one image. */
async function crowd(server: Server, contestant: Contestant, plan: Plan): Promise<Figures[]> {
  const run = async (window: number) => {
    const warmup = contestant.warmup * plan.warmth;
    const options = { target: `127.0.0.1:${server.port}`, path: '/image', window, body, warmup, seconds: plan.seconds };
    const [phase] = await load('block2', options, [server.program.pid]);
    if (phase === undefined || phase.errors > 0) throw new Error(`${phase?.errors} blocks failed`);
    return phase.rssMib[0] ?? Number.NaN;
  };
  const few = await run(16);
  const many = await run(1000);
  return [
    {
      phase: 'crowd',
      figures: { 'RSS MiB at 16': few, 'RSS MiB at 1,000': many, 'kB per transfer': ((many - few) * 1048.576) / 984 },
    },
  ];
}

export async function crowds(plan: Plan): Promise<Measurement[]> {
  return contest(plan, [{ contestant: node('Lapwing', 'subjects/coap-server'), run: crowd }], {
    crowd: {
      id: 'block2-crowd',
      title: '1,000 downloads of one image at once',
      how: 'Resident size of the server beside that with 16 downloads.',
    },
  });
}

/** As much as a server takes as one body by default. */
const uploaded = 1 << 16;

export async function uploads(plan: Plan): Promise<Measurement[]> {
  const entrants: Entrant[] = [
    { contestant: node('Lapwing', 'subjects/coap-server'), run: transfer('block1', '/upload', 16, uploaded) },
  ];
  const peer = libcoap();
  if (peer !== undefined) {
    entrants.push({
      contestant: { ...peer, name: 'libcoap example server' },
      run: transfer('block1', '/upload', 16, uploaded),
    });
  }
  return contest(plan, entrants, {
    block1: {
      id: 'block1',
      title: 'Block-wise uploads: 64 KiB in blocks of 1,024 bytes',
      how: '16 transfers at once, each stop and wait; CPU and rate per block.',
    },
  });
}
