// The other process of crash.test.ts: writes registrations, observations and commands without end, and says on its standard output
// what is written for good.
import { systemClock } from '@lapwing/kernel';
import { parsePath } from '@lapwing/lwm2m';
import { commandsIn } from './commands.ts';
import { Database } from './database.ts';
import { keyUseIn } from './key-use.ts';
import { observationsIn } from './observations.ts';
import { registrationsIn } from './registrations.ts';

const [, , dir = ''] = process.argv;
const fail = (error: Error): never => {
  throw error;
};
const database = await Database.open({ dir, clock: systemClock, failed: fail });
const unreadable = (_table: string, error: Error): never => fail(error);
const [registrations, observations, commands] = [
  registrationsIn(database, unreadable),
  observationsIn(database, unreadable),
  commandsIn(database, unreadable),
];

const keyUse = keyUseIn(database, unreadable);
const kept: string[] = [];
let number = 0;
for await (const { id, note } of commands.all()) {
  kept.push(id);
  number = Math.max(number, Number(note) + 1);
}

for (; ; number += 1) {
  const name = `device-${number % 50}`;
  const id = `${number}`;
  const peer = { key: name, address: { via: 'udp', host: '192.0.2.1', port: 1 }, identity: { kind: 'none' } } as const;
  const time = { registeredAt: number, updatedAt: number, expiresAt: undefined, permittedUntil: undefined };
  const held = { token: Uint8Array.of(number & 255), registration: id };
  const operation = { op: 'observe', path: parsePath('/3303/0/5700') } as const;
  await Promise.all([
    registrations.write([
      {
        kind: 'put',
        registration: { name, id, peer, listener: '', terms: '[]', objects: '', attributes: undefined, ...time },
      },
    ]),
    observations.write([
      { kind: 'put', observation: { name, key: '/3303/0/5700', operation, note: '', onRegister: 'again', held } },
    ]),
    commands.write([
      {
        kind: 'add',
        command: {
          id,
          name,
          operation: { op: 'read', path: parsePath('/3/0') },
          note: `${number}`,
          enqueuedAt: number,
          expiresAt: undefined,
          retry: { attempts: 1, pause: 0, unless: 'seen' },
          unregistered: 'wait',
          attempts: 0,
          state: 'waiting',
          outcome: undefined,
        },
      },
    ]),
  ]);
  process.stdout.write(`reserved ${await keyUse.reserve('key', 3)}\n`);
  process.stdout.write(`promised ${number}\n`);
  kept.push(id);
  if (kept.length > 20) {
    const oldest = kept.shift() ?? '';
    await commands.write([
      { kind: 'move', id: oldest, from: 'waiting', to: 'sent', attempts: 1 },
      { kind: 'remove', id: oldest },
    ]);
    process.stdout.write(`settled ${oldest}\n`);
  }
}
