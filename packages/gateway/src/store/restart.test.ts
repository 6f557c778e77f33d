// The gateway with what another run left in its store, and beside one that still runs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@lapwing/kernel';
import { afterEach, expect, it } from 'vitest';
import { type GatewayHandle, parseConfig, runGateway } from '../main.ts';
import { associationsOf } from './associations.ts';
import { Database } from './database.ts';

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true });
});

function freshStore(): string {
  const dir = mkdtempSync(join(tmpdir(), 'lapwing-restart-'));
  dirs.push(dir);
  return dir;
}

async function start(dir: string): Promise<{ readonly gateway: GatewayHandle; readonly lines: string[] }> {
  const translators = Object.fromEntries(
    ['command', 'response', 'notify', 'register', 'update'].map((each) => [each, { topic: 't' }]),
  );
  const written = {
    gateway: { lwm2m: { translators, listeners: { dtls: { default: { bind: '127.0.0.1:0' } } } } },
    mqtt: { bind: '127.0.0.1:0' },
    security: { credentials: [{ endpoint: 'dev', psk: { key: '00ff' } }] },
    store: { dir },
  };
  const lines: string[] = [];
  const config = await parseConfig(JSON.stringify(written), 'json', {});
  return { gateway: await runGateway({ config, logSink: { write: (line) => lines.push(line) } }), lines };
}

it('a damaged association is told by listener and key and deleted, and the gateway runs', async () => {
  const dir = freshStore();
  {
    using database = await Database.open({ dir, clock: systemClock, failed: (error) => expect.fail(error.message) });
    const kept = associationsOf(database, 'dtls:default', () => undefined);
    kept.write('key-7', Uint8Array.of(1, 2, 3));
  }
  for (const told of [1, 0]) {
    const { gateway, lines } = await start(dir);
    await gateway[Symbol.asyncDispose]();
    const damaged = lines.filter((line) => line.includes('association was deleted'));
    expect(damaged).toHaveLength(told);
    for (const line of damaged) expect(JSON.parse(line)).toMatchObject({ listener: 'dtls:default', key: 'key-7' });
  }
});

it('a second gateway on the same store is refused, until the first one is gone', async () => {
  const dir = freshStore();
  const { gateway } = await start(dir);
  await expect(start(dir)).rejects.toThrow(`another gateway uses store.dir ${dir}`);
  await gateway[Symbol.asyncDispose]();
  await (await start(dir)).gateway[Symbol.asyncDispose]();
});
