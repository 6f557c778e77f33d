// From a confirmable notification to an acknowledged MQTT message, beside what the mqtt package can publish alone.
import { writeFileSync } from 'node:fs';
import { type Contestant, mosquitto, node, type Server, start } from '../harness/contestants.ts';
import { nextPhase, startLoad } from '../harness/generator.ts';
import type { Phase } from '../harness/phase.ts';
import { benchFolder } from '../harness/places.ts';
import { drive } from './driven.ts';
import { contest, type Entrant, type Measurement, type Plan } from './measurement.ts';

const devices = 500;
const window = 128;

/** The gateway as a user starts it, with one object observed on each device. */
function gateway(broker: Server, qos: 0 | 1): Contestant {
  return {
    name: 'gateway',
    warmup: 2,
    probe: Uint8Array.of(0x40, 0, 0, 1),
    command: (port) => {
      const topic = (text: string) => ({ topic: text, qos });
      const config = {
        gateway: {
          lwm2m: {
            // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the gateway
            mountpoint: 'lwm2m/${endpoint_name}/',
            auto_observe: ['/3303/0'],
            lifetime_min: '1s',
            lifetime_max: '86400s',
            qmode_time_window: '22s',
            update_msg_publish_condition: 'contains_object_list',
            translators: {
              command: topic('dn/#'),
              response: topic('up/resp'),
              notify: topic('up/notify'),
              register: topic('up/register'),
              update: topic('up/update'),
            },
            listeners: {
              udp: { default: { bind: `127.0.0.1:${port}`, max_connections: 'infinity', max_conn_rate: 'infinity' } },
            },
          },
        },
        mqtt: { broker: `mqtt://127.0.0.1:${broker.port}` },
        store: { dir: ':memory:' },
      };
      const file = benchFolder('build/gateway.json');
      writeFileSync(file, JSON.stringify(config, undefined, 2));
      return {
        file: process.execPath,
        args: [benchFolder('../packages/cli/dist/main.js'), 'gateway', '--config', file],
      };
    },
  };
}

async function withServer<T>(contestant: Contestant, body: (server: Server) => Promise<T>): Promise<T> {
  const server = await start(contestant);
  try {
    return await body(server);
  } finally {
    await server.program.stop();
  }
}

function options(server: Server, plan: Plan, rate: number) {
  return {
    target: `127.0.0.1:${server.port}`,
    devices,
    window,
    // biome-ignore lint/suspicious/noThenProperty: an option of the generator
    then: 'notify',
    rate,
    warmup: 2 * plan.warmth,
    seconds: plan.seconds,
    settle: 1,
  };
}

/**
 * What was acknowledged to the devices but not yet to us by the broker must not count: CPU time that the server still needs
 * after the last notification is added to the time it took.
 */
async function notify(server: Server, plan: Plan, rate: number): Promise<Phase> {
  const load = startLoad('lwm2m', options(server, plan, rate), [server.program.pid]);
  try {
    const registered = await nextPhase(load, 60);
    if (registered.errors > 0) throw new Error(`${registered.errors} of ${devices} Registers were refused`);
    const observed = await nextPhase(load, 60);
    if (observed.ops < devices) throw new Error(`${observed.ops} of ${devices} devices were observed`);
    const measured = await nextPhase(load, 120);
    const settled = await nextPhase(load, 60);
    const overdue = ((settled.cpuUs[0] ?? 0) * settled.ops) / 1e6;
    const late = overdue > 0.05 ? overdue : 0;
    return { ...measured, rate: measured.ops / (measured.seconds + late), seconds: measured.seconds + late };
  } finally {
    await load.stop();
  }
}

/** At half of what it can do, with a subscriber that reads the time out of each message. */
async function latency(server: Server, broker: Server, plan: Plan, rate: number): Promise<Phase> {
  const seconds = plan.seconds + 2 * plan.warmth + 30;
  const subscriber = startLoad('mqtt', { target: `127.0.0.1:${broker.port}`, path: 'lwm2m/+/up/notify', seconds });
  try {
    await notify(server, plan, rate);
    subscriber.endInput();
    return { ...(await nextPhase(subscriber, 10)), phase: 'latency' };
  } finally {
    await subscriber.stop();
  }
}

export async function notifications(plan: Plan): Promise<Measurement[]> {
  const alone = (qos: 0 | 1): Entrant => ({
    contestant: mosquitto(`mqtt package publishing alone, QoS ${qos}`),
    run: async (broker) => {
      const driver = { name: 'mqtt', program: 'peers/node/mqtt-publisher', args: [qos] };
      return [{ ...(await drive(driver, broker, plan)), phase: 'notify' }];
    },
  });
  const whole = (qos: 0 | 1): Entrant => ({
    contestant: mosquitto(`Lapwing gateway, QoS ${qos}`),
    run: async (broker) => {
      const measured = await withServer(gateway(broker, qos), (server) => notify(server, plan, 0));
      if (qos === 0) return [measured];
      const half = await withServer(gateway(broker, qos), (server) => latency(server, broker, plan, measured.rate / 2));
      return [measured, half];
    },
  });
  const without: Entrant = {
    contestant: node('Lapwing without MQTT', 'subjects/notification-server'),
    run: async (server) => [await notify(server, plan, 0)],
  };
  return contest(plan, [alone(1), whole(1), alone(0), whole(0), without], {
    notify: {
      id: 'notify',
      title: 'From a confirmable notification to Mosquitto',
      how:
        `${devices} devices, one TLV value each time, ${window} outstanding: acknowledged, decoded, made JSON, published. ` +
        'The rate counts what the broker has too. The package alone publishes 200 bytes, 100 outstanding.',
    },
    latency: {
      id: 'notify-latency',
      title: 'Travelling time from device to subscriber at half of the maximum rate, QoS 1',
      how: 'By the time in the value; device, gateway, broker and subscriber on this machine.',
    },
  });
}
