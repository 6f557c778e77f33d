import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root } from '../workspace.ts';
import { entriesOf, publishedManifest, readManifest } from './manifest.ts';
import { putTogether, type Written } from './put-together.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lapwing-pack-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const conditions = (path: string) => ({
  source: `./src/${path}.ts`,
  types: `./dist/${path}.d.ts`,
  default: `./dist/${path}.js`,
});

const files: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({
    name: '@lapwing/fixture',
    type: 'module',
    exports: {
      './light': conditions('light'),
      '.': conditions('index'),
      './shapes/*': conditions('shapes/*'),
      './shapes': conditions('shapes/index'),
    },
    scripts: { prepack: 'exit 1' },
    dependencies: { other: '1.0.0' },
    devDependencies: { more: '1.0.0' },
  }),
  'src/shared.ts': 'export class Shared { readonly it: string = "shared"; }\n',
  'src/late.ts': "import { Shared } from './shared.ts';\nexport const made = new Shared();\n",
  'src/light.ts':
    "import { Shared } from './shared.ts';\nexport { Shared };\nexport const late = async () => (await import('./late.ts')).made;\n",
  'src/index.ts':
    "import { join } from 'node:path';\nexport { late, Shared } from './light.ts';\nexport { made } from './late.ts';\nexport { Round } from './shapes/round.ts';\nexport const joined = join('a', 'b');\n",
  'src/shapes/round.ts': "export const Round = { name: 'round' };\n",
  'src/shapes/square.ts': "export const Square = { name: 'square' };\n",
  'src/shapes/square.test.ts': "throw new Error('a test');\n",
  'src/shapes/index.ts': "export { Round } from './round.ts';\nexport { Square } from './square.ts';\n",
};

function writeFixture(): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

describe('a package that is put together', () => {
  let written: readonly Written[];
  const importsOf = (file: string) => written.find((each) => each.file === file)?.imports;
  const load = (path: string): Promise<Record<string, unknown>> =>
    import(/* @vite-ignore */ pathToFileURL(join(folder, 'dist', path)).href);

  beforeEach(async () => {
    writeFixture();
    written = await putTogether(folder, join(folder, 'dist'));
  });

  it('has one file for each entry and one for what is loaded later, and no entry needs a later one', () => {
    expect(written.map(({ file }) => file.replace(/-[\w-]{8}\.js$/, '.js')).sort()).toEqual([
      'index.js',
      'light.js',
      'parts/late.js',
      'shapes/index.js',
      'shapes/round.js',
      'shapes/square.js',
    ]);
    expect(importsOf('light.js')).toEqual([]);
    expect(importsOf('shapes/square.js')).toEqual([]);
    expect(importsOf('shapes/round.js')).toEqual(['index.js']);
  });

  it('has each thing once, whichever entry it is imported from', async () => {
    const [light, index, shapes, round] = [
      await load('light.js'),
      await load('index.js'),
      await load('shapes/index.js'),
      await load('shapes/round.js'),
    ];
    expect(index['Shared']).toBe(light['Shared']);
    expect(await (light['late'] as () => Promise<unknown>)()).toBe(index['made']);
    expect(shapes['Round']).toBe(index['Round']);
    expect(round['Round']).toBe(index['Round']);
  });

  it('keeps the names of classes and functions, and its source maps name the sources beside it', async () => {
    const { Shared, late } = await load('light.js');
    expect([Shared, late].map((each) => (each as () => void).name)).toEqual(['Shared', 'late']);
    const map = JSON.parse(readFileSync(join(folder, 'dist/light.js.map'), 'utf8')) as { sources: string[] };
    expect(map.sources).toContain('../src/shared.ts');
    expect(readdirSync(join(folder, 'dist'))).not.toContain('shared.js');
  });

  it('tells its users neither of its sources nor of what builds and tests it', () => {
    expect(publishedManifest(readManifest(folder))).toEqual({
      name: '@lapwing/fixture',
      type: 'module',
      exports: {
        './light': { types: './dist/light.d.ts', default: './dist/light.js' },
        '.': { types: './dist/index.d.ts', default: './dist/index.js' },
        './shapes/*': { types: './dist/shapes/*.d.ts', default: './dist/shapes/*.js' },
        './shapes': { types: './dist/shapes/index.d.ts', default: './dist/shapes/index.js' },
      },
      dependencies: { other: '1.0.0' },
    });
  });

  it('names its entries as they are imported', () => {
    expect(entriesOf(folder).map(({ specifier }) => specifier)).toEqual([
      '@lapwing/fixture/light',
      '@lapwing/fixture',
      '@lapwing/fixture/shapes/round',
      '@lapwing/fixture/shapes/square',
      '@lapwing/fixture/shapes',
    ]);
  });
});

it('refuses a key whose conditions name different modules', () => {
  writeFixture();
  const manifest = readManifest(folder);
  const exports = { '.': { ...conditions('index'), default: './dist/light.js' } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, exports }));
  expect(() => entriesOf(folder)).toThrow('the conditions of . do not name one module');
});

it('a client that starts in the open is four files', async () => {
  const importsOf = new Map<string, readonly string[]>();
  for (const name of ['kernel', 'coap', 'lwm2m', 'client']) {
    const own = join(root, 'packages', name);
    for (const { specifier, path } of entriesOf(own)) importsOf.set(specifier, [`${name}/${path}.js`]);
    for (const { file, imports } of await putTogether(own, join(folder, name)))
      importsOf.set(
        `${name}/${file}`,
        imports.map((each) => (each.includes(':') || each.startsWith('@') ? each : `${name}/${each}`)),
      );
  }
  const loaded = new Set(['@lapwing/client/engine']);
  for (const each of loaded) for (const next of importsOf.get(each) ?? []) loaded.add(next);
  const files = [...loaded].filter((each) => each.endsWith('.js')).sort();
  expect(files).toEqual(['client/engine.js', 'coap/index.js', 'kernel/index.js', 'lwm2m/index.js']);
  // One letter outside Latin-1 makes the runtime keep two bytes for each of a file.
  for (const file of files) expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(/[^\0-\xff]/);
});
