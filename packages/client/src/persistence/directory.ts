// A directory and what is missing above it, for their owner only. Not by `recursive` of node:fs, which never ends where a file system such
// as /proc says of a directory in it that it is not there.
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const thereAt = (path: string) => statSync(path, { throwIfNoEntry: false });

/** Throws what the system throws where it cannot be made. */
export function makeDirectory(directory: string): void {
  const path = resolve(directory);
  if (thereAt(dirname(path)) === undefined) makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (thereAt(path)?.isDirectory() !== true) throw error;
  }
}
