// A device is killed (kill -9) at moments that nobody has chosen, and started again: it goes on with the registration, the handshake
// and the observations that it had.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Secret } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { MemorySecurityStore, Server } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { freeUdpPort } from './parts/ports.ts';
import { Process } from './parts/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = fileURLToPath(new URL('./parts/keeping-device.ts', import.meta.url));
const psk = '000102030405060708090a0b0c0d0e0f';

describe.each(['coap', 'coaps'] as const)('a device over %s that is killed', (scheme) => {
  it('goes on without Register, handshake or a new observation', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lapwing-keeping-'));
    const port = await freeUdpPort();
    const security = new MemorySecurityStore();
    const key = new Secret(Buffer.from(psk, 'hex'));
    if (scheme === 'coaps')
      await security.put({ endpoint: 'keeping', credential: { kind: 'psk', identity: Buffer.from('keeping'), key } });
    const server = await Server.listen({
      listeners: [scheme === 'coaps' ? { via: 'udp', port, dtls: {} } : { via: 'udp', port }],
      security,
    });
    let registrations = 0;
    server.events.on('registered', () => {
      registrations += 1;
    });
    const start = (): Promise<Process> =>
      Process.start({
        name: 'the device',
        command: process.execPath,
        args: ['--import', 'tsx', '--conditions=source', program, `${scheme}://127.0.0.1:${port}`, directory, psk],
        cwd: root,
        ready: /started/,
      });
    const chance = new SeededRandom(7);
    let device = await start();
    try {
      await device.waitFor(/registration-complete/, { within: 20 });
      const values: unknown[] = [];
      const stop = new AbortController();
      const watching = (async () => {
        for await (const { entries } of server.device('keeping').observe('/3303/0/5700', { signal: stop.signal }))
          values.push(entries[0]?.value?.value);
      })().catch(() => undefined);
      for (let round = 0; round < 5; round += 1) {
        await new Promise((resolve) => server.events.once('notify').then(resolve));
        for (let more = chance.between(0, 10); more > 0; more -= 1) await server.events.once('notify');
        device.kill('SIGKILL');
        await device.exited;
        device = await start();
        await device.waitFor(/reg-update-complete/, { within: 20 });
        await server.events.once('notify');
      }
      expect(registrations).toBe(1);
      if (scheme === 'coaps') expect(Object.values(server.stats().dtls)[0]).toMatchObject({ handshakesDone: 1 });
      stop.abort(new Error('over'));
      await watching;
      expect(values.length).toBeGreaterThan(10);
    } finally {
      await device[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
