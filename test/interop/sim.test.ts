// `lapwing sim` against `lapwing gateway`, both as they are run: the report says what the gateway has seen.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from './parts/part.ts';
import { freeTcpPort, freeUdpPort } from './parts/ports.ts';
import { mustRun, Process, run } from './parts/process.ts';

const lapwing = fileURLToPath(new URL('../../packages/cli/bin/lapwing.mjs', import.meta.url));
const keys = '{name}:000102030405060708090a0b{hex}';

interface Summary {
  readonly devices: number;
  readonly registered: number;
  readonly lost: number;
  readonly off: number;
  readonly notStarted: number;
  readonly allRegisteredAfter: number | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly latency: Readonly<Record<string, { readonly count: number; readonly p50: number; readonly max: number }>>;
}

await describeWith([], 'a simulated fleet', () => {
  let folder = '';
  let port = 0;
  let securePort = 0;
  let gateway: Process;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lapwing-sim-'));
    [port, securePort] = [await freeUdpPort(), await freeUdpPort()];
    const credentials = [
      'sim',
      '--print-credentials',
      '--devices',
      '60',
      '--server',
      'coaps://127.0.0.1',
      '--endpoint-prefix',
      'safe-',
    ];
    const list = await mustRun({
      name: 'lapwing sim --print-credentials',
      command: process.execPath,
      args: [lapwing, ...credentials, '--psk-template', keys],
    });
    await writeFile(join(folder, 'credentials.json'), list, { mode: 0o600 });
    const open = 'max_connections: infinity, max_conn_rate: infinity';
    await writeFile(
      join(folder, 'gateway.yaml'),
      `gateway:
  lwm2m:
    auto_observe: ["/3303/0"]
    translators:
      command: { topic: "dn/#" }
      response: { topic: up/resp }
      notify: { topic: up/notify }
      register: { topic: up/register }
      update: { topic: up/update }
    listeners:
      udp: { default: { bind: "127.0.0.1:${port}", ${open} } }
      dtls: { default: { bind: "127.0.0.1:${securePort}", ${open}, dtls_options: { max_handshakes_per_host: 1000 } } }
mqtt: { broker: embedded, bind: "127.0.0.1:${await freeTcpPort()}" }
security: { files: ["${folder}/credentials.json"] }
store: { dir: ":memory:" }
`,
    );
    gateway = await Process.start({
      name: 'lapwing gateway',
      command: process.execPath,
      args: [lapwing, 'gateway', '--config', join(folder, 'gateway.yaml')],
      ready: /MQTT on/,
      readyWithin: 60,
      lifetime: 300,
    });
  }, 120_000);
  afterAll(async () => {
    await gateway?.stop();
    await rm(folder, { recursive: true });
  });

  async function simulate(...args: readonly string[]) {
    const { code, stdout, output } = await run({
      name: `lapwing sim ${args.join(' ')}`,
      command: process.execPath,
      args: [lapwing, 'sim', ...args],
      lifetime: 110,
    });
    return { code, stdout: stdout.toString(), output };
  }

  async function summaryOf(...args: readonly string[]): Promise<Summary> {
    const { code, stdout, output } = await simulate(...args, '--json');
    expect({ code, output }).toEqual({ code: 0, output });
    expect(stdout.split('\n')).toHaveLength(2);
    return JSON.parse(stdout) as Summary;
  }

  test('registers everybody, and ends with one line of JSON', { timeout: 120_000 }, async () => {
    const server = `coap://127.0.0.1:${port}`;
    const summary = await summaryOf('--devices', '200', '--server', server, '--duration', '8s', '--rate', '100');
    expect(summary).toMatchObject({ devices: 200, registered: 200, lost: 0, off: 0, notStarted: 0, errors: {} });
    expect(summary.counts['registrations']).toBe(200);
    expect(summary.latency['register']).toMatchObject({ count: 200 });
    expect(summary.allRegisteredAfter).toBeGreaterThan(1.9);
  });
});
