// The object definitions that come with Lapwing, and those of the configured directories. A bad file is left out and named in the
// log; so is a directory that is not there, since EMQX's block names one that only EMQX has.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DefinitionLibrary } from '@lapwing/lwm2m';
import { parseDefinitions } from '@lapwing/lwm2m/definitions';
import type { Log } from './log.ts';

/** Bytes of an object file at most. */
const maxXml = 1024 * 1024;

export async function loadDefinitions(dirs: readonly string[], log: Log): Promise<DefinitionLibrary> {
  const library = new DefinitionLibrary({ integers: 'wide' });
  for (const dir of dirs) {
    const files = await xmlFiles(dir);
    if (files === undefined) {
      log.warn('object files: no such directory, the built-in definitions are used', { dir });
      continue;
    }
    for (const file of files) {
      try {
        const bytes = await readFile(join(dir, file));
        for (const definition of parseDefinitions(bytes, { name: file, maxBytes: maxXml })) library.add(definition);
      } catch (error) {
        log.warn('object file left out', { file, error: error instanceof Error ? error.message : String(error) });
      }
    }
    log.info('object files read', { dir, files: files.length });
  }
  return library;
}

async function xmlFiles(dir: string): Promise<readonly string[] | undefined> {
  try {
    return (await readdir(dir)).filter((file) => file.toLowerCase().endsWith('.xml')).sort();
  } catch {
    return undefined;
  }
}
