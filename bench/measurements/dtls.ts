// DTLS 1.2 with a pre-shared key, TLS_PSK_WITH_AES_128_CCM_8: handshakes, secured requests, and what must cost next to nothing.
import { type Contestant, java, node, type Server, secureLibcoap } from '../harness/contestants.ts';
import { type LoadOptions, load } from '../harness/generator.ts';
import type { Phase } from '../harness/phase.ts';
import { makeResource } from './coap.ts';
import { inProcess } from './in-process.ts';
import { contest, type Entrant, type Figures, type Measurement, type Plan, type Run } from './measurement.ts';
import { memory } from './memory.ts';

export const identity = 'bench';
export const key = 'sixteen-byte-key';

const lapwing = node('Lapwing', 'subjects/dtls-server', identity, key);
const scandium = java('Scandium', 'ScandiumServer', 'default', identity, key);
const scandiumPerPeer = java('Scandium, filter per peer', 'ScandiumServer', 'per-peer', identity, key);

/** What the generator is told for a server with connection ids: one without fails. */
const withIds = { identity, key, cid: 6 } as const;
const withoutIds = { identity, key } as const;

function target(server: Server): string {
  return `127.0.0.1:${server.port}`;
}

/** libcoap's example server has DTLS on the port above its plain one; the resource is made on the plain one. */
function aboveLibcoap(run: Run): Run {
  return async (server, contestant, plan) => {
    await makeResource(server);
    return run({ ...server, port: server.port + 1 }, contestant, plan);
  };
}

function timed(contestant: Contestant, plan: Plan) {
  return { warmup: contestant.warmup * plan.warmth, seconds: plan.seconds };
}

function shakeHands(security: LoadOptions, close: LoadOptions, phase: string): Run {
  return async (server, contestant, plan) => {
    const options = { target: target(server), window: 16, ...security, ...close, ...timed(contestant, plan) };
    const phases = await load('handshake', options, [server.program.pid]);
    return phases.map((found) => ({ ...found, phase }));
  };
}

/** Peers from Debian: those that are not installed are named. */
function libcoaps(run: Run): { readonly entrants: Entrant[]; readonly missing: { name: string; why: string }[] } {
  const entrants: Entrant[] = [];
  const missing: { name: string; why: string }[] = [];
  for (const [library, name] of [
    ['openssl', 'libcoap with OpenSSL'],
    ['gnutls', 'libcoap with GnuTLS'],
  ] as const) {
    const contestant = secureLibcoap(library, name, key);
    if (contestant === undefined) missing.push({ name, why: `no coap-server-${library}` });
    else entrants.push({ contestant, run: aboveLibcoap(run) });
  }
  return { entrants, missing };
}

function also(found: Measurement[], missing: Measurement['missing']): Measurement[] {
  return found.map((measurement) => ({ ...measurement, missing: [...measurement.missing, ...missing] }));
}

export async function handshakes(plan: Plan): Promise<Measurement[]> {
  const stay = shakeHands(withIds, {}, 'handshake');
  const open = await contest(
    plan,
    [
      { contestant: lapwing, run: stay },
      { contestant: scandium, run: stay },
    ],
    {
      handshake: {
        id: 'dtls-handshake',
        title: 'DTLS servers: handshakes with a pre-shared key',
        how:
          'TLS_PSK_WITH_AES_128_CCM_8, cookie, extended master secret, connection id of 6 bytes or more; 16 at a time, each from a ' +
          'new peer; the sessions stay.',
      },
    },
  );
  const { entrants, missing } = libcoaps(shakeHands(withoutIds, { close: '' }, 'close'));
  const closed = await contest(
    plan,
    [{ contestant: lapwing, run: shakeHands(withIds, { close: '' }, 'close') }, ...entrants],
    {
      close: {
        id: 'dtls-handshake-close',
        title: 'DTLS servers: handshakes with a pre-shared key, closed at once',
        how:
          'The same, each followed by close_notify: libcoap 4.3 looks at every session it has for each datagram, so sessions that ' +
          'stay would be measured instead. libcoap has no connection ids.',
      },
    },
  );
  return [...open, ...also(closed, missing)];
}

const windows = [32, 64] as const;

/** Both numbers of sessions at one server, the smaller first. */
function get(security: LoadOptions): Run {
  return async (server, contestant, plan) => {
    const phases: Phase[] = [];
    for (const window of windows) {
      const warmup = phases.length === 0 ? contestant.warmup * plan.warmth : 0.2;
      const options = { target: target(server), window, ...security, warmup, seconds: plan.seconds };
      const found = await load('get', options, [server.program.pid]);
      phases.push(...found.map((phase) => ({ ...phase, phase: `get-${window}` })));
    }
    return phases;
  };
}

export async function securedRequests(plan: Plan): Promise<Measurement[]> {
  const secured = get({ ...withIds, secure: '' });
  const { entrants, missing } = libcoaps(get({ ...withoutIds, secure: '' }));
  const how = (window: number) =>
    `TLS_PSK_WITH_AES_128_CCM_8, connection ids except with libcoap; ${window} sessions with one request outstanding each; duplicate ` +
    'detection on. Without DTLS: the same program on a bare socket, in the same rounds.';
  const found = await contest(
    plan,
    [
      { contestant: lapwing, run: secured },
      { contestant: { ...node('', 'subjects/coap-server'), name: 'Lapwing without DTLS' }, run: get({}) },
      { contestant: scandium, run: secured },
      { contestant: scandiumPerPeer, run: secured },
      ...entrants,
    ],
    Object.fromEntries(
      windows.map((window) => [
        `get-${window}`,
        {
          id: `dtls-get-${window}`,
          title: `Over DTLS: confirmable GET, 32-byte answer, ${window} sessions`,
          how: how(window),
        },
      ]),
    ),
  );
  return also(found, missing);
}

/** First flights from a million peers that nobody can answer for: what they cost, and what is left of them. */
async function flood(server: Server, contestant: Contestant, plan: Plan): Promise<(Phase | Figures)[]> {
  const pids = [server.program.pid];
  const hello = { target: target(server), ...withIds, window: 64, seconds: 300 };
  await load('hello', { ...hello, devices: Math.max(1000, 20_000 * contestant.warmup * plan.warmth) }, pids);
  const before = await memory(server);
  const devices = Math.max(1000, 1_000_000 * plan.scale);
  const [phase] = await load('hello', { ...hello, devices }, pids);
  const after = await memory(server);
  if (phase === undefined || phase.ops < devices * 0.999) throw new Error(`${phase?.ops} of ${devices} were answered`);
  const figures = { hellos: phase.ops, 'growth, kB': (after - before) / 1024 };
  return [phase, { phase: 'growth', figures }];
}

const echoed: Run = async (server, contestant, plan) => {
  const options = { target: target(server), window: 64, size: 96, ...timed(contestant, plan) };
  const phases = await load('echo', options, [server.program.pid]);
  return phases.map((phase) => ({ ...phase, phase: 'hello' }));
};

/** A record for an id that nobody has comes between requests: what it adds to each is its price. */
async function strays(server: Server, contestant: Contestant, plan: Plan): Promise<Figures[]> {
  const each = 4;
  const pids = [server.program.pid];
  const request = { target: target(server), secure: '', ...withIds, window: 32 };
  const warmup = (contestant.warmup / 2) * plan.warmth;
  const [among] = await load('get', { ...request, strays: each, warmup, seconds: plan.seconds }, pids);
  const [alone] = await load('get', { ...request, warmup, seconds: plan.seconds }, pids);
  const [plain, mixed] = [alone?.cpuUs[0] ?? Number.NaN, among?.cpuUs[0] ?? Number.NaN];
  if ((among?.timeouts ?? 1) > (among?.ops ?? 0) / 1000) throw new Error(`${among?.timeouts} requests were lost`);
  return [{ phase: 'strays', figures: { 'µs per request': plain, 'µs per record dropped': (mixed - plain) / each } }];
}

/** Both ends in one process, no sockets: each side's computing and nothing else. */
export async function local(plan: Plan): Promise<Measurement[]> {
  return inProcess(
    'subjects/dtls-local',
    [plan.rounds, plan.scale < 1 ? 0.3 : 1],
    [
      {
        id: 'dtls-handshake-local',
        title: 'DTLS handshakes in process',
        how:
          'CPU of the server, and of the client where it says so. Certificates are P-256, one link below the root, of a thousand clients ' +
          'in turn. The last row adds up what such a handshake cannot do without: a share and its secret, a signature, the import of the ' +
          'client’s key, and two verifications.',
      },
      {
        id: 'dtls-record',
        title: 'DTLS records in process',
        how: '64 bytes sealed with AES_128_CCM_8 and a connection id, carried over in memory, opened and delivered.',
      },
    ],
  );
}

/** Whether anybody can tell by the time who is known (reliability G-21). */
export async function timing(plan: Plan): Promise<Measurement[]> {
  return inProcess(
    'subjects/dtls-timing',
    [Math.max(2_000, 100_000 * plan.scale)],
    [
      {
        id: 'dtls-timing',
        title: 'An unknown identity beside a wrong key',
        how:
          'The server’s turn from the flight with identity and Finished to its silence, both kinds in random order, both ends in one ' +
          'process. Welch’s t; between -4.5 and 4.5 the time tells nothing. Positive: the unknown identity takes longer.',
      },
    ],
  );
}

export async function nuisances(plan: Plan): Promise<Measurement[]> {
  const floods = await contest(
    { ...plan, rounds: Math.min(plan.rounds, 2) },
    [
      { contestant: lapwing, run: flood },
      { contestant: scandium, run: flood },
      { contestant: node('dgram echo, tuned', 'peers/node/echo'), run: echoed },
    ],
    {
      hello: {
        id: 'dtls-hello',
        title: 'A million ClientHellos without a cookie',
        how: 'Each from a new peer, 64 at a time, answered by HelloVerifyRequest. The echo is of raw datagrams of 96 bytes.',
      },
      growth: {
        id: 'dtls-hello-growth',
        title: 'What stays of a million ClientHellos',
        how: 'Heap and external memory after full collections, before and after.',
      },
    },
  );
  const dropped = await contest(
    plan,
    [
      { contestant: lapwing, run: strays },
      { contestant: scandium, run: strays },
    ],
    {
      strays: {
        id: 'dtls-strays',
        title: 'Records for unknown connection ids',
        how: 'Four of 87 bytes before each of the secured requests of 32 sessions; what they add to a request, divided by four.',
      },
    },
  );
  return [...floods, ...dropped];
}
