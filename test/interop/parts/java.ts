// Small Java programs of ours on libraries from Maven: a folder with a `pom.xml` and sources becomes a folder of classes
// in the cache, the first time it is needed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache, findProgram, lastLine, type Part, program } from './part.ts';
import { mustRun, Process } from './process.ts';

export class JavaPrograms {
  readonly part: Part;
  readonly #sources: string;
  readonly #files: readonly string[];
  readonly #build: string;
  #prepared: Promise<true | string> | undefined;

  /** Of the library with this name, in this folder. */
  constructor(name: string, folder: URL) {
    this.#sources = fileURLToPath(folder);
    this.#files = readdirSync(this.#sources).filter((file) => /\.(?:java|xml)$/.test(file));
    // Another class path or another program is another folder.
    const digest = createHash('sha256')
      .update(this.#files.map((file) => `${file}\n${this.#read(file)}`).join('\n'))
      .digest('hex')
      .slice(0, 12);
    this.#build = join(cache, `${name.toLowerCase()}-${digest}`);
    this.part = {
      name,
      from: 'Maven',
      available: () => {
        this.#prepared ??= this.#prepare(name);
        return this.#prepared;
      },
    };
  }

  /** The version of the library with this artifact id; `${…}` in the pom is looked up. */
  versionOf(artifact: string): string {
    const pom = this.#read('pom.xml');
    const [, said = '?'] = new RegExp(`<artifactId>${artifact}</artifactId>\\s*<version>([^<]*)`).exec(pom) ?? [];
    const [, property] = /^\$\{(.*)\}$/.exec(said) ?? [];
    if (property === undefined) return said;
    return new RegExp(`<${property}>([^<]*)`).exec(pom)?.[1] ?? '?';
  }

  start(name: string, main: string, args: readonly string[], ready: RegExp): Promise<Process> {
    const classPath = `${this.#build}:${readFileSync(this.#classPathFile, 'utf8')}`;
    // The programs live for seconds: a quick start matters more than quick code.
    const tuning = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m'];
    return Process.start({
      name,
      command: program('java'),
      args: [...tuning, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classPath, main, ...args],
      ready,
    });
  }

  get #classPathFile(): string {
    return join(this.#build, 'class-path');
  }

  #read(file: string): string {
    return readFileSync(join(this.#sources, file), 'utf8');
  }

  async #prepare(name: string): Promise<true | string> {
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
        args: ['-B', '-q', '-f', join(this.#sources, 'pom.xml'), goal, `-Dmdep.outputFile=${this.#classPathFile}`],
        lifetime: 400,
      });
      const sources = this.#files.filter((file) => file.endsWith('.java')).map((file) => join(this.#sources, file));
      const classPath = readFileSync(this.#classPathFile, 'utf8');
      const args = ['--release', '11', '-d', this.#build, '-cp', classPath, ...sources];
      await mustRun({ name: 'javac', command: program('javac'), args });
      writeFileSync(complete, '');
      return true;
    } catch (error) {
      return `${name} cannot be installed: ${lastLine(error)}`;
    }
  }
}
