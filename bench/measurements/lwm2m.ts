// LwM2M servers: Register, Update and Read of many devices, and how the cost grows with their number.
import { type Contestant, java, node, type Server } from '../harness/contestants.ts';
import { load, nextPhase, startLoad } from '../harness/generator.ts';
import type { Phase } from '../harness/phase.ts';
import { contest, type Measurement, type Plan } from './measurement.ts';

const contestants: readonly Contestant[] = [
  node('Lapwing', 'subjects/lwm2m-server'),
  java('Leshan 2.0.0-M18', 'LeshanServer'),
];

const links = '11 links in 115 bytes, 16 different sets of them';

async function registerAndUpdate(
  server: Server,
  contestant: Contestant,
  plan: Plan,
  devices: number,
  window: number,
): Promise<Phase[]> {
  const options = {
    target: `127.0.0.1:${server.port}`,
    window,
    devices: Math.max(100, devices * plan.scale),
    // biome-ignore lint/suspicious/noThenProperty: an option of the generator
    then: 'update',
    warmup: contestant.warmup * plan.warmth,
    seconds: plan.seconds,
  };
  const phases = await load('lwm2m', options, [server.program.pid], 2);
  const [registered] = phases;
  if (registered !== undefined && registered.ops - registered.errors < options.devices * 0.99) {
    throw new Error(`${registered.ops - registered.errors} of ${options.devices} devices could register`);
  }
  return phases;
}

export async function updates(plan: Plan): Promise<Measurement[]> {
  const entrants = contestants.map((contestant) => ({
    contestant,
    run: (server: Server) => registerAndUpdate(server, contestant, plan, 10_000, 64),
  }));
  return contest(plan, entrants, {
    register: {
      id: 'register-10k',
      title: 'LwM2M servers: Register, 10,000 devices',
      how: `${links}; 64 outstanding; stores in memory; each device a peer of its own.`,
    },
    update: {
      id: 'update-10k',
      title: 'LwM2M servers: Update, 10,000 devices',
      how: 'Round robin over the devices, no payload, 64 outstanding.',
    },
  });
}

export async function growth(plan: Plan): Promise<Measurement[]> {
  const many = contestants.map((contestant) => ({
    contestant,
    run: async (server: Server) => {
      const phases = await registerAndUpdate(server, contestant, plan, 100_000, 16);
      return phases.map((phase) => ({ ...phase, phase: `${phase.phase}-many` }));
    },
  }));
  const few = contestants.map((contestant) => ({
    contestant,
    run: async (server: Server) => {
      const phases = await registerAndUpdate(server, contestant, plan, 1_000, 16);
      return phases.filter((phase) => phase.phase === 'update').map((phase) => ({ ...phase, phase: 'update-few' }));
    },
  }));
  return contest(plan, [...few, ...many], {
    'update-few': {
      id: 'update-1k',
      title: 'LwM2M servers: Update, 1,000 devices',
      how: 'Round robin, no payload, 16 outstanding: the foot of the growth.',
    },
    'register-many': {
      id: 'register-100k',
      title: 'LwM2M servers: Register, 100,000 devices',
      how: `${links}; 16 outstanding; stores in memory; each device a peer of its own.`,
    },
    'update-many': {
      id: 'update-100k',
      title: 'LwM2M servers: Update, 100,000 devices',
      how: 'Round robin, no payload, 16 outstanding.',
    },
  });
}

async function readDevices(server: Server, contestant: Contestant, plan: Plan): Promise<Phase[]> {
  const options = {
    target: `127.0.0.1:${server.port}`,
    devices: Math.max(100, 2000 * plan.scale),
    // biome-ignore lint/suspicious/noThenProperty: an option of the generator
    then: 'read',
    warmup: contestant.warmup * plan.warmth,
    seconds: plan.seconds,
  };
  const devices = startLoad('lwm2m', options, [server.program.pid]);
  try {
    await nextPhase(devices, 120);
    server.program.say('read 64');
    return [await nextPhase(devices, 120)];
  } finally {
    await devices.stop();
  }
}

export async function reads(plan: Plan): Promise<Measurement[]> {
  const entrants = contestants.map((contestant) => ({
    contestant,
    run: (server: Server) => readDevices(server, contestant, plan),
  }));
  return contest(plan, entrants, {
    read: {
      id: 'read-2k',
      title: 'LwM2M servers: Read of /3/0 as TLV, decoded, 2,000 devices',
      how: '64 outstanding in all, 121 bytes of TLV each; rate and CPU as the devices see it.',
    },
  });
}
