// Small Java programs of ours on libraries from Maven: a folder with a `pom.xml` and sources becomes a folder of classes in
// the cache, once for each class path and each wording. Most tell what happens as JSON lines.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache, findProgram, lastLine, type Part, program } from './part.ts';
import { mustRun, Process } from './process.ts';

export interface JavaOptions {
  /** What a program says once it runs. */
  readonly ready: RegExp;
  /** Sources of other folders that these stand on. */
  readonly shared?: readonly string[];
}

/** Of programs that tell events. */
export const startedEvent = /^event {"event":"started"}$/m;

/** The programs of a folder beside this file. */
export class JavaPrograms {
  readonly part: Part;
  readonly #name: string;
  readonly #pom: string;
  readonly #sources: readonly string[];
  readonly #build: string;
  readonly #ready: RegExp;
  #prepared: Promise<true | string> | undefined;

  /** Of the library with this name. */
  constructor(name: string, folder: string, { ready, shared = [] }: JavaOptions) {
    const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
    const own = readdirSync(path(folder)).filter((file) => file.endsWith('.java'));
    this.#name = name;
    this.#pom = join(path(folder), 'pom.xml');
    this.#sources = [...own.map((file) => join(path(folder), file)), ...shared.map(path)];
    this.#ready = ready;
    // Another class path or another program is another folder.
    const digest = createHash('sha256')
      .update(
        [this.#pom, ...this.#sources].map((file) => `${basename(file)}\n${readFileSync(file, 'utf8')}`).join('\n'),
      )
      .digest('hex')
      .slice(0, 12);
    this.#build = join(cache, `${folder}-${digest}`);
    this.part = {
      name,
      from: 'Maven',
      available: () => {
        this.#prepared ??= this.#prepare();
        return this.#prepared;
      },
    };
  }

  /** The version of the library with this artifact id; `${…}` in the pom is looked up. */
  versionOf(artifact: string): string {
    const pom = readFileSync(this.#pom, 'utf8');
    const [, said = '?'] = new RegExp(`<artifactId>${artifact}</artifactId>\\s*<version>([^<]*)`).exec(pom) ?? [];
    const [, property] = /^\$\{(.*)\}$/.exec(said) ?? [];
    if (property === undefined) return said;
    return new RegExp(`<${property}>([^<]*)`).exec(pom)?.[1] ?? '?';
  }

  start(name: string, main: string, args: readonly string[], options: { lifetime?: number } = {}): Promise<Process> {
    // The programs live for seconds: a quick start matters more than quick code.
    const tuning = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m'];
    const classPath = `${this.#build}:${readFileSync(this.#classPathFile, 'utf8')}`;
    return Process.start({
      name,
      command: program('java'),
      args: [...tuning, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classPath, main, ...args],
      ready: this.#ready,
      ...options,
    });
  }

  get #classPathFile(): string {
    return join(this.#build, 'class-path');
  }

  async #prepare(): Promise<true | string> {
    for (const tool of ['java', 'javac', 'mvn']) {
      if (findProgram(tool) === undefined) return `${tool} is not installed`;
    }
    const complete = join(this.#build, 'complete');
    if (existsSync(complete)) return true;
    try {
      rmSync(this.#build, { recursive: true, force: true });
      mkdirSync(this.#build, { recursive: true });
      const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath';
      await mustRun({
        name: 'mvn',
        command: program('mvn'),
        args: ['-B', '-q', '-f', this.#pom, goal, `-Dmdep.outputFile=${this.#classPathFile}`],
        lifetime: 400,
      });
      const classPath = readFileSync(this.#classPathFile, 'utf8');
      const args = ['--release', '11', '-d', this.#build, '-cp', classPath, ...this.#sources];
      await mustRun({ name: 'javac', command: program('javac'), args });
      writeFileSync(complete, '');
      return true;
    } catch (error) {
      return `${this.#name} cannot be installed: ${lastLine(error)}`;
    }
  }
}

/** The `event` lines of a program, each given out once. */
export class EventLines<E extends { readonly event: string }> {
  readonly #process: Process;
  #from = 0;

  constructor(process: Process) {
    this.#process = process;
  }

  /** The next event of this kind, or of one of these, that passes the test; those before it are passed over. */
  async next(
    kind: string | readonly string[],
    wanted: (event: E) => boolean = () => true,
    { within = 20 } = {},
  ): Promise<E> {
    const kinds = typeof kind === 'string' ? [kind] : kind;
    for (;;) {
      const match = await this.#process.waitFor(/^event (.*)\n/m, { within, from: this.#from });
      this.#from += match.index + match[0].length;
      const event = JSON.parse(match[1] ?? '') as E;
      if (kinds.includes(event.event) && wanted(event)) return event;
    }
  }
}
