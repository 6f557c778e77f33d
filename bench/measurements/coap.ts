// Plain CoAP: confirmable GET with a 32-byte answer at servers, and 16 outstanding requests of clients.
import { java, libcoap, native, node, type Server } from '../harness/contestants.ts';
import { load } from '../harness/generator.ts';
import { askUntilAnswered } from '../harness/processes.ts';
import { driven } from './driven.ts';
import { contest, type Entrant, type Measurement, type Plan, type Run } from './measurement.ts';

const window = 64;

export const get: Run = (server, contestant, plan) =>
  load(
    'get',
    { target: `127.0.0.1:${server.port}`, window, warmup: contestant.warmup * plan.warmth, seconds: plan.seconds },
    [server.program.pid],
  );

const echo: Run = async (server, contestant, plan) => {
  const phases = await load(
    'echo',
    { target: `127.0.0.1:${server.port}`, window, warmup: contestant.warmup * plan.warmth, seconds: plan.seconds },
    [server.program.pid],
  );
  return phases.map((phase) => ({ ...phase, phase: 'get' }));
};

/** PUT /bench with 32 bytes: libcoap's example server keeps what it is given. */
export async function makeResource(server: Server): Promise<void> {
  const head = [0x40, 3, 0x42, 0x42, 0xb5, ...Buffer.from('bench'), 0xff];
  const answer = await askUntilAnswered(server.port, Uint8Array.from([...head, ...Buffer.alloc(32, 'x')]), 5);
  if (answer[1] !== 0x41) throw new Error('PUT of /bench refused');
}

export async function coapServers(plan: Plan): Promise<Measurement[]> {
  const peer = libcoap();
  const entrants: Entrant[] = [
    { contestant: native('C echo, batched', 'echo-server'), run: echo },
    { contestant: node('dgram echo, tuned', 'peers/node/echo'), run: echo },
    { contestant: node('Lapwing', 'subjects/coap-server'), run: get },
    { contestant: node('node-coap 1.5.0', 'peers/node/node-coap-server'), run: get },
  ];
  if (peer !== undefined) {
    entrants.push({
      contestant: { ...peer, name: 'libcoap example server' },
      run: async (server, contestant, settings) => {
        await makeResource(server);
        return get(server, contestant, settings);
      },
    });
  }
  entrants.push(
    { contestant: java('Californium', 'CaliforniumServer', 'default'), run: get },
    { contestant: java('Californium, filter per peer', 'CaliforniumServer', 'per-peer'), run: get },
  );
  const found = await contest(plan, entrants, {
    get: {
      id: 'coap-get',
      title: 'CoAP servers: confirmable GET, 32-byte answer',
      how: `${window} peers with one request outstanding each; duplicate detection on. The echoes are raw datagrams of 64 bytes.`,
    },
  });
  const absent = peer === undefined ? [{ name: 'libcoap example server', why: 'no coap-server-notls' }] : [];
  return found.map((measurement) => ({ ...measurement, missing: [...measurement.missing, ...absent] }));
}

export async function coapClients(plan: Plan): Promise<Measurement[]> {
  return driven(
    plan,
    [
      { name: 'Lapwing', program: 'subjects/coap-client', args: [] },
      { name: 'node-coap 1.5.0', program: 'peers/node/node-coap-client', args: [] },
    ],
    native('target', 'serve', '--size', '32'),
    {
      id: 'coap-client',
      title: 'CoAP clients: confirmable GET, 16 outstanding',
      how: 'Against the generator as a server (batched C).',
    },
  );
}
