// `lapwing sim` against `lapwing gateway`, both as they are run: the report says what the gateway has seen.
import { readFileSync } from 'node:fs';
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

  /** That the gateway knows. */
  async function registrations(): Promise<number> {
    const from = gateway.mark;
    gateway.kill('SIGUSR2');
    const [line] = await gateway.waitFor(/^\{"registrations".*$/m, { from });
    return (JSON.parse(line) as { registrations: number }).registrations;
  }

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

  test('goes on through loss, restarts and changes of the address, over DTLS', { timeout: 120_000 }, async () => {
    const server = `coaps://127.0.0.1:${securePort}`;
    const summary = await summaryOf(
      ...['--devices', '60', '--server', server, '--endpoint-prefix', 'safe-', '--psk-template', keys],
      ...['--duration', '12s', '--rate', '50', '--loss', '0.03', '--reboot', '120', '--move', '120', '--seed', '7'],
    );
    expect(summary).toMatchObject({ devices: 60, lost: 0, notStarted: 0 });
    expect(summary.registered + summary.off).toBe(60);
    expect(summary.counts['reboots']).toBeGreaterThan(5);
    expect(summary.counts['moves']).toBeGreaterThan(5);
    expect(summary.counts['datagramsLost']).toBeGreaterThan(10);
    expect(summary.counts['registrations']).toBeGreaterThan(60);
  });

  test('sends values by itself from queue mode, by a profile of its own', { timeout: 120_000 }, async () => {
    const profile = join(folder, 'quick-meter.yaml');
    await writeFile(
      profile,
      'extends: meter\nawake_time: 1s\nsensors: [{ object: 3328, every: 3s, low: 1, high: 9, units: W }]\n',
    );
    const server = ['--server', `coap://127.0.0.1:${port}`, '--endpoint-prefix', 'meter-'];
    const summary = await summaryOf(
      ...server,
      ...['--devices', '20', '--profile', profile, '--duration', '10s', '--rate', '50'],
    );
    expect(summary).toMatchObject({ registered: 20, lost: 0, errors: {} });
    expect(summary.counts['sends']).toBeGreaterThan(20);
    expect(summary.latency['send']?.count).toBe(summary.counts['sends']);
  });

  test('shares a few sockets, and is still spoken to one by one', { timeout: 120_000 }, async () => {
    const server = ['--server', `coap://127.0.0.1:${port}`, '--endpoint-prefix', 'shared-', '--sockets', '4'];
    const summary = await summaryOf('--devices', '60', ...server, '--duration', '8s', '--rate', '50');
    expect(summary).toMatchObject({ registered: 60, lost: 0, errors: {} });
    expect(summary.counts['observations']).toBe(60);
  });

  test('reports at Ctrl-C, and deregisters', { timeout: 120_000 }, async () => {
    const before = await registrations();
    await using fleet = await Process.start({
      name: 'lapwing sim',
      command: process.execPath,
      args: [lapwing, 'sim', '--devices', '5', '--server', `coap://127.0.0.1:${port}`, '--endpoint-prefix', 'brief-'],
    });
    for (let looks = 0; looks < 300 && (await registrations()) < before + 5; looks += 1)
      await new Promise((resolve) => setTimeout(resolve, 100));
    // To the program alone: its watchdog would pass the signal on a second time.
    const children = readFileSync(`/proc/${fleet.pid}/task/${fleet.pid}/children`, 'utf8').trim();
    process.kill(children === '' ? fleet.pid : Number(children.split(' ')[0]), 'SIGINT');
    expect(await fleet.exited).toEqual({ code: 0, signal: undefined });
    expect(fleet.output).toMatch(/^ {2}registered +5, all of them after/m);
    expect(await registrations()).toBe(before);
  });

  test('says what is wrong and what mends it, and leaves with a code for that', { timeout: 120_000 }, async () => {
    const free = await freeUdpPort();
    const [nobody, flags, profile, host] = await Promise.all([
      simulate('--devices', '3', '--server', `coap://127.0.0.1:${free}`, '--duration', '60s'),
      simulate('--devices', 'many', '--loss', '2', '--server', 'coaps://127.0.0.1'),
      simulate('--profile', 'sensr'),
      simulate('--server', 'coap://no-such-host.invalid', '--duration', '1s'),
    ]);
    expect(nobody).toMatchObject({
      code: 1,
      output: expect.stringContaining(`nobody listens at coap://127.0.0.1:${free}`),
    });
    expect(flags.code).toBe(2);
    for (const name of ['--devices: many', '--loss: 2', '--psk-template: coaps://127.0.0.1 needs keys'])
      expect(flags.output).toContain(name);
    expect(profile).toMatchObject({
      code: 2,
      output: expect.stringContaining('known: sensor, meter, tracker, gateway'),
    });
    expect(host).toMatchObject({ code: 1, output: expect.stringContaining('no-such-host.invalid') });
  });
});
