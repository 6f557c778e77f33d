// `lapwing objects [ID]`: the object definitions that Lapwing knows, and what is in one of them.
import { ConfigError } from '@lapwing/kernel';
import { DefinitionLibrary, type ObjectDefinition, resourcesOf } from '@lapwing/lwm2m';
import { Command } from 'commander';

export function objectsCommand(): Command {
  return new Command('objects')
    .description('list the object definitions that come along, or show one')
    .argument('[id]', 'object id')
    .option('--version <version>', 'version of the object; default the newest')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  lapwing objects\n  lapwing objects 3303\n  lapwing objects 5 --version 1.0 --json',
    )
    .action((id: string | undefined, options: { version?: string; json?: true }) => {
      const library = new DefinitionLibrary();
      const shown = id === undefined ? listed(library) : described(findObject(library, id, options.version));
      process.stdout.write(options.json === true ? `${JSON.stringify(shown.value)}\n` : `${shown.lines.join('\n')}\n`);
    });
}

/** The same twice: for programs, and for people. */
export interface Listing {
  readonly value: unknown;
  readonly lines: readonly string[];
}

export function listed(library: DefinitionLibrary): Listing {
  const rows = library
    .ids()
    .map((id) => ({ id, name: library.newest(id)?.name ?? '', versions: library.versionsOf(id) }));
  const lines = rows.map(
    ({ id, name, versions }) => `${String(id).padStart(6)}  ${name.padEnd(44)} ${versions.join(', ')}`,
  );
  return { value: rows, lines };
}

/** Throws ConfigError, naming what there is. */
export function findObject(library: DefinitionLibrary, text: string, version: string | undefined): ObjectDefinition {
  const id = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  const versions = library.versionsOf(id);
  if (versions.length === 0) throw new ConfigError([`no object ${text} here; 'lapwing objects' lists what there is`]);
  const found = version === undefined ? library.newest(id) : library.get(id, version);
  if (found === undefined)
    throw new ConfigError([`object ${text} has no version ${version}; there are ${versions.join(', ')}`]);
  return found;
}

export function described(definition: ObjectDefinition): Listing {
  const lines = [...resourcesOf(definition).values()].map(({ key, resource }) => {
    const { id, access, type = '', many, required, range = '', unit = '' } = resource;
    const count = `${required === true ? 'mandatory' : 'optional'}${many === true ? ', many' : ''}`;
    return `${String(id).padStart(6)}  ${key.padEnd(32)} ${access.padEnd(4)} ${type.padEnd(9)} ${count.padEnd(16)} ${[range, unit].filter(Boolean).join(' ')}`.trimEnd();
  });
  const { id, name, version = '1.0' } = definition;
  const head = `${name}, object ${id}, version ${version}${definition.many === true ? ', many instances' : ''}`;
  return { value: definition, lines: [head, ...lines] };
}
