// `lapwing client` as people start it: a process of its own, with a shell that is typed at, piped to or given commands, against a
// `lapwing gateway` of its own; without security, with keys, through a bootstrap, and with flags that make no sense.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeAuthority, makeKey } from '@lapwing/dtls/testing';
import { type IPty, spawn } from '@lydell/node-pty';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MqttPeer } from './parts/mqtt-client.ts';
import { describeWith } from './parts/part.ts';
import { freeTcpPort, freeUdpPort } from './parts/ports.ts';
import { type Exit, Process } from './parts/process.ts';

const lapwing = fileURLToPath(new URL('../../packages/cli/bin/lapwing.mjs', import.meta.url));
const keyOf = (name: string): string => Buffer.from(`the key of ${name}`.padEnd(16)).toString('hex');

const ports = { coap: 0, coaps: 0, tcp: 0, bootstrap: 0, mqtt: 0 };
let folder = '';
const authority = makeAuthority({ name: 'Authority of the shell' });
const serverCertificate = authority.issue({ name: 'server.example' });
const deviceCertificate = authority.issue({ name: 'by-certificate' });
const [serverKey, deviceKey] = [makeKey('server'), makeKey('device')];
let gateway: Process;
let mqtt: MqttPeer;

function start(args: readonly string[], more: Partial<Parameters<typeof Process.start>[0]> = {}): Promise<Process> {
  return Process.start({
    name: `lapwing client ${args.join(' ')}`,
    command: process.execPath,
    args: [lapwing, 'client', ...args],
    lifetime: 60,
    ...more,
  });
}

/** The program on a terminal of its own. */
class TypedTerminal {
  output = '';
  readonly ended: Promise<number>;
  readonly #pty: IPty;
  #heard: () => void = () => undefined;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    const command = ['60', process.execPath, lapwing, 'client', ...args];
    this.#pty = spawn('timeout', ['--foreground', ...command], {
      cols: 200,
      rows: 50,
      env: env as Record<string, string>,
    });
    this.#pty.onData((text) => {
      this.output += text;
      this.#heard();
    });
    this.ended = new Promise((resolve) => this.#pty.onExit(({ exitCode }) => resolve(exitCode)));
  }

  type(keys: string): void {
    this.#pty.write(keys);
  }

  async see(pattern: RegExp): Promise<void> {
    let isOver = false;
    void this.ended.then(() => {
      isOver = true;
      this.#heard();
    });
    while (!pattern.test(this.output)) {
      if (isOver) throw new Error(`ended before ${pattern}:\n${this.output}`);
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
  }
}

interface Ended extends Exit {
  readonly output: string;
  readonly stdout: string;
}

async function run(args: readonly string[], input?: string): Promise<Ended> {
  await using program = await start(args, input === undefined ? {} : { input });
  const exit = await program.exited;
  return { ...exit, output: program.output, stdout: program.stdout.toString() };
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

const open = (name: string): string[] => ['-e', name, '-u', `coap://127.0.0.1:${ports.coap}`];
const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');

await describeWith([], 'the shell of a device', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lapwing-shell-'));
    for (const each of ['coap', 'coaps', 'bootstrap'] as const) ports[each] = await freeUdpPort();
    for (const each of ['tcp', 'mqtt'] as const) ports[each] = await freeTcpPort();
    const translators = ['command: { topic: "dn/#" }', 'response: { topic: up/resp }', 'notify: { topic: up/notify }'];
    const plan = {
      servers: [{ short_server_id: 102, uri: `coaps://127.0.0.1:${ports.coaps}`, psk: {}, lifetime: '10m' }],
    };
    const known = (name: string) => ({ endpoint: name, psk: { identity: name, key: keyOf(name) } });
    const files: Readonly<Record<string, Uint8Array>> = {
      'ca.der': authority.certificate,
      'server.der': serverCertificate.certificate,
      'server.key': serverCertificate.key.pkcs8,
      'server-raw.key': serverKey.pkcs8,
      'server-raw.pub': serverKey.spki,
      'device.der': deviceCertificate.certificate,
      'device.key': deviceCertificate.key.pkcs8,
      'device-raw.key': deviceKey.pkcs8,
    };
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes, { mode: 0o600 });
    const raw = { endpoint: 'by-raw-key', rpk: { public_key: Buffer.from(deviceKey.spki).toString('base64') } };
    const options = {
      ...{ certfile: join(folder, 'server.der'), keyfile: join(folder, 'server.key'), verify: 'verify_peer' },
      ...{ cacertfile: join(folder, 'ca.der'), rpk_keyfile: join(folder, 'server-raw.key') },
    };
    const config = join(folder, 'gateway.yaml');
    await writeFile(
      config,
      `gateway:
  lwm2m:
    translators: { ${translators.join(', ')}, register: { topic: up/register }, update: { topic: up/update } }
    listeners:
      udp: { default: { bind: "127.0.0.1:${ports.coap}" } }
      dtls: { default: { bind: "127.0.0.1:${ports.coaps}", dtls_options: ${JSON.stringify(options)} } }
      tcp: { default: { bind: "127.0.0.1:${ports.tcp}" } }
bootstrap:
  listeners: { dtls: { default: { bind: "127.0.0.1:${ports.bootstrap}" } } }
  security: { credentials: [${JSON.stringify({ endpoint: 'by-bootstrap', psk: { key: keyOf('by-bootstrap') } })}] }
  plans: { default: ${JSON.stringify(plan)} }
mqtt: { bind: "127.0.0.1:${ports.mqtt}" }
security: { credentials: ${JSON.stringify([...['by-key', 'wrong-key'].map(known), raw])} }
store: { dir: "${folder}/data" }
`,
      { mode: 0o600 },
    );
    gateway = await Process.start({
      name: 'lapwing gateway',
      command: process.execPath,
      args: [lapwing, 'gateway', '--config', config],
      ready: /MQTT on/,
      lifetime: 600,
    });
    mqtt = await MqttPeer.start(ports.mqtt);
  }, 60_000);
  afterAll(async () => {
    await mqtt[Symbol.asyncDispose]();
    await gateway.stop();
    await rm(folder, { recursive: true });
  });

  test('runs commands once it is registered, and leaves with code 0', async () => {
    const script = 'read /3/0/0 -s; write 3303/0/5700 -f 22.5; send /3303/0/5700; update; wait reg-update-complete 10';
    const { code, stdout, output } = await run([...open('by-exec'), '--exec', script]);
    expect({ code, stdout: lines(stdout) }).toEqual({
      code: 0,
      stdout: ['Lapwing', 'wrote /3303/0/5700', 'sent /3303/0/5700', 'updating'],
    });
    expect(output).toContain(`* registration-complete: server 1, coap://127.0.0.1:${ports.coap}`);
    expect(output).toContain('* deregister');
    expect(await mqtt.next('register')).toMatchObject({ data: { ep: 'by-exec', lt: 300 } });
  });

  test('takes commands from a pipe until it ends, and tells that one has failed by code 1', async () => {
    const { code, stdout, output } = await run(
      open('by-pipe'),
      'lwm2m read 3/0/0 -s\n\nread 3/0/99\nread 3303/0/5700 -f\n',
    );
    expect({ code, stdout: lines(stdout) }).toEqual({ code: 1, stdout: ['Lapwing', '21'] });
    expect(output).toContain("read: /3/0/99 is not there: 'ls /3/0' shows what is");
  });

  test('lives on while a pipe stays open, answers a server meanwhile, and leaves at exit', async () => {
    await using device = await start(open('by-hand'), { ready: /registration-complete/ });
    device.write('read 3303/0/5700 -f\n');
    await device.waitFor(/^21$/m);
    const request = { reqID: 1, msgType: 'write', data: { path: '/3311/0/5851', type: 'Integer', value: '40' } };
    mqtt.publish('lwm2m/by-hand/dn/cmd', request);
    await device.waitFor(/^\* written: \/3311\/0\/5851 = 40$/m);
    device.write('read 3311/0/5851 -u8; exit\n');
    expect(await device.exited).toEqual({ code: 0, signal: undefined });
    expect(device.output).toMatch(/^40$/m);
  });

  test('is a device and nothing else where there is nothing to read, and deregisters at Ctrl-C', async () => {
    await using device = await start([...open('by-service'), '--json'], { input: '', ready: /registration-complete/ });
    // To the program alone: its watchdog would pass the signal on a second time.
    const [program = device.pid] = childrenOf(device.pid);
    process.kill(program, 'SIGINT');
    expect(await device.exited).toEqual({ code: 0, signal: undefined });
    const said = lines(device.stdout.toString()).map((line) => JSON.parse(line) as { event: string });
    expect(said.map(({ event }) => event)).toEqual(['registration-complete', 'deregister', 'disconnect']);
  });

  test('says everything as JSON to programs', async () => {
    const { code, stdout } = await run([
      ...open('by-json'),
      '--json',
      '--exec',
      'read 3/0/0 -s; read 3/0/9 -u8; read 4711',
    ]);
    expect(code).toBe(1);
    expect(lines(stdout).map((line) => JSON.parse(line) as object)).toEqual([
      { event: 'registration-complete', server: { id: 1, uri: `coap://127.0.0.1:${ports.coap}` } },
      { command: 'read', path: '/3/0/0', value: 'Lapwing' },
      { command: 'read', path: '/3/0/9', value: 100 },
      { command: 'read', error: "/4711 is not there: 'ls' shows what is" },
      { event: 'deregister', server: { id: 1, uri: `coap://127.0.0.1:${ports.coap}` } },
      { event: 'disconnect', server: { id: 1, uri: `coap://127.0.0.1:${ports.coap}` } },
    ]);
  });

  test('deregisters and leaves when nobody reads any more what it says', async () => {
    const device = [
      lapwing,
      'client',
      ...open('to-nobody'),
      '--stay',
      '--exec',
      'ls; sleep 1; ls; sleep 1; ls; sleep 1; ls',
    ];
    const child = execFile(process.execPath, device, { timeout: 20_000 });
    child.stdout?.once('data', () => child.stdout?.destroy());
    const said: string[] = [];
    child.stderr?.on('data', (text: string) => said.push(text));
    const [code] = (await once(child, 'exit')) as [number | null];
    expect({ code, said: said.join('') }).toEqual({ code: 0, said: expect.not.stringContaining('error of its own') });
  });

  test('proves itself with a pre-shared key, and says what is wrong with one', async () => {
    const uri = `coaps://127.0.0.1:${ports.coaps}`;
    const key = (name: string, hex: string): string[] => [
      '-e',
      name,
      '-u',
      uri,
      '--psk-identity',
      name,
      '--psk-key',
      hex,
    ];
    const good = await run([...key('by-key', keyOf('by-key')), '--exec', 'status']);
    expect(good).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`server 1   registered, ${uri}, LwM2M 1.1`),
    });
    const bad = await run([...key('wrong-key', keyOf('another')), '--wait', '3', '--exec', 'status']);
    expect(bad).toMatchObject({
      code: 1,
      output: expect.stringMatching(/not registered within 3 s: coaps:\S+: .*key/),
    });
  });

  test('proves itself with a certificate, or with a raw public key', async () => {
    const at = (file: string): string => join(folder, file);
    const uri = `coaps://127.0.0.1:${ports.coaps}`;
    const x509 = ['--cert', at('device.der'), '--key', at('device.key'), '--ca', at('ca.der')];
    const raw = ['--rpk-key', at('device-raw.key'), '--server-key', at('server-raw.pub')];
    for (const [name, keys] of [
      ['by-certificate', [...x509, '--any-name']],
      ['by-certificate', [...x509, '--server-name', 'server.example']],
      ['by-raw-key', raw],
    ] as const)
      expect(await run(['-e', name, '-u', uri, ...keys, '--exec', 'status'])).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('server 1   registered'),
      });
  });

  test('comes by a bootstrap, keeps what it was given, and goes on with it after a restart', async () => {
    const args = [
      ...['-e', 'by-bootstrap', '-u', `coaps://127.0.0.1:${ports.bootstrap}`, '--bootstrap'],
      ...['--psk-identity', 'by-bootstrap', '--psk-key', keyOf('by-bootstrap'), '--persist', join(folder, 'device')],
    ];
    const first = await run([...args, '--exec', 'status; stop -f']);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('server 102  registered') });
    expect(first.output).toMatch(/\* bootstrap-reg-complete\n.*\* bootstrap-transfer-complete/s);
    const second = await run([...args, '--exec', 'status']);
    expect(second).toMatchObject({ code: 0, stdout: expect.stringContaining('server 102  ') });
    expect(second.output).not.toContain('bootstrap-reg-complete');
  });

  test('comes over TCP, in another version, with objects that are chosen', async () => {
    const args = ['-e', 'by-tcp', '-u', `coap+tcp://127.0.0.1:${ports.tcp}`, '--version', '1.2', '--objects', '3,3304'];
    const { code, stdout } = await run([...args, '--exec', 'ls; status']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/\/3304 +Humidity +1\.1 +\/3304\/0\n/) });
    expect(stdout).toContain('LwM2M 1.2');
  });

  test('installs firmware that a server pushes to a file', async () => {
    const file = join(folder, 'installed.bin');
    await using device = await start([...open('by-firmware'), '--firmware', file], { ready: /registration-complete/ });
    device.write('write 5/0/0 -x 00010203\nexec 5/0/2\n');
    await device.waitFor(/\* firmware-installed: \/5\/0, 4 bytes, SHA-256 054edec1/);
    expect([...(await readFile(file))]).toEqual([0, 1, 2, 3]);
  });

  test('completes, remembers and leaves at Ctrl-C on a terminal', async () => {
    const env = { ...process.env, XDG_STATE_HOME: join(folder, 'state') };
    const terminal = new TypedTerminal(open('by-terminal'), env);
    await terminal.see(/registration-complete/);
    // What comes at once counts as pasted, and a tab in it as a tab.
    for (const [keys, echo] of [
      ['rea', /rea$/],
      ['\t', /read $/],
      ['3/0/0 -s\r', /Lapwing\r\n/],
    ] as const) {
      terminal.type(keys);
      await terminal.see(echo);
    }
    terminal.type('\u001b[A\r');
    await terminal.see(/Lapwing\r\n[\s\S]*Lapwing\r\n/);
    // Thought better of.
    terminal.type('nonsense\u0015status\r');
    await terminal.see(/next wake/);
    terminal.type('\u0003');
    expect(await terminal.ended).toBe(0);
    expect(terminal.output).toContain('* deregister');
    const history = await readFile(join(folder, 'state/lapwing/client-history'), 'utf8');
    expect(lines(history)).toEqual(['status', 'read 3/0/0 -s']);
  });

  test('says where nobody listens', async () => {
    const uri = `coap://127.0.0.1:${await freeUdpPort()}`;
    const { code, output } = await run(['-e', 'alone', '-u', uri, '--wait', '4', '--exec', 'status']);
    expect(code).toBe(1);
    expect(output).toContain(`* unreachable: nobody listens at ${uri}: is the server running, and is that its port?`);
    expect(output).toContain(`not registered within 4 s: nobody listens at ${uri}`);
  });

  test('quits at once at a second Ctrl-C', async () => {
    const silent = ['-e', 'nobody', '-u', `coap://127.0.0.1:${await freeUdpPort()}`];
    const terminal = new TypedTerminal(silent, process.env);
    await terminal.see(/lapwing> /);
    terminal.type('\u0003');
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.type('\u0003');
    expect(await terminal.ended).toBe(130);
  });

  test('is reached by text message where it has a modem', async () => {
    await using modem = await Process.start({
      name: 'lapwing vmodem',
      command: process.execPath,
      args: [lapwing, 'vmodem', '--port', String(ports.coap), '--tcp', '0'],
      ready: /Modem TCP: \S+/,
    });
    const [, address = ''] = /Modem TCP: (\S+)/.exec(modem.output) ?? [];
    const args = ['-e', 'by-sms', '-u', 'tel:+12125550178', '--modem', address, '--msisdn', '14155550125'];
    const { code, stdout, output } = await run([...args, '--exec', 'status']);
    expect({ code, stdout, output }).toMatchObject({ code: 0, stdout: expect.stringContaining('tel:+12125550178') });
  });

  test.each([
    [
      ['-e', 'a', '-u', 'coaps://127.0.0.1', '--lifetime', 'long'],
      /^lapwing: 2 problems:\n {2}--uri: .*\n {2}--lifetime: /,
    ],
    [['--endpiont', 'a'], 'Did you mean --endpoint?'],
    [[], '--endpoint: without a name nothing is started'],
  ] as const)('says what is wrong with %j, and leaves with code 2', async (args, message) => {
    const { code, output } = await run(args, '');
    expect(output).toMatch(message);
    expect(code).toBe(2);
  });
});
