// Who is measured and how each is started. A contestant that cannot be started is named in the report, with the reason.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { generator } from './generator.ts';
import { benchFolder, compiled, nodeFlags } from './places.ts';
import { askUntilAnswered, type Command, freePort, Program, reachUntilOpen } from './processes.ts';

export interface Server {
  readonly port: number;
  readonly program: Program;
}

export interface Contestant {
  readonly name: string;
  /** Seconds of load before the measured ones: just-in-time compilers need them. */
  readonly warmup: number;
  /** Bytes to ask until it answers, or just a TCP port to reach; without, it says `ready` itself. */
  readonly probe?: Uint8Array | 'tcp';
  command(port: number): Command;
}

export function node(name: string, program: string, ...args: readonly (string | number)[]): Contestant {
  return {
    name,
    warmup: 2,
    command: (port) => ({
      file: process.execPath,
      args: [...nodeFlags, compiled(program), String(port), ...args.map(String)],
    }),
  };
}

export function java(name: string, main: string, ...args: readonly (string | number)[]): Contestant {
  return {
    name,
    warmup: 8,
    command: (port) => ({
      file: 'java',
      args: [
        '-Xmx6g',
        '-cp',
        `${benchFolder('build/java/classes')}:${benchFolder('build/java/lib')}/*`,
        main,
        String(port),
        ...args.map(String),
      ],
    }),
  };
}

export function native(name: string, mode: string, ...args: readonly (string | number)[]): Contestant {
  return {
    name,
    warmup: 0.5,
    probe: Uint8Array.of(0x40, 1, 0, 1),
    command: (port) => ({
      file: generator,
      args: [mode, '--port', String(port), '--seconds', '600', ...args.map(String)],
    }),
  };
}

/** libcoap's example server as Debian packages it; resources are made by PUT. */
export function libcoap(...names: readonly string[]): Contestant | undefined {
  const file = ['coap-server-notls', 'coap-server'].find((name) => spawnSync(name, ['-h']).error === undefined);
  if (file === undefined) return undefined;
  return {
    name: names[0] ?? 'libcoap',
    warmup: 0.5,
    probe: Uint8Array.of(0x40, 0, 0, 1),
    command: (port) => ({ file, args: ['-A', '127.0.0.1', '-p', String(port), '-d', '100', '-v', '0'] }),
  };
}

/** The same with DTLS and one pre-shared key for everybody, on the port above the plain one. */
export function secureLibcoap(library: 'openssl' | 'gnutls', name: string, key: string): Contestant | undefined {
  const file = `coap-server-${library}`;
  if (spawnSync(file, ['-h']).error !== undefined) return undefined;
  return {
    name,
    warmup: 0.5,
    probe: Uint8Array.of(0x40, 0, 0, 1),
    command: (port) => ({ file, args: ['-A', '127.0.0.1', '-p', String(port), '-d', '100', '-v', '0', '-k', key] }),
  };
}

/** A broker of its own: loopback, nothing kept on disk, no limits of its own. */
export function mosquitto(name: string): Contestant {
  const places = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'];
  return {
    name,
    warmup: 2,
    probe: 'tcp',
    command: (port) => {
      const lines = [
        `listener ${port} 127.0.0.1`,
        'allow_anonymous true',
        'persistence false',
        'log_dest none',
        'max_queued_messages 0',
        'max_inflight_messages 0',
      ];
      const file = benchFolder('build/mosquitto.conf');
      writeFileSync(file, `${lines.join('\n')}\n`);
      return { file: places.find((place) => existsSync(place)) ?? 'mosquitto', args: ['-c', file] };
    },
  };
}

export async function start(contestant: Contestant): Promise<Server> {
  const port = await freePort();
  const program = new Program(contestant.command(port));
  try {
    if (contestant.probe === undefined) await program.until('ready', 30);
    else if (contestant.probe === 'tcp') await reachUntilOpen(port, 10);
    else await askUntilAnswered(port, contestant.probe, 10);
    return { port, program };
  } catch (error) {
    await program.stop();
    const why = program.complaint();
    throw new Error(why === '' && error instanceof Error ? error.message : why, { cause: error });
  }
}

/** Resolves the Java peers with Maven and compiles our small mains against them; says why when that is not possible. */
export function prepareJava(): string | undefined {
  const sources = readdirSync(benchFolder('peers/java'))
    .filter((name) => name.endsWith('.java'))
    .map((name) => benchFolder(`peers/java/${name}`));
  if (spawnSync('javac', ['-version']).error !== undefined) return 'no Java compiler';
  const libraries = benchFolder('build/java/lib');
  const pom = benchFolder('peers/java/pom.xml');
  const resolved = statSync(libraries, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (statSync(pom).mtimeMs >= resolved) {
    rmSync(libraries, { recursive: true, force: true });
    const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${libraries}`];
    const result = spawnSync('mvn', args, { encoding: 'utf8' });
    if (result.error !== undefined) return 'no Maven';
    if (result.status !== 0) return `Maven could not resolve the peers: ${result.stdout.split('\n')[0]}`;
  }
  const classes = benchFolder('build/java/classes');
  mkdirSync(classes, { recursive: true });
  const result = spawnSync('javac', ['-nowarn', '-cp', `${libraries}/*`, '-d', classes, ...sources], {
    encoding: 'utf8',
  });
  return result.status === 0 ? undefined : `the Java peers do not compile: ${result.stderr.split('\n')[0]}`;
}
