import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** The file that a specifier stands for; undefined for what is not ours. */
function sourceOf(specifier: string, from: string): string | undefined {
  if (specifier.startsWith('.')) return resolve(dirname(from), specifier);
  const [, name, subpath = ''] = /^@lapwing\/(\w+)(\/.+)?$/.exec(specifier) ?? [];
  if (name === undefined) return undefined;
  const folder = resolve(root, 'packages', name);
  const { exports } = JSON.parse(readFileSync(resolve(folder, 'package.json'), 'utf8')) as {
    exports: Record<string, { source: string }>;
  };
  const { source } = exports[`.${subpath}`] ?? exports['./objects/*'] ?? { source: '' };
  return resolve(folder, source.replace('*', subpath.replace('/objects/', '')));
}

/** Everything that is loaded with a file before any of it runs. */
function loadedWith(entry: string): readonly string[] {
  const found = new Set<string>();
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file) || !existsSync(file)) continue;
    found.add(file);
    // Imports of types alone are gone when it runs.
    for (const [, what = '', specifier = ''] of readFileSync(file, 'utf8').matchAll(
      /^(?:import|export)\s(?!type\b)([^;]*?from\s+)?'([^']+)';/gm,
    )) {
      const names = /\{([^}]*)\}/
        .exec(what)?.[1]
        ?.split(',')
        .filter((name) => name.trim() !== '') ?? [''];
      if (names.every((name) => name.trim().startsWith('type '))) continue;
      const source = sourceOf(specifier, file);
      if (source !== undefined) waiting.push(source);
    }
  }
  return [...found].map((file) => relative(root, file));
}

it('a client that starts in the open loads neither DTLS nor OSCORE, connections, bootstrap, built-in objects or downloads', () => {
  const loaded = loadedWith(resolve(root, 'packages/client/src/engine.ts'));
  expect(loaded).toContain('packages/coap/src/endpoint.ts');
  expect(loaded).toContain('packages/lwm2m/src/formats/tlv.ts');
  expect(loaded.filter((file) => /^packages\/(?:dtls|coap\/src\/oscore)\//.test(file))).toEqual([]);
  expect(
    loaded.filter((file) =>
      /transports\/(?:streams|tcp|tls|ws)|client\/src\/(?:bootstrap\/session|builtin\/ipso|download|firmware)/.test(
        file,
      ),
    ),
  ).toEqual([]);
});

it('a command of lapwing waits for no other: neither a fleet, a gateway nor a client is loaded before one is asked for', () => {
  const loaded = loadedWith(resolve(root, 'packages/cli/src/main.ts'));
  expect(loaded).toContain('packages/cli/src/commands/sim.ts');
  expect(
    loaded.filter((file) =>
      /^packages\/(?:client|gateway|server)\/|cli\/src\/(?:sim\/run|device\/run|serve)/.test(file),
    ),
  ).toEqual([]);
});
