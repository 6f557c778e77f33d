// What the manifest of a package says: where its entries are, and what of it goes into the tarball.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** One key of `exports`. */
type Conditions = Readonly<Record<'source' | 'types' | 'default', string>>;

export interface Manifest {
  readonly name: string;
  readonly description: string;
  readonly exports: Readonly<Record<string, Conditions>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly [more: string]: unknown;
}

/** A module that can be imported from outside. */
export interface Entry {
  /** As it is imported: `@lapwing/lwm2m/objects/device`. */
  readonly specifier: string;
  /** Below `src` and below `dist`, without ending: `objects/device`. */
  readonly path: string;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** Whether a file below `src` belongs to the package itself, not to its tests. */
export function isShipped(path: string): boolean {
  return path.endsWith('.ts') && !/\.(?:test|test-d|property)\.ts$/.test(path);
}

/** In the order of `exports`, a pattern as all that it stands for. Throws for a key whose conditions name different modules. */
export function entriesOf(folder: string): readonly Entry[] {
  const { name, exports } = readManifest(folder);
  const named = new Set(Object.values(exports).map(({ source }) => source));
  return Object.entries(exports).flatMap(([key, conditions]) => {
    const path = /^\.\/src\/(.+)\.ts$/.exec(conditions.source)?.[1];
    if (
      path === undefined ||
      conditions.default !== `./dist/${path}.js` ||
      conditions.types !== `./dist/${path}.d.ts`
    ) {
      throw new Error(`${name}: the conditions of ${key} do not name one module`);
    }
    const specifier = posix.join(name, key);
    if (!key.endsWith('/*')) return [{ specifier, path }];
    return readdirSync(join(folder, 'src', posix.dirname(path)))
      .filter(isShipped)
      .map((file) => file.slice(0, -'.ts'.length))
      .map((file) => ({ specifier: specifier.replace('*', file), path: path.replace('*', file) }))
      .filter((entry) => !named.has(`./src/${entry.path}.ts`));
  });
}

/** The manifest of the tarball: without what only the workspace can use. */
export function publishedManifest({ devDependencies: _, scripts: __, exports, ...kept }: Manifest): object {
  const keys = Object.entries(exports).map(([key, { source: ___, ...conditions }]) => [key, conditions]);
  return { ...kept, exports: Object.fromEntries(keys) };
}

/** What whoever finds the package reads first. */
export function readmeOf({ name, description, exports, bin }: Manifest): string {
  const about = `# ${name}\n\n${description}. A part of Lapwing, LwM2M for TypeScript.`;
  const commands = Object.keys(bin ?? {}).map((command) => `npx ${command} --help`);
  const install = ['```sh', `npm install ${name}`, ...commands, '```'].join('\n');
  const imports = Object.keys(exports).map((key) => `- \`${posix.join(name, key)}\``);
  const use =
    commands.length > 0
      ? 'Node.js 20.20 or newer.'
      : `Node.js 20.20 or newer; ES modules. What can be imported, its types with units, ranges and errors:\n\n${imports.join('\n')}`;
  return `${[about, install, use, 'The sources are in `src`. Apache-2.0.'].join('\n\n')}\n`;
}
