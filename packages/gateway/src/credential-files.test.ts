import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import type { CredentialChange } from '@lapwing/server';
import { expect, it } from 'vitest';
import { openCredentials } from './credential-files.ts';
import { Log } from './log.ts';
import { parseConfig, runGateway } from './main.ts';
import { Metrics } from './metrics.ts';

it('credentials whose file is replaced are those of the new file within 10 s, and a broken file leaves the old and is told', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lapwing-credentials-'));
  const file = join(dir, 'devices.json');
  const write = (keys: Readonly<Record<string, string>>): void =>
    writeFileSync(file, JSON.stringify(Object.entries(keys).map(([endpoint, key]) => ({ endpoint, psk: { key } }))));
  write({ a: '01', b: '02' });
  const config = { credentials: [], files: [file], pskFile: undefined };
  const { store, follow } = (await openCredentials(config, 'security')) ?? expect.fail('no credentials');
  const clock = new VirtualClock();
  const metrics = new Metrics();
  const lines: string[] = [];
  const log = new Log({ level: 'info', format: 'json', clock, metrics, sink: { write: (line) => lines.push(line) } });
  using _following = follow?.({ clock, log, metrics });
  const changes: CredentialChange[] = [];
  store.onChange((change) => changes.push(change));
  /** The file system does not know of virtual time: looks again until it has answered. */
  const told = (fact: string) =>
    expect
      .poll(async () => {
        await clock.advance(seconds(5));
        return lines.some((line) => line.includes(fact));
      })
      .toBe(true);
  write({ a: '0303', c: '02' });
  await told('read again');
  expect(store.ofEndpoint('b')).toEqual([]);
  expect(store.ofEndpoint('c')).toHaveLength(1);
  expect(changes.map(({ endpoint, before, after }) => [endpoint, before.length, after.length])).toEqual([
    ['a', 1, 1],
    ['b', 1, 0],
    ['c', 0, 1],
  ]);
  writeFileSync(file, '[{"endpoint": "a", "psk": {"key": "not hexadecimal"}}]');
  await told('those of before stay');
  expect(store.ofEndpoint('c')).toHaveLength(1);
  expect(metrics.snapshot()).toMatchObject({ 'credentials.unreadable': 1 });
  expect(lines.join()).not.toContain('not hexadecimal');
  rmSync(dir, { recursive: true });
});

it.each(['security', 'bootstrap'] as const)(
  'credentials of %s whose file is replaced while the gateway starts are read again too',
  async (whose) => {
    const dir = mkdtempSync(join(tmpdir(), 'lapwing-credentials-'));
    const file = join(dir, 'devices.json');
    const write = (endpoint: string): void =>
      writeFileSync(file, JSON.stringify([{ endpoint, psk: { key: '01' } }]), { mode: 0o600 });
    write('a');
    const clock = new VirtualClock();
    const topics = ['command', 'response', 'notify', 'register', 'update'].map((each) => [each, { topic: each }]);
    const bind = '127.0.0.1:0';
    const listeners = { dtls: { default: { bind } } };
    const others = { credentials: [{ endpoint: 'b', psk: { key: '02' } }] };
    const written = {
      gateway: { lwm2m: { translators: Object.fromEntries(topics), listeners } },
      mqtt: { bind },
      security: whose === 'security' ? { files: [file] } : others,
      bootstrap: { enable: true, listeners, security: whose === 'bootstrap' ? { files: [file] } : others },
      store: { dir: ':memory:' },
      log: { format: 'json' },
    };
    const lines: string[] = [];
    await using _gateway = await runGateway({
      config: await parseConfig(JSON.stringify(written), 'json', {}),
      clock,
      logSink: {
        write: (line) => {
          lines.push(line);
          // All credentials have been read by now.
          if (line.includes('listening for bootstraps')) write('another');
        },
      },
    });
    await expect
      .poll(async () => {
        await clock.advance(seconds(5));
        return lines.some((line) => line.includes('credentials: read again'));
      })
      .toBe(true);
    rmSync(dir, { recursive: true });
  },
);
