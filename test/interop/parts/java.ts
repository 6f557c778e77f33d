// Programs in Java on libraries from Maven: compiled once for each class path and each wording, told and heard in JSON lines.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache, findProgram, lastLine, program } from './part.ts';
import { mustRun, Process } from './process.ts';

/** The programs of a folder beside this file, with its `pom.xml`. */
export class JavaPrograms {
  readonly #name: string;
  readonly #folder: string;
  readonly #sources: readonly string[];
  readonly #build: string;
  #prepared: Promise<true | string> | undefined;

  /** `shared`: sources of other folders that these stand on. */
  constructor(name: string, folder: string, shared: readonly string[] = []) {
    this.#name = name;
    this.#folder = fileURLToPath(new URL(folder, import.meta.url));
    const own = readdirSync(this.#folder).filter((file) => /\.(?:java|xml)$/.test(file));
    this.#sources = [
      ...own.map((file) => join(this.#folder, file)),
      ...shared.map((file) => fileURLToPath(new URL(file, import.meta.url))),
    ];
    // Another class path or another program is another folder.
    const digest = createHash('sha256')
      .update(this.#sources.map((file) => `${basename(file)}\n${readFileSync(file, 'utf8')}`).join('\n'))
      .digest('hex')
      .slice(0, 12);
    this.#build = join(cache, `${folder}-${digest}`);
  }

  available(): Promise<true | string> {
    this.#prepared ??= this.#prepare();
    return this.#prepared;
  }

  start(name: string, main: string, args: readonly string[]): Promise<Process> {
    // The programs live for seconds: a quick start matters more than quick code.
    const tuning = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m'];
    const classPath = `${this.#build}:${this.#classPath}`;
    return Process.start({
      name,
      command: program('java'),
      args: [...tuning, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classPath, main, ...args],
      ready: /^event {"event":"started"}$/m,
    });
  }

  get #classPath(): string {
    return readFileSync(join(this.#build, 'class-path'), 'utf8');
  }

  async #prepare(): Promise<true | string> {
    for (const name of ['java', 'javac', 'mvn']) {
      if (findProgram(name) === undefined) return `${name} is not installed`;
    }
    const complete = join(this.#build, 'complete');
    if (existsSync(complete)) return true;
    try {
      rmSync(this.#build, { recursive: true, force: true });
      mkdirSync(this.#build, { recursive: true });
      const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath';
      const output = `-Dmdep.outputFile=${join(this.#build, 'class-path')}`;
      await mustRun({
        name: 'mvn',
        command: program('mvn'),
        args: ['-B', '-q', '-f', join(this.#folder, 'pom.xml'), goal, output],
        lifetime: 400,
      });
      const programs = this.#sources.filter((file) => file.endsWith('.java'));
      const args = ['--release', '11', '-d', this.#build, '-cp', this.#classPath, ...programs];
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

  /** The next event of this kind that passes the test; those before it are passed over. */
  async next(kind: string, wanted: (event: E) => boolean = () => true, { within = 20 } = {}): Promise<E> {
    for (;;) {
      const match = await this.#process.waitFor(/^event (.*)\n/m, { within, from: this.#from });
      this.#from += match.index + match[0].length;
      const event = JSON.parse(match[1] ?? '') as E;
      if (event.event === kind && wanted(event)) return event;
    }
  }
}
