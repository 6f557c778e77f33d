// Who is measured and how each is started. A contestant that cannot be started is named in the report, with the reason.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { generator } from './generator.ts';
import { benchFolder, compiled } from './places.ts';
import { askUntilAnswered, type Command, freePort, Program } from './processes.ts';

export interface Server {
  readonly port: number;
  readonly program: Program;
}

export interface Contestant {
  readonly name: string;
  /** Seconds of load before the measured ones: just-in-time compilers need them. */
  readonly warmup: number;
  /** Bytes to ask until it answers; without them it says `ready` itself. */
  readonly probe?: Uint8Array;
  command(port: number): Command;
}

export function node(name: string, program: string, ...args: readonly (string | number)[]): Contestant {
  return {
    name,
    warmup: 2,
    command: (port) => ({
      file: process.execPath,
      args: ['--expose-gc', compiled(program), String(port), ...args.map(String)],
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

export async function start(contestant: Contestant): Promise<Server> {
  const port = await freePort();
  const program = new Program(contestant.command(port));
  try {
    if (contestant.probe === undefined) await program.until('ready', 30);
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
  if (!existsSync(libraries)) {
    const args = [
      '-q',
      '-B',
      '-f',
      benchFolder('peers/java/pom.xml'),
      'dependency:copy-dependencies',
      `-DoutputDirectory=${libraries}`,
    ];
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
