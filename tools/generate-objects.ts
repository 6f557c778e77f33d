// Makes packages/lwm2m/src/objects from a folder with OMA's XML files and, below it, version_history.
// Usage: npx tsx tools/generate-objects.ts DIR [--check]
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ObjectDefinition } from '@lapwing/lwm2m';
import { parseDefinitions } from '@lapwing/lwm2m/definitions';
import { factsOf } from './objects/facts.ts';
import { makeFiles } from './objects/modules.ts';

const target = fileURLToPath(new URL('../packages/lwm2m/src/objects/', import.meta.url));

/** One definition for each object and version; the file of the current version counts before its history. */
export function readFolder(folder: string): ObjectDefinition[] {
  const definitions = new Map<string, ObjectDefinition>();
  for (const file of [...xmlFiles(folder), ...xmlFiles(join(folder, 'version_history'))]) {
    for (const definition of parseDefinitions(readFileSync(file), { name: basename(file) })) {
      const key = `${definition.id} ${definition.version}`;
      if (!definitions.has(key)) definitions.set(key, factsOf(definition));
    }
  }
  return [...definitions.values()];
}

function xmlFiles(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => /^\d+(-\d+_\d+)?\.xml$/i.test(name));
  return names.sort().map((name) => join(folder, name));
}

/** Names of files that are not as they should be. */
function differences(files: ReadonlyMap<string, string>): string[] {
  const present = new Set(readdirSync(target).filter((name) => !name.endsWith('.test.ts')));
  const stale = [...present].filter((name) => !files.has(name));
  const changed = [...files].filter(
    ([name, text]) => !present.has(name) || readFileSync(join(target, name), 'utf8') !== text,
  );
  return [...stale, ...changed.map(([name]) => name)].sort();
}

function main(args: readonly string[]): number {
  const [folder] = args.filter((arg) => !arg.startsWith('-'));
  if (folder === undefined) {
    console.error('usage: npx tsx tools/generate-objects.ts DIR [--check]');
    return 2;
  }
  const files = makeFiles(readFolder(folder));
  const different = differences(files);
  if (args.includes('--check')) {
    for (const name of different) console.error(`not as generated: ${name}`);
    return different.length === 0 ? 0 : 1;
  }
  for (const name of different) {
    const text = files.get(name);
    if (text === undefined) rmSync(join(target, name));
    else writeFileSync(join(target, name), text);
  }
  console.log(`${files.size} files, ${different.length} of them new or changed`);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
