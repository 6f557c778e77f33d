// Many Lapwing clients in one process, each with three objects of its own and a socket, at the server whose port is the first
// argument; the second says how many. Commands on standard input: `memory` tells what is in use after full collections, `change N`
// changes the observed value of one device after the other, N times in all, and tells what that took; `snapshot FILE` writes the heap down.
import { createInterface } from 'node:readline';
import { writeHeapSnapshot } from 'node:v8';
import { Client, type Instance, ObjectStore } from '@lapwing/client';
import { Device, LightControl, Temperature } from '@lapwing/lwm2m/objects';
import { tellMemory } from './commands.ts';

const uri = `coap://127.0.0.1:${process.argv[2]}`;
const count = Number(process.argv[3]);

interface Simulated {
  readonly client: Client;
  readonly sensor: Instance<typeof Temperature>;
}

const fleet: Simulated[] = [];

async function begin(name: string): Promise<Simulated> {
  const objects = new ObjectStore();
  objects.add(Device, 0, {
    manufacturer: 'Lapwing',
    reboot: () => {},
    errorCode: new Map([[0, 0]]),
    supportedBindingAndModes: 'U',
  });
  const sensor = objects.add(Temperature, 0, { sensorValue: 21.5 });
  objects.add(LightControl, 0, { onOff: false });
  const client = await Client.start({ name, servers: [{ uri }], objects });
  if (client.phase() !== 'registered') await client.events.once('registered');
  return { client, sensor };
}

async function beginAll(): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const at = next;
      next += 1;
      fleet[at] = await begin(`bench-${at}`);
    }
  };
  await Promise.all(Array.from({ length: 32 }, lane));
}

async function change(times: number): Promise<void> {
  const before = sent();
  const began = performance.now();
  const cpu = process.cpuUsage();
  for (let i = 0; i < times; i += 1) {
    const { sensor } = fleet[i % fleet.length] as Simulated;
    sensor.set({ sensorValue: 20 + (i % 977) / 100 });
    if (i % 16 === 15) await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { user, system } = process.cpuUsage(cpu);
  const notifications = sent() - before;
  console.log(JSON.stringify({ ms: performance.now() - began, us: (user + system) / notifications, notifications }));
}

/** Messages that went out so far: one that is overtaken while it waits for its acknowledgement is none. */
function sent(): number {
  return fleet.reduce((sum, { client }) => sum + (client.stats()?.endpoint.sent ?? 0), 0);
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument = ''] = line.split(' ');
  if (command === 'begin') {
    await beginAll();
    console.log('begun');
  } else if (command === 'memory') await tellMemory();
  else if (command === 'change') await change(Number(argument));
  else if (command === 'snapshot') {
    writeHeapSnapshot(argument);
    console.log('written');
  }
}
process.exit(0);
