// The load generator: compiled from bench/generator with the system's C compiler, run once per phase, read as JSON lines.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Phase } from './phase.ts';
import { benchFolder } from './places.ts';
import { Program } from './processes.ts';

export const generator = benchFolder('build/lapwing-load');

/** OpenSSL's headers are there: without them the generator is built without DTLS. */
function hasOpenssl(): boolean {
  const probe = spawnSync('cc', ['-E', '-x', 'c', '-'], { input: '#include <openssl/evp.h>\n' });
  return probe.status === 0;
}

function sourcesOf(folder: string): string[] {
  return readdirSync(benchFolder(folder))
    .filter((name) => /\.[ch]$/.test(name))
    .map((name) => benchFolder(`${folder}/${name}`));
}

/** Compiles when a source is newer than the program. Throws with the compiler's words. Returns what it cannot do, and why. */
export function compileGenerator(): { readonly dtls: string | undefined } {
  const secure = hasOpenssl();
  const result = { dtls: secure ? undefined : 'the generator has no DTLS without libssl-dev' };
  const sources = [...sourcesOf('generator'), ...sourcesOf('generator/dtls')];
  // With DTLS and without it are two builds: headers may be installed after the first.
  const note = `${generator}.${secure ? 'dtls' : 'plain'}`;
  const built = statSync(note, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (sources.every((source) => statSync(source).mtimeMs < built)) return result;
  mkdirSync(benchFolder('build'), { recursive: true });
  const wanted = sources.filter((name) => name.endsWith('.c') && (secure || !name.includes('/dtls/')));
  const args = [
    '-std=gnu11',
    '-O2',
    '-Wall',
    '-Wextra',
    ...(secure ? ['-DWITH_DTLS'] : []),
    '-o',
    generator,
    ...wanted,
  ];
  const compiled = spawnSync('cc', [...args, ...(secure ? ['-lcrypto'] : [])], { encoding: 'utf8' });
  if (compiled.error !== undefined) throw new Error(`no C compiler: ${compiled.error.message}`);
  if (compiled.status !== 0) throw new Error(`the generator does not compile:\n${compiled.stderr}`);
  for (const kind of ['dtls', 'plain']) rmSync(`${generator}.${kind}`, { force: true });
  writeFileSync(note, '');
  return result;
}

/** By their long names; an empty text stands for an option without a value. */
export type LoadOptions = Readonly<Record<string, string | number>>;

function asArguments(options: LoadOptions): string[] {
  return Object.entries(options).flatMap(([name, value]) =>
    value === '' ? [`--${name}`] : [`--${name}`, String(value)],
  );
}

/** A generator that is still running: for modes that wait for the server or for the end of their input. */
export function startLoad(mode: string, options: LoadOptions, pids: readonly number[] = []): Program {
  const watched = pids.flatMap((pid) => ['--pid', String(pid)]);
  return new Program({ file: generator, args: [mode, ...asArguments(options), ...watched] });
}

/** The next phase that `load` prints. */
export async function nextPhase(load: Program, seconds: number): Promise<Phase> {
  return JSON.parse(await load.line(seconds)) as Phase;
}

/** Runs to the end and returns the phases in order. */
export async function load(mode: string, options: LoadOptions, pids: readonly number[], count = 1): Promise<Phase[]> {
  const program = startLoad(mode, options, pids);
  try {
    const phases: Phase[] = [];
    while (phases.length < count) phases.push(await nextPhase(program, 300));
    await program.ended();
    return phases;
  } finally {
    await program.stop();
  }
}
