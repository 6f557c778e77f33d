// Lapwing as an LwM2M server with its store in memory. Commands on standard input: `read WINDOW` reads /3/0 of each registered
// device in turn for ever, `observe PATH WINDOW` observes one path of each once, `memory` tells what is in use after a full
// collection.
import { createInterface } from 'node:readline';
import { parsePath } from '@lapwing/lwm2m';
import { Server } from '@lapwing/server';
import { tellMemory } from './commands.ts';

const server = await Server.listen({ listeners: [{ via: 'udp', host: '127.0.0.1', port: Number(process.argv[2]) }] });
const tlv = 11_542;

function names(): string[] {
  return [...server.registrations()].map((registration) => registration.name).filter((name) => name.includes('bench-'));
}

function readForEver(window: number): void {
  const devices = names();
  const path = parsePath('/3/0');
  let next = 0;
  const read = (): void => {
    const name = devices[next++ % devices.length] ?? '';
    server.perform(name, { op: 'read', path, accept: tlv }).then(read, read);
  };
  for (let i = 0; i < window; i++) read();
}

async function observeAll(text: string, window: number): Promise<void> {
  const devices = names();
  const path = parsePath(text);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < devices.length) await server.perform(devices[next++] ?? '', { op: 'observe', path, accept: tlv });
  };
  await Promise.all(Array.from({ length: window }, lane));
  console.log('observed');
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [command, first = '', second = ''] = line.split(' ');
  if (command === 'read') readForEver(Number(first));
  else if (command === 'observe') await observeAll(first, Number(second));
  else if (command === 'memory') await tellMemory();
}
process.exit(0);
