// The packages as people get them: packed, installed from their tarballs into a folder that has nothing else, and used from there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { entriesOf, readManifest } from '../../tools/pack/manifest.ts';
import { packageFolders, stage } from '../../tools/pack/stage.ts';
import { describeWith, type Part } from './parts/part.ts';
import { freeTcpPort, freeUdpPort } from './parts/ports.ts';
import { mustRun, Process, run } from './parts/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = packageFolders();
// The command is not imported: it would run.
const libraries = folders.filter((each) => readManifest(each).name !== 'lapwing');
const specifiers = libraries.flatMap((each) => entriesOf(each).map(({ specifier }) => specifier));

/** Versions of other people's packages as the workspace has them, where it has one of each. */
function lockedVersions(): Readonly<Record<string, string>> {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; link?: boolean; dev?: boolean }>;
  };
  const locked: Record<string, string> = {};
  const several = new Set<string>();
  for (const [path, { version, link, dev }] of Object.entries(packages)) {
    const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
    if (name === undefined || version === undefined || link === true || dev === true) continue;
    if ((locked[name] ??= version) !== version) several.add(name);
  }
  return Object.fromEntries(Object.entries(locked).filter(([name]) => !several.has(name)));
}

let folder = '';
const node = (...args: readonly string[]) => mustRun({ name: 'node', command: process.execPath, args, cwd: folder });
const lapwing = (...args: readonly string[]) => ({
  name: `lapwing ${args.join(' ')}`,
  command: join(folder, 'node_modules/.bin/lapwing'),
  args,
  cwd: folder,
});

const registry: Part = {
  name: 'the npm registry',
  from: 'npm',
  available: async () => {
    const { code } = await run({ name: 'npm view', command: 'npm', args: ['view', 'zod', 'version'] });
    return code === 0 || 'is not reached';
  },
};

await describeWith([registry], 'the packed packages', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lapwing-packed-'));
    const npm = (...args: readonly string[]) =>
      mustRun({ name: `npm ${args[0]}`, command: 'npm', args, cwd: folder, lifetime: 150 });
    const staged: string[] = [];
    for (const each of folders) staged.push(await stage(each, join(folder, 'staged')));
    await npm('pack', '--pack-destination', folder, ...staged);
    const dependencies = folders.map((each) => {
      const { name, version } = readManifest(each);
      return [name, `file:${name.replace('@', '').replace('/', '-')}-${version}.tgz`];
    });
    await rm(join(folder, 'staged'), { recursive: true });
    const manifest = { type: 'module', dependencies: Object.fromEntries(dependencies), overrides: lockedVersions() };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    await npm('install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts');
  }, 180_000);
  afterAll(() => rm(folder, { recursive: true }));

  test('can be imported at every entry, and in every part that is loaded later', async () => {
    const parts = libraries.flatMap((each) => {
      const inside = `./node_modules/${readManifest(each).name}/dist/parts/`;
      return existsSync(join(folder, inside)) ? readdirSync(join(folder, inside)).map((file) => inside + file) : [];
    });
    const all = [...specifiers, ...parts.filter((file) => file.endsWith('.js'))];
    const program = `for (const each of ${JSON.stringify(all)}) if (Object.keys(await import(each)).length === 0) throw new Error(each);\n`;
    await writeFile(join(folder, 'all.js'), program);
    await node('all.js');
  });

  test('have types at every entry', async () => {
    const imports = specifiers.map((each, index) => `import * as _${index} from '${each}';\nexport { _${index} };\n`);
    await writeFile(join(folder, 'all.ts'), imports.join(''));
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2023,esnext'];
    const types = ['--skipLibCheck', '--typeRoots', join(root, 'node_modules/@types'), '--types', 'node'];
    await node(join(root, 'node_modules/typescript/bin/tsc'), ...options, ...types, 'all.ts');
  });

  test('have the command, which explains itself', async () => {
    const { code, output } = await run(lapwing('--help'));
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('gateway') });
  });

  test('have sources for a stack trace that asks for them', async () => {
    await writeFile(join(folder, 'fail.js'), "import { fromHex } from '@lapwing/kernel';\nfromHex('x');\n");
    const { output } = await run({
      name: 'node',
      command: process.execPath,
      args: ['--enable-source-maps', 'fail.js'],
      cwd: folder,
    });
    expect(output).toMatch(/@lapwing\/kernel\/src\/bytes\.ts:\d+/);
  });

  test('are a gateway, and devices that register there in the open and under DTLS', async () => {
    const ports = { coap: await freeUdpPort(), coaps: await freeUdpPort(), mqtt: await freeTcpPort() };
    const key = '000102030405060708090a0b0c0d0e0f';
    await mkdir(join(folder, 'data'), { recursive: true });
    await writeFile(
      join(folder, 'gateway.yaml'),
      `gateway:
  lwm2m:
    translators:
      command: { topic: "dn/#" }
      response: { topic: up/resp }
      notify: { topic: up/notify }
      register: { topic: up/register }
      update: { topic: up/update }
    listeners:
      udp: { default: { bind: "127.0.0.1:${ports.coap}" } }
      dtls: { default: { bind: "127.0.0.1:${ports.coaps}" } }
mqtt: { bind: "127.0.0.1:${ports.mqtt}" }
security: { credentials: [ { endpoint: secured, psk: { identity: secured, key: "${key}" } } ] }
store: { dir: "${folder}/data" }
`,
      { mode: 0o600 },
    );
    await using gateway = await Process.start({
      ...lapwing('gateway', '--config', 'gateway.yaml'),
      ready: /MQTT on/,
    });
    const read = ['--exec', 'read /3/0/0 -s'];
    const open = await run(lapwing('client', '-e', 'open', '-u', `coap://127.0.0.1:${ports.coap}`, ...read));
    expect(open).toMatchObject({ code: 0, output: expect.stringContaining('registration-complete: server 1') });
    const identity = ['--psk-identity', 'secured', '--psk-key', key];
    const secured = await run(
      lapwing('client', '-e', 'secured', '-u', `coaps://127.0.0.1:${ports.coaps}`, ...identity, ...read),
    );
    expect(secured).toMatchObject({ code: 0, output: expect.stringContaining('registration-complete: server 1') });
    const fleet = ['--devices', '2', '--server', `coap://127.0.0.1:${ports.coap}`, '--duration', '1s'];
    expect(await run(lapwing('sim', ...fleet))).toMatchObject({ code: 0 });
    expect(gateway.output).not.toContain('rror');
  });
});
