// A device that is killed (kill -9) at any step of a firmware update: what it says after the next start is so, and the update comes to its
// end.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { FirmwareState, UpdateResult } from '@lapwing/client';
import { udpTransport } from '@lapwing/coap';
import { delay, systemClock } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { makeValue } from '@lapwing/lwm2m';
import { FirmwareUpdate } from '@lapwing/lwm2m/objects/firmware-update';
import { Server } from '@lapwing/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const { Idle, Downloaded, Downloading, Updating } = FirmwareState;
const body = new SeededRandom(3).bytes(150_000);
const image = Buffer.concat([Buffer.from('2'), createHash('sha256').update(body).digest(), body]);
const packages = createServer(({ headers }, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200, {
    ETag: '"2"',
    ...(from > 0 ? { 'Content-Range': `bytes ${from}-${image.length - 1}/${image.length}` } : {}),
  });
  response.end(image.subarray(from));
});

let server: Server;
let port = 0;
let root = '';
let made = 0;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'lapwing-update-'));
  const transport = udpTransport({ host: '127.0.0.1', port: 0 });
  server = await Server.listen({ listeners: [{ transport }] });
  port = transport.address.port;
  await new Promise<void>((resolve) => packages.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  packages.closeAllConnections();
  packages.close();
  await server[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

/** A device in that folder; it is killed before it does anything more once it has told of as many steps. */
class Process implements AsyncDisposable {
  private readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  /** What is asked of it is withdrawn when it ends. */
  private readonly life = new AbortController();
  steps = 0;

  constructor(folder: string, killAt = Number.POSITIVE_INFINITY) {
    const device = fileURLToPath(new URL('./parts/updating-device.ts', import.meta.url));
    this.child = spawn(process.execPath, ['--import', 'tsx', '--conditions=source', device, folder, `${port}`], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.ended = once(this.child, 'exit');
    this.child.once('exit', () => this.life.abort(new Error('it has ended')));
    if (this.child.stdout === null) throw new Error('no output');
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      if (!/^(?:before|after) /.test(line)) return;
      this.steps += 1;
      if (this.steps === killAt) this.child.kill('SIGKILL');
    });
  }

  get signal(): AbortSignal {
    return this.life.signal;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    if (this.isRunning) await this.ended;
  }
}

/** What the server sees of the device, once it is registered anew. */
async function status(device: Process, since: number): Promise<{ state: number; result: number } | undefined> {
  while (device.isRunning) {
    const registration = server.registration('updating');
    if (registration !== undefined && registration.registeredAt >= since) {
      try {
        const { signal } = device;
        const handle = server.device('updating');
        const state = await handle.read(FirmwareUpdate, 0, 'state', { signal });
        return { state, result: await handle.read(FirmwareUpdate, 0, 'updateResult', { signal }) };
      } catch {
        // It has just ended.
      }
    }
    await delay(systemClock, 20);
  }
  return undefined;
}

const runs = (folder: string): string =>
  existsSync(join(folder, 'running')) ? readFileSync(join(folder, 'running'), 'latin1').slice(0, 1) : 'old';

/** Must be so whenever a device says it. */
function checkTruth({ state, result }: { readonly state: number; readonly result: number }, folder: string): void {
  expect(state).not.toBe(Updating);
  if (result === UpdateResult.Success) expect(runs(folder)).toBe('2');
  if (runs(folder) === '2') expect([state, result]).toEqual([Idle, UpdateResult.Success]);
  if (state === Downloaded) expect(readFileSync(join(folder, 'package', 'package')).equals(image)).toBe(true);
}

/**
 * Brings the device up to date as an operator would; starts it anew whenever it ends. `kills` are the steps at which its first start, its
 * second and so on are killed. Returns the steps of its first start.
 */
async function campaign(...kills: readonly number[]): Promise<number> {
  made += 1;
  const folder = join(root, `${made}`);
  const uri = `http://127.0.0.1:${(packages.address() as AddressInfo).port}/firmware`;
  let steps = 0;
  for (let starts = 1; starts < 8; starts += 1) {
    const since = systemClock.wall();
    await using device = new Process(folder, kills[starts - 1]);
    const first = await status(device, since);
    if (first !== undefined && starts > 1 && first.state !== Updating) checkTruth(first, folder);
    for (let seen = first; seen !== undefined; seen = await status(device, since)) {
      if (seen.state === Idle && runs(folder) === '2') {
        checkTruth(seen, folder);
        return steps;
      }
      const handle = server.device('updating');
      const { signal } = device;
      if (seen.state === Idle)
        await handle.write('/5/0/1', makeValue('string', uri), { signal }).catch(() => undefined);
      else if (seen.state === Downloaded)
        await handle.execute(FirmwareUpdate, 0, 'update', undefined, { signal }).catch(() => undefined);
      else expect([Downloading, Updating]).toContain(seen.state);
      await delay(systemClock, 20);
    }
    await device.ended;
    if (starts === 1) steps = device.steps;
  }
  throw new Error('the update does not come to an end');
}

describe('a firmware update of a real process', () => {
  it('M-18, M-19: says the truth after kill -9 at any step, and comes to its end', async () => {
    const steps = await campaign();
    expect(steps).toBeGreaterThan(30);
    const points = Array.from({ length: 12 }, (_, i) => 1 + Math.floor((i * (steps - 2)) / 11));
    for (const point of points) await campaign(point);
    // Again and again, wherever it has come to each time.
    await campaign(8, 13, 21);
  }, 480_000);
});
