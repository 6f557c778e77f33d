// `lapwing` as people type it, right and wrong: what it prints, on which stream's code it leaves.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '@lapwing/gateway/main';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from './parts/part.ts';
import { freeTcpPort, freeUdpPort } from './parts/ports.ts';
import { Process } from './parts/process.ts';

const lapwing = fileURLToPath(new URL('../../packages/cli/bin/lapwing.mjs', import.meta.url));

async function run(
  ...args: readonly string[]
): Promise<{ readonly code: number | undefined; readonly output: string }> {
  await using program = await Process.start({
    name: `lapwing ${args.join(' ')}`,
    command: process.execPath,
    args: [lapwing, ...args],
    lifetime: 30,
  });
  const { code } = await program.exited;
  return { code, output: program.output };
}

function start(args: readonly string[], more: Partial<Parameters<typeof Process.start>[0]>): Promise<Process> {
  return Process.start({ name: 'lapwing', command: process.execPath, args: [lapwing, ...args], ...more });
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

/** Local addresses, as the kernel writes them, of what a process listens on. */
function socketsOf(pid: number): readonly string[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((row) => row.trim().split(/\s+/))
      .filter((columns) => own.has(columns[9] ?? ''))
      .map((columns) => columns[1] ?? ''),
  );
}

let folder = '';
const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The sample that EMQX documents, its misspelt placeholder included. */
const emqx = `
gateway.lwm2m {
  xml_dir = "etc/lwm2m_xml/"
  auto_observe = true
  enable_stats = true
  idle_timeout = "30s"
  lifetime_max = "86400s"
  lifetime_min = "1s"
  mountpoint = "lwm2m/\${endpoint_namea}/"
  qmode_time_window = "22s"
  update_msg_publish_condition = "contains_object_list"
  translators {
    command {qos = 0, topic = "dn/#"}
    notify {qos = 0, topic = "up/notify"}
    register {qos = 0, topic = "up/resp"}
    response {qos = 0, topic = "up/resp"}
    update {qos = 0, topic = "up/update"}
  }
  listeners {
    udp {
      default {
        bind = "5783"
        max_conn_rate = 1000
        max_connections = 1024000
      }
    }
  }
}
`;

await describeWith([], 'the command line', () => {
  test('explains itself, with an example for each command, and leaves with code 0', async () => {
    const top = await run('--help');
    expect(top.code).toBe(0);
    const commands = [...top.output.matchAll(/^ {2}([a-z][\w-]*) .*$/gm)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'help');
    expect(commands).toEqual(['gateway', 'client', 'decode', 'objects', 'dtls-probe', 'vmodem', 'sim']);
    for (const command of commands) {
      const help = await run(command, '--help');
      expect(help.code).toBe(0);
      expect(help.output).toMatch(new RegExp(`Examples?:\\n  lapwing ${command}`));
    }
  });

  test('guesses what was meant, and leaves with code 2', async () => {
    const { code, output } = await run('gatway');
    expect(code).toBe(2);
    expect(output).toContain('Did you mean gateway?');
    expect((await run('gateway', '--confg', 'x')).output).toContain('Did you mean --config?');
  });

  test('takes the gateway block of an EMQX user as it is', async () => {
    const { code, output } = await run('gateway', '--check', '--config', await file('emqx.conf', emqx));
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('is fine') });
  });

  test('lists every problem of a configuration with its path', async () => {
    const bad = await file('bad.yaml', 'gateway:\n  lwm2m:\n    lifetime_min: abc\n    foo: 1\nmqtt: { broker: 5 }\n');
    const { code, output } = await run('gateway', '--config', bad);
    expect(code).toBe(2);
    for (const path of [
      'gateway.lwm2m.lifetime_min',
      'gateway.lwm2m.translators',
      'gateway.lwm2m.foo',
      'mqtt.broker',
    ]) {
      expect(output).toContain(`  ${path}: `);
    }
    expect((await run('gateway', '--config', join(folder, 'none.yaml'))).output).toContain('there is no such file');
  });

  test('shows what is in a datagram, for people and for programs', async () => {
    const { code, output } = await run('decode', '44 01 00 01 aa bb cc dd b1 33 01 30 01 31');
    expect(code).toBe(0);
    expect(output).toContain("CON GET  id 1  token aabbccdd\n  UriPath        '3'");
    const notification = '6445 0001 aabbccdd 6103 522d16 ff c8164414 64';
    const json = await run('decode', '--json', '--path', '/3/0', notification.replaceAll(' ', ''));
    expect(JSON.parse(json.output)).toMatchObject({ type: 'ACK', code: '2.05 Content', token: 'aabbccdd' });
    expect(await run('decode', 'zz')).toEqual({
      code: 2,
      output: expect.stringContaining('not a hexadecimal digit (at 0)'),
    });
    expect((await run('decode', '440100')).code).toBe(2);
  });

  test('S-06: without a configuration it listens on loopback only', async () => {
    const env = {
      LAPWING_GATEWAY__LWM2M__LISTENERS__UDP__DEFAULT__BIND: `127.0.0.1:${await freeUdpPort()}`,
      LAPWING_MQTT__BIND: `127.0.0.1:${await freeTcpPort()}`,
      LAPWING_STORE__DIR: ':memory:',
    };
    const defaults = await loadConfig(undefined, {});
    expect(defaults.lwm2m.listeners.map(({ bind }) => bind.host)).toEqual(['127.0.0.1']);
    expect(defaults.mqtt.broker).toMatchObject({ kind: 'embedded', bind: { host: '127.0.0.1' } });
    await using gateway = await start(['gateway'], { env, ready: /MQTT on/ });
    const [program = gateway.pid] = childrenOf(gateway.pid);
    const open = socketsOf(program);
    expect(open.map((socket) => socket.split(':')[0])).toEqual(['0100007F', '0100007F']);
  });

  test('S-04: an error that nobody caught is one line, and ends the program with code 70', async () => {
    const env = {
      LAPWING_GATEWAY__LWM2M__LISTENERS__UDP__DEFAULT__BIND: `127.0.0.1:${await freeUdpPort()}`,
      LAPWING_MQTT__BIND: `127.0.0.1:${await freeTcpPort()}`,
      LAPWING_STORE__DIR: ':memory:',
    };
    // Thrown in the middle of its work, as soon as it says that it runs.
    const fault = await file(
      'fault.mjs',
      `const write = process.stdout.write.bind(process.stdout);
       process.stdout.write = (text, ...rest) => {
         if (String(text).includes('MQTT on')) setImmediate(() => { throw new Error('a fault\\nof ours'); });
         return write(text, ...rest);
       };`,
    );
    await using program = await Process.start({
      name: 'faulty',
      command: process.execPath,
      args: ['--import', fault, lapwing, 'gateway'],
      env,
      lifetime: 30,
    });
    expect(await program.exited).toEqual({ code: 70, signal: undefined });
    expect(program.output.split('\n').filter((line) => line.startsWith('lapwing: '))).toEqual([
      'lapwing: stopped by an error of its own: a fault of ours',
    ]);
    expect(program.output).not.toMatch(/ at .*:\d+:\d+/);
  });

  test('lists the objects that it knows', async () => {
    expect((await run('objects')).output).toMatch(/^ +3303 {2}Temperature .*1\.1$/m);
    expect((await run('objects', '3303')).output).toMatch(/5700 {2}sensorValue .* float /);
    expect(await run('objects', '99999')).toEqual({ code: 2, output: expect.stringContaining('no object 99999') });
  });

  test('tells every counter when it is asked with SIGUSR2', async () => {
    await using gateway = await Process.start({
      name: 'lapwing gateway',
      command: process.execPath,
      args: [lapwing, 'gateway', '--demo'],
      env: {
        LAPWING_GATEWAY__LWM2M__LISTENERS__UDP__DEFAULT__BIND: `127.0.0.1:${await freeUdpPort()}`,
        LAPWING_MQTT__BIND: `127.0.0.1:${await freeTcpPort()}`,
      },
      ready: /Ctrl-C stops/,
    });
    gateway.kill('SIGUSR2');
    const [line] = await gateway.waitFor(/^\{"registrations".*$/m);
    const told = JSON.parse(line) as { endpoints: Record<string, Record<string, number>> };
    const [endpoint] = Object.values(told.endpoints);
    expect(endpoint).toMatchObject({ malformed: 0, duplicate: 0, unprovenAddress: 0 });
  });

  test('is not ended by SIGUSR2 while it starts, and tells the counters once it has', async () => {
    const config = `gateway.lwm2m {
      ${['command', 'response', 'notify', 'register', 'update'].map((each) => `translators.${each}.topic = ${each}`).join('\n')}
      listeners.udp.default.bind = "127.0.0.1:${await freeUdpPort()}"
      enable_stats = false }
      mqtt.bind = "127.0.0.1:${await freeTcpPort()}"
      store.dir = ":memory:"
      log.format = json`;
    // What it warns of comes before anything is opened.
    await using gateway = await start(['gateway', '--config', await file('early.conf', config)], {
      ready: /enable_stats/,
    });
    gateway.kill('SIGUSR2');
    await gateway.waitFor(/^\{"registrations".*$/m);
  });
});
