// Shows that the lint holds the laws: a tree of snippets is written beside a copy of
// biome.json and linted once; what breaks a law must be reported, its lawful twin must not.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

interface Case {
  readonly law: string;
  readonly rule: string;
  readonly path: string;
  readonly source: string;
}

const uses = (what: string): string => `import { thing } from '${what}';\nexport const used = thing;\n`;
const says = (expression: string): string => `export const said = ${expression};\n`;
const lines = (count: number): string =>
  Array.from({ length: count }, (_, i) => `export const a${i} = ${i};\n`).join('');

const imports = 'noRestrictedImports';
const globals = 'noRestrictedGlobals';
const properties = 'noJsRestrictedProperties';

const refused: readonly Case[] = [
  {
    law: 'a dependency that package.json does not list',
    rule: 'noUndeclaredDependencies',
    path: 'packages/coap/src/undeclared.ts',
    source: uses('cborg'),
  },
  {
    law: 'a workspace package that package.json does not list',
    rule: 'noUndeclaredDependencies',
    path: 'packages/coap/src/undeclared-own.ts',
    source: uses('@lapwing/dtls'),
  },
  {
    law: 'anything of ours in kernel',
    rule: imports,
    path: 'packages/kernel/src/upward.ts',
    source: uses('@lapwing/coap'),
  },
  { law: 'dtls in coap', rule: imports, path: 'packages/coap/src/secure.ts', source: uses('@lapwing/dtls') },
  {
    law: 'dtls in a type import of coap',
    rule: imports,
    path: 'packages/coap/src/secure-type.ts',
    source: "import type { Thing } from '@lapwing/dtls';\nexport type Used = Thing;\n",
  },
  {
    law: 'dtls in a dynamic import of coap',
    rule: imports,
    path: 'packages/coap/src/secure-late.ts',
    source: "export const late = () => import('@lapwing/dtls');\n",
  },
  { law: 'coap in dtls', rule: imports, path: 'packages/dtls/src/upward.ts', source: uses('@lapwing/coap') },
  { law: 'coap in sms', rule: imports, path: 'packages/sms/src/upward.ts', source: uses('@lapwing/coap') },
  { law: 'server in client', rule: imports, path: 'packages/client/src/other-end.ts', source: uses('@lapwing/server') },
  { law: 'client in server', rule: imports, path: 'packages/server/src/other-end.ts', source: uses('@lapwing/client') },
  { law: 'client in gateway', rule: imports, path: 'packages/gateway/src/device.ts', source: uses('@lapwing/client') },
  {
    law: 'dtls in client outside connect.ts',
    rule: imports,
    path: 'packages/client/src/secure.ts',
    source: uses('@lapwing/dtls'),
  },
  {
    law: 'dtls in server outside listen.ts',
    rule: imports,
    path: 'packages/server/src/secure.ts',
    source: uses('@lapwing/dtls'),
  },
  {
    law: 'a concrete transport in client outside connect.ts',
    rule: imports,
    path: 'packages/client/src/road.ts',
    source: "import { UdpTransport } from '@lapwing/coap';\nexport const used = UdpTransport;\n",
  },
  {
    law: 'a concrete transport in server outside listen.ts',
    rule: imports,
    path: 'packages/server/src/road.ts',
    source: "import { openTcp } from '@lapwing/coap';\nexport const used = openTcp;\n",
  },
  {
    law: 'an application in another application',
    rule: imports,
    path: 'packages/agent/src/neighbour.ts',
    source: uses('@lapwing/gateway/main'),
  },
  {
    law: 'the command in an application',
    rule: imports,
    path: 'packages/gateway/src/command.ts',
    source: uses('lapwing/main'),
  },
  {
    law: 'a path past the exports of a package',
    rule: imports,
    path: 'packages/coap/src/deep.ts',
    source: uses('@lapwing/kernel/src/bytes.ts'),
  },
  {
    law: 'a path past the exports in a test',
    rule: imports,
    path: 'packages/coap/src/deep.test.ts',
    source: uses('@lapwing/kernel/src/bytes.ts'),
  },
  {
    law: 'a relative path into another package',
    rule: imports,
    path: 'packages/coap/src/sideways.ts',
    source: uses('../../kernel/src/bytes.ts'),
  },
  {
    law: 'a relative path into a package from the system tests',
    rule: imports,
    path: 'test/system/sideways.test.ts',
    source: uses('../../packages/kernel/src/bytes.ts'),
  },
  {
    law: 'testing aids in code that ships',
    rule: imports,
    path: 'packages/coap/src/aided.ts',
    source: uses('@lapwing/kernel/testing'),
  },
  {
    law: 'sockets outside the transports',
    rule: imports,
    path: 'packages/coap/src/socket.ts',
    source: uses('node:dgram'),
  },
  { law: 'TCP outside the transports', rule: imports, path: 'packages/server/src/socket.ts', source: uses('node:net') },
  { law: 'TLS outside the transports', rule: imports, path: 'packages/client/src/socket.ts', source: uses('node:tls') },
  { law: 'files in a library', rule: imports, path: 'packages/client/src/files.ts', source: uses('node:fs/promises') },
  {
    law: 'processes in a library',
    rule: imports,
    path: 'packages/sms/src/process.ts',
    source: uses('node:child_process'),
  },
  {
    law: 'timers by way of a module',
    rule: imports,
    path: 'packages/coap/src/timers.ts',
    source: uses('node:timers/promises'),
  },
  {
    law: 'node:crypto outside its three places',
    rule: imports,
    path: 'packages/coap/src/keys.ts',
    source: uses('node:crypto'),
  },
  {
    law: 'node:crypto in dtls outside the handshake',
    rule: imports,
    path: 'packages/dtls/src/keys.ts',
    source: uses('node:crypto'),
  },
  {
    law: 'any node module in lwm2m',
    rule: imports,
    path: 'packages/lwm2m/src/trace.ts',
    source: uses('node:diagnostics_channel'),
  },
  {
    law: 'a node module without its prefix',
    rule: 'useNodejsImportProtocol',
    path: 'packages/coap/src/bare.ts',
    source: uses('dgram'),
  },
  ...[
    'Date.now()',
    'performance.now()',
    'setTimeout(() => {}, 1)',
    'setInterval(() => {}, 1)',
    'setImmediate(() => {})',
    'queueMicrotask(() => {})',
    'crypto.randomUUID()',
    'crypto.pseudoRandomBytes(8)',
    'new Date()',
  ].map((expression, i) => ({
    law: `${expression} in a library`,
    rule: globals,
    path: `packages/coap/src/ambient-${i}.ts`,
    source: says(expression),
  })),
  {
    law: 'a real delay in a test',
    rule: globals,
    path: 'packages/coap/src/sleep.test.ts',
    source: says('new Promise((wake) => setTimeout(wake, 5))'),
  },
  {
    law: 'a real delay in an application',
    rule: globals,
    path: 'packages/gateway/src/sleep.ts',
    source: says('setTimeout(() => {}, 5)'),
  },
  ...[
    'Math.random()',
    'process.hrtime.bigint()',
    'process.nextTick(() => {})',
    'AbortSignal.timeout(5)',
    'globalThis.Math.random()',
    'globalThis.setTimeout(() => {}, 1)',
  ].map((expression, i) => ({
    law: `${expression} in a library`,
    rule: properties,
    path: `packages/coap/src/chance-${i}.ts`,
    source: says(expression),
  })),
  {
    law: 'Math.random taken apart',
    rule: properties,
    path: 'packages/coap/src/chance-apart.ts',
    source: 'const { random } = Math;\nexport const used = random;\n',
  },
  {
    law: 'a cycle of imports',
    rule: 'noImportCycles',
    path: 'packages/coap/src/cycle-a.ts',
    source: "import { b } from './cycle-b.ts';\nexport const a = () => b();\n",
  },
  {
    law: 'a file of 401 lines',
    rule: 'noExcessiveLinesPerFile',
    path: 'packages/coap/src/long.ts',
    source: lines(401),
  },
  {
    law: 'a test of 601 lines',
    rule: 'noExcessiveLinesPerFile',
    path: 'packages/coap/src/long.test.ts',
    source: lines(601),
  },
  {
    law: 'a floating promise',
    rule: 'noFloatingPromises',
    path: 'packages/coap/src/floating.ts',
    source: 'async function go(): Promise<void> {}\nexport function start(): void {\n  go();\n}\n',
  },
  {
    law: 'a floating promise from another package',
    rule: 'noFloatingPromises',
    path: 'packages/coap/src/floating-far.ts',
    source: "import { later } from './later.ts';\nexport function start(): void {\n  later();\n}\n",
  },
  {
    law: 'a switch that forgets a member',
    rule: 'useExhaustiveSwitchCases',
    path: 'packages/coap/src/switch.ts',
    source:
      "type Shape = { kind: 'round' } | { kind: 'flat' };\nexport function name(shape: Shape): string {\n  switch (shape.kind) {\n    case 'round':\n      return 'disc';\n  }\n  return '';\n}\n",
  },
  {
    law: 'any',
    rule: 'noExplicitAny',
    path: 'packages/coap/src/any.ts',
    source: 'export function take(what: any): void {\n  String(what);\n}\n',
  },
  {
    law: 'a non-null assertion outside tests',
    rule: 'noNonNullAssertion',
    path: 'packages/coap/src/bang.ts',
    source: 'export const first = (all: string[]): string => all[0]!;\n',
  },
  {
    law: 'export *',
    rule: 'noReExportAll',
    path: 'packages/coap/src/star.ts',
    source: "export * from './later.ts';\n",
  },
  {
    law: 'export * under a name',
    rule: 'noReExportAll',
    path: 'packages/coap/src/star-named.ts',
    source: "export * as later from './later.ts';\n",
  },
  {
    law: 'an import without its suffix',
    rule: 'useImportExtensions',
    path: 'packages/coap/src/suffix.ts',
    source: uses('./later'),
  },
  {
    law: 'a file name that is not kebab-case',
    rule: 'useFilenamingConvention',
    path: 'packages/coap/src/camelCase.ts',
    source: says('1'),
  },
  {
    law: 'a skipped test',
    rule: 'noSkippedTests',
    path: 'packages/coap/src/skipped.test.ts',
    source: "import { test } from 'vitest';\ntest.skip('rests', () => {});\n",
  },
  {
    law: 'a focused test',
    rule: 'noFocusedTests',
    path: 'packages/coap/src/focused.test.ts',
    source: "import { test } from 'vitest';\ntest.only('leads', () => {});\n",
  },
  {
    law: 'a log line in a library',
    rule: 'noConsole',
    path: 'packages/coap/src/log.ts',
    source: "export const log = (): void => console.log('x');\n",
  },
];

const allowed: readonly Omit<Case, 'rule'>[] = [
  { law: 'a declared dependency', path: 'packages/coap/src/declared.ts', source: uses('@lapwing/kernel') },
  { law: 'vitest in a test', path: 'packages/coap/src/ok.test.ts', source: uses('vitest') },
  { law: 'testing aids in a test', path: 'packages/coap/src/aids.test.ts', source: uses('@lapwing/kernel/testing') },
  {
    law: 'testing aids in src/testing',
    path: 'packages/coap/src/testing/aids.ts',
    source: uses('@lapwing/kernel/testing'),
  },
  { law: 'sockets in the transports', path: 'packages/coap/src/transports/udp.ts', source: uses('node:dgram') },
  {
    law: 'files in the persistence of client',
    path: 'packages/client/src/persistence/file.ts',
    source: uses('node:fs/promises'),
  },
  { law: 'files in an application', path: 'packages/gateway/src/files.ts', source: uses('node:fs/promises') },
  { law: 'files in a test', path: 'packages/lwm2m/src/files.test.ts', source: uses('node:fs') },
  { law: 'node:crypto in kernel/src/crypto.ts', path: 'packages/kernel/src/crypto.ts', source: uses('node:crypto') },
  { law: 'node:crypto in the handshake', path: 'packages/dtls/src/handshake/keys.ts', source: uses('node:crypto') },
  {
    law: 'a concrete transport in connect.ts',
    path: 'packages/client/src/connect.ts',
    source: "import { UdpTransport } from '@lapwing/coap';\nexport const used = UdpTransport;\n",
  },
  {
    law: 'a concrete transport in listen.ts',
    path: 'packages/server/src/listen.ts',
    source: "import { UdpTransport } from '@lapwing/coap';\nexport const used = UdpTransport;\n",
  },
  {
    law: 'a client and an application together in cli',
    path: 'packages/cli/src/both.ts',
    source: `${uses('@lapwing/client')}export { other } from '@lapwing/gateway/main';\n`,
  },
  {
    law: 'one object of the registry in client',
    path: 'packages/client/src/oven.ts',
    source: uses('@lapwing/lwm2m/objects/temperature'),
  },
  {
    law: 'the XML of definitions in an application',
    path: 'packages/gateway/src/definitions.ts',
    source: uses('@lapwing/lwm2m/definitions'),
  },
  {
    law: 'the main of an application in cli',
    path: 'packages/cli/src/gateway.ts',
    source: uses('@lapwing/gateway/main'),
  },
  {
    law: 'the clock in kernel/src/clock.ts',
    path: 'packages/kernel/src/clock.ts',
    source: says('Date.now() + performance.now()'),
  },
  { law: 'chance in kernel/src/random.ts', path: 'packages/kernel/src/random.ts', source: says('Math.random()') },
  { law: 'time and chance in bench', path: 'bench/run.ts', source: says('performance.now() + Math.random()') },
  { law: 'time in the interop tests', path: 'test/interop/peer.ts', source: says('setTimeout(() => {}, 1)') },
  { law: 'a file of 400 lines', path: 'packages/coap/src/full.ts', source: lines(400) },
  { law: 'a test of 600 lines', path: 'packages/coap/src/full.test.ts', source: lines(600) },
  { law: 'a generated object of 900 lines', path: 'packages/lwm2m/src/objects/big.ts', source: lines(900) },
  {
    law: 'a non-null assertion in a test',
    path: 'packages/coap/src/bang.test.ts',
    source: 'export const first = (all: string[]): string => all[0]!;\n',
  },
  {
    law: 'names exported one by one',
    path: 'packages/coap/src/index.ts',
    source: "export { later } from './later.ts';\n",
  },
  {
    law: 'an awaited promise',
    path: 'packages/coap/src/awaited.ts',
    source:
      "import { later } from './later.ts';\nexport async function start(): Promise<void> {\n  await later();\n}\n",
  },
];

const support: readonly Omit<Case, 'rule' | 'law'>[] = [
  { path: 'packages/coap/src/later.ts', source: 'export async function later(): Promise<number> {\n  return 1;\n}\n' },
  {
    path: 'packages/coap/src/cycle-b.ts',
    source: "import { a } from './cycle-a.ts';\nexport const b = (): unknown => a;\n",
  },
];

interface Report {
  readonly diagnostics: readonly { readonly category: string; readonly location: { readonly path: string } }[];
}

let tree = '';
const found = new Map<string, string[]>();

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'lapwing-lint-'));
  copyFileSync(join(root, 'biome.json'), join(tree, 'biome.json'));
  copyFileSync(join(root, 'package.json'), join(tree, 'package.json'));
  for (const { path, source } of [...refused, ...allowed, ...support]) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), source);
  }
  for (const name of readdirSync(join(root, 'packages')))
    copyFileSync(
      join(root, 'packages', name, 'package.json'),
      join(
        mkdirSync(join(tree, 'packages', name), { recursive: true }) ?? join(tree, 'packages', name),
        'package.json',
      ),
    );
  const run = spawnSync(
    join(root, 'node_modules/.bin/biome'),
    ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', '.'],
    { cwd: tree, encoding: 'utf8' },
  );
  const report = JSON.parse(run.stdout) as Report;
  for (const { category, location } of report.diagnostics) {
    const rule = category.split('/').at(-1) ?? category;
    found.set(location.path, [...(found.get(location.path) ?? []), rule]);
  }
});

afterAll(() => rmSync(tree, { recursive: true, force: true }));

describe('the lint refuses', () => {
  test.each(refused)('$law', ({ path, rule }) => {
    expect(found.get(path) ?? []).toContain(rule);
  });
});

describe('the lint allows', () => {
  test.each(allowed)('$law', ({ path }) => {
    expect(found.get(path) ?? []).toEqual([]);
  });
});
