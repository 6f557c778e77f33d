// What of OSCORE stays in the gateway's database: the use of keys that somebody has.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyNames } from '@lapwing/coap/oscore';
import { fromHex, Secret, systemClock } from '@lapwing/kernel';
import { afterAll, expect, it } from 'vitest';
import { parseConfig } from '../config-file.ts';
import { runGateway } from '../main.ts';
import { Database } from './database.ts';
import { keyUseIn } from './key-use.ts';

const dir = mkdtempSync(join(tmpdir(), 'lapwing-key-use-'));
afterAll(() => rmSync(dir, { recursive: true }));

const secret = '0102030405060708090a0b0c0d0e0f10';
const topics = ['command', 'response', 'notify', 'register', 'update'].map((each) => [each, { topic: 't' }]);
const written = {
  gateway: {
    lwm2m: {
      translators: Object.fromEntries(topics),
      listeners: { udp: { default: { bind: '127.0.0.1:0' } } },
    },
  },
  mqtt: { bind: '127.0.0.1:0' },
  security: {
    credentials: [{ endpoint: 'dev', oscore: { master_secret: secret, sender_id: '01', recipient_id: '02' } }],
  },
  store: { dir },
};

it('H-04: keeps of credentials that are not configured any more only what their numbers are not given out twice for', async () => {
  const parameters = { masterSecret: new Secret(fromHex(secret)), senderId: fromHex('01'), recipientId: fromHex('02') };
  const { sending, receiving } = keyNames(parameters);
  const open = () => Database.open({ dir, clock: systemClock, failed: (error) => expect.fail(error.message) });
  const before = await open();
  const used = keyUseIn(before, (table) => expect.fail(table));
  await used.reserve(sending, 100);
  await used.reserve('s.of-somebody-who-left', 300);
  await used.keepWindow('r.of-somebody-who-left', { newest: 1, seen: [1], floor: 0 });
  await used.keepWindow(receiving, { newest: 1, seen: [1], floor: 0 });
  before[Symbol.dispose]();
  const gateway = await runGateway({
    config: await parseConfig(JSON.stringify(written), 'json', {}),
    logSink: { write: () => undefined },
  });
  await gateway[Symbol.asyncDispose]();
  const after = await open();
  const kept = keyUseIn(after, (table) => expect.fail(table));
  expect([...(await kept.names())].sort()).toEqual([receiving, sending]);
  expect([await kept.reserve(sending, 1), await kept.reserve('s.of-somebody-who-left', 1)]).toEqual([100, 300]);
  after[Symbol.dispose]();
});
