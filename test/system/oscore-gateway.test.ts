// The gateway with a device under OSCORE, over real UDP and with its database on disk: it starts anew, and the device goes on.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, ObjectStore } from '@lapwing/client';
import { MemoryKeyUseStore } from '@lapwing/coap/oscore';
import { parseConfig, runGateway } from '@lapwing/gateway/main';
import { fromHex, Secret } from '@lapwing/kernel';
import { afterAll, expect, it } from 'vitest';
import { Temperature } from './objects.ts';

const dir = mkdtempSync(join(tmpdir(), 'lapwing-oscore-'));
afterAll(() => rmSync(dir, { recursive: true }));

const secret = '0102030405060708090a0b0c0d0e0f10';

async function start(port: number) {
  const topics = ['command', 'response', 'notify', 'register', 'update'].map((each) => [each, { topic: 't' }]);
  const bind = `127.0.0.1:${port}`;
  const written = {
    gateway: { lwm2m: { translators: Object.fromEntries(topics), listeners: { udp: { default: { bind } } } } },
    mqtt: { bind: '127.0.0.1:0' },
    security: {
      credentials: [{ endpoint: 'dev', oscore: { master_secret: secret, sender_id: '01', recipient_id: '02' } }],
    },
    store: { dir },
  };
  return runGateway({
    config: await parseConfig(JSON.stringify(written), 'json', {}),
    logSink: { write: () => undefined },
  });
}

it('keeps the registration of a device under OSCORE over its own restart, and the replay window with it', async () => {
  const first = await start(0);
  const [address] = first.addresses;
  const port = address?.via === 'udp' ? address.port : expect.fail('no address');
  const objects = new ObjectStore();
  objects.add(Temperature, 0, { sensorValue: 20 });
  const oscore = { masterSecret: new Secret(fromHex(secret)), senderId: fromHex('02'), recipientId: fromHex('01') };
  await using client = await Client.start({
    name: 'dev',
    servers: [{ uri: `coap://127.0.0.1:${port}`, oscore }],
    objects,
    keyUse: new MemoryKeyUseStore(),
  });
  await client.events.once('registered');
  await expect.poll(() => first.stats()).toMatchObject({ registrations: 1, unwritten: 0, oscore: { challenged: 1 } });
  await first[Symbol.asyncDispose]();
  const second = await start(port);
  expect(second.stats()).toMatchObject({ registrations: 1 });
  const updated = client.events.once('updated');
  client.update();
  await updated;
  expect(second.stats()).toMatchObject({ registrations: 1, oscore: { challenged: 0, accepted: 1, replayed: 0 } });
  await client[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
});
