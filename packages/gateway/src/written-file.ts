// Files that a configuration names beside itself, in YAML or JSON, and what of them may be told: they hold keys, so that no message
// has more than the place.
import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';

/** Bytes of a file at most. */
const maxFile = 64 * 1024 ** 2;

/** What is wrong with a file, as the end of a sentence that begins with its place or its name. */
export interface Unread {
  readonly problem: string;
}

export async function readText(file: string): Promise<string | Unread> {
  try {
    const bytes = await readFile(file);
    return bytes.length > maxFile ? { problem: `is longer than ${maxFile} bytes` } : bytes.toString('utf8');
  } catch (error) {
    return { problem: `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})` };
  }
}

/** What the text of a file holds. */
export function parseText(text: string): { readonly value: unknown } | Unread {
  const document = parseDocument(text);
  const [error] = document.errors;
  // The parser quotes the text around an error, which may be a key.
  if (error !== undefined) return { problem: `is neither YAML nor JSON (line ${error.linePos?.[0].line ?? '?'})` };
  try {
    return { value: document.toJS({ maxAliasCount: 0 }) };
  } catch {
    return { problem: 'has an alias (*), which is not taken here: quote the text if it is none' };
  }
}
