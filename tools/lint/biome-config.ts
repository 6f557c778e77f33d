// The whole of biome.json, made from the layers. An override replaces the options of a rule
// instead of adding to them, so each one has to repeat the full list: a machine's work.
// `npm run lint-config` writes the file, `check` fails when the two have drifted apart.
import { applications, type Layer, layers, libraries, type Room } from './layers.ts';

interface Pattern {
  readonly group: readonly string[];
  readonly importNamePattern?: string;
  readonly message: string;
}
type Rules = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const tests = ['**/*.test.ts', '**/*.property.ts', '**/*.test-d.ts'];
const butTests = tests.map((glob) => `!${glob}`);

const onlyExports: Pattern = {
  group: [
    '@lapwing/*/**',
    '!@lapwing/*/testing',
    '!@lapwing/*/main',
    '!@lapwing/coap/oscore',
    '!@lapwing/coap/streams',
    '!@lapwing/client/engine',
    '!@lapwing/lwm2m/definitions',
    '!@lapwing/sms/virtual',
    '!@lapwing/lwm2m/objects',
    '!@lapwing/lwm2m/objects/*',
  ],
  message: 'What a package does not list in its exports does not exist: import from its name.',
};
const byName: Pattern = {
  group: ['**/packages/**', '../**/src/**', '**/dist/**'],
  message: 'Another package is imported by its name, never by a path into its folders.',
};
const noApplications: Pattern = {
  group: [...applications.flatMap((name) => [`@lapwing/${name}`, `@lapwing/${name}/**`]), 'lapwing', 'lapwing/**'],
  message: 'Applications are never imported, not even by each other: what two of them share moves down a tier.',
};
const noTestingAids: Pattern = {
  group: ['@lapwing/*/testing'],
  message: 'Testing aids belong in tests and in src/testing.',
};
const noRoads: Pattern = {
  group: ['@lapwing/coap', '@lapwing/coap/streams'],
  importNamePattern: '.*(?:[uU]dp|[tT]cp|[tT]ls).*',
  message:
    'Only client/src/connect.ts, connect-secured.ts and server/src/listen.ts name a concrete transport: take a Connector, an Endpoint or a Transport.',
};

function onlyPackages(names: readonly string[], message: string): Pattern {
  return { group: ['@lapwing/*', ...names.map((name) => `!@lapwing/${name}`)], message };
}

function onlyNode(allowed: readonly string[]): Pattern {
  return {
    group: ['node:*', 'node:*/**', ...allowed.map((name) => `!node:${name}`)],
    message:
      'No I/O and no keys here: they live in coap/src/transports, sms/src/serial.ts, sms/src/virtual, client/src/persistence, dtls/src/handshake, dtls/src/x509, kernel/src/crypto.ts and the applications.',
  };
}

const injected = 'Time and chance are injected: take a Clock or a Random from @lapwing/kernel.';
const timers = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'];
const ambientGlobals = ['Date', 'performance', 'queueMicrotask', 'crypto', ...timers];
const ambientProperties = [
  { object: 'globalThis', allowProperties: [] },
  { object: 'Math', property: 'random' },
  { object: 'process', property: 'hrtime' },
  { object: 'process', property: 'nextTick' },
  { object: 'process', property: 'uptime' },
  { object: 'AbortSignal', property: 'timeout' },
];

function error(options: unknown): unknown {
  return { level: 'error', options };
}

function deniedGlobals(names: readonly string[]): unknown {
  return error({ deniedGlobals: Object.fromEntries(names.map((name) => [name, injected])) });
}

function deniedImports(...patterns: readonly Pattern[]): Rules {
  return { style: { noRestrictedImports: error({ patterns }) } };
}

const ambientAllowed: Rules = { style: { noRestrictedGlobals: 'off' }, nursery: { noJsRestrictedProperties: 'off' } };

function override(includes: readonly string[], rules: Rules): unknown {
  return { includes, linter: { rules } };
}

function layerImports(layer: Layer, room: Room | undefined): Rules {
  const packages = room?.packages ?? layer.packages;
  const node = room?.node ?? layer.node;
  const patterns = [onlyExports, byName, onlyPackages(packages, layer.because), noTestingAids];
  if (!packages.some((name) => applications.includes(name))) patterns.push(noApplications);
  if (node !== 'any') patterns.push(onlyNode(node));
  if (packages.includes('lwm2m') && node !== 'any' && room?.roads !== true) patterns.push(noRoads);
  return deniedImports(...patterns);
}

function layerOverrides([name, layer]: readonly [string, Layer]): unknown[] {
  const rooms = layer.rooms ?? [];
  return [
    override([`packages/${name}/src/**`, ...butTests], layerImports(layer, undefined)),
    ...rooms.map((room) =>
      override([...room.files.map((file) => `packages/${name}/src/${file}`), ...butTests], layerImports(layer, room)),
    ),
  ];
}

const rules: Rules = {
  // The compiler asks for brackets on index signatures; the two cannot both have their way.
  complexity: { useLiteralKeys: 'off' },
  correctness: {
    noUndeclaredDependencies: error({ devDependencies: false }),
    noUnusedImports: 'error',
    noUnusedVariables: 'error',
    useImportExtensions: 'error',
  },
  nursery: {
    noFloatingPromises: 'error',
    noIdenticalTestTitle: 'error',
    noJsRestrictedProperties: error({ entries: ambientProperties }),
    noMisusedPromises: 'error',
    useAwaitThenable: 'error',
    useExhaustiveSwitchCases: 'error',
  },
  performance: { noReExportAll: 'error' },
  style: {
    noDefaultExport: 'error',
    noExcessiveLinesPerFile: error({ maxLines: 400 }),
    noNonNullAssertion: 'error',
    noRestrictedGlobals: deniedGlobals(ambientGlobals),
    useFilenamingConvention: error({ filenameCases: ['kebab-case'] }),
    useImportType: 'error',
    useNodejsImportProtocol: 'error',
    useThrowOnlyError: 'error',
    ...deniedImports(onlyExports, byName, noApplications)['style'],
  },
  suspicious: {
    // `valueOf` and `escape` are good names in a module of their own; `??=` in an initialiser reads well.
    noAssignInExpressions: 'off',
    noExplicitAny: 'error',
    noFocusedTests: 'error',
    noImportCycles: 'error',
    noShadowRestrictedNames: 'off',
    noSkippedTests: 'error',
  },
};

export const biomeConfig = {
  $schema: './node_modules/@biomejs/biome/configuration_schema.json',
  root: true,
  vcs: { enabled: true, clientKind: 'git', useIgnoreFile: true },
  files: { includes: ['**', '!**/dist', '!**/coverage', '!**/package-lock.json', '!vectors', '!bench/results'] },
  formatter: { enabled: true, indentStyle: 'space', indentWidth: 2, lineWidth: 120, lineEnding: 'lf' },
  javascript: { formatter: { quoteStyle: 'single' } },
  json: { formatter: { enabled: false } },
  assist: { enabled: true, actions: { preset: 'none', source: { organizeImports: 'on' } } },
  linter: { enabled: true, rules: { preset: 'recommended', ...rules } },
  overrides: [
    override([`packages/{${libraries.join(',')}}/src/**`, ...butTests], { suspicious: { noConsole: 'error' } }),
    ...Object.entries(layers).flatMap(layerOverrides),
    override(
      ['packages/*/src/testing/**', ...butTests],
      deniedImports(
        onlyExports,
        byName,
        onlyPackages(['kernel', 'coap', 'lwm2m'], 'A testing aid stands beside what it imitates.'),
        onlyNode(['diagnostics_channel']),
      ),
    ),
    override(['packages/kernel/src/{clock,random}.ts'], ambientAllowed),
    // Lets promises run out between two steps of virtual time; it waits for no instant.
    override(['packages/kernel/src/testing/virtual-clock.ts'], {
      style: { noRestrictedGlobals: deniedGlobals(ambientGlobals.filter((name) => name !== 'setImmediate')) },
    }),
    override(['packages/*/bin/**'], { style: { noRestrictedImports: 'off' } }),
    override(['packages/lwm2m/src/objects/**'], { style: { noExcessiveLinesPerFile: 'off' } }),
    override([...tests, 'test/**'], {
      correctness: { noUndeclaredDependencies: 'off' },
      style: {
        noExcessiveLinesPerFile: error({ maxLines: 600 }),
        noNonNullAssertion: 'off',
        ...deniedImports(onlyExports, byName)['style'],
      },
    }),
    override(['bench/**', 'examples/**', 'tools/**'], {
      correctness: { noUndeclaredDependencies: 'off' },
      ...deniedImports(onlyExports, byName),
    }),
    override(['bench/**', 'test/interop/**', 'tools/**'], ambientAllowed),
    override(['**/*.config.ts'], {
      correctness: { noUndeclaredDependencies: 'off' },
      style: { noDefaultExport: 'off' },
    }),
  ],
};
