// Certificates in files for what this gateway connects to over TLS: a broker, a centre.
import { readFile } from 'node:fs/promises';
import { checkTlsMaterial } from '@lapwing/coap/streams';
import { ConfigError } from '@lapwing/kernel';
import type { TlsOptions } from './mqtt.ts';

export interface TlsFiles {
  readonly verify: boolean;
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/**
 * `at` is where they are named. Rejects with ConfigError for a file that cannot be read, holds something else, or does not belong to the
 * other.
 */
export async function readTls({ verify, caFile, certFile, keyFile }: TlsFiles, at: string): Promise<TlsOptions> {
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new ConfigError([`${at}: certfile and keyfile belong together`]);
  const [ca, cert, key] = await Promise.all([
    readPem(caFile, `${at}.cacertfile`),
    readPem(certFile, `${at}.certfile`),
    readPem(keyFile, `${at}.keyfile`),
  ]);
  const places: readonly (readonly [RegExp, string])[] = [
    [/^authorities\[0\]: /, `${at}.cacertfile: ${caFile}: `],
    [/^certificate\.chain(\[0\])?: /, `${at}.certfile: ${certFile}: `],
    [/^certificate\.privateKey: /, `${at}.keyfile: ${keyFile}: `],
  ];
  underTheirNames(places, () =>
    checkTlsMaterial(
      cert === undefined || key === undefined ? undefined : { chain: [cert], privateKey: key },
      ca === undefined ? [] : [ca],
    ),
  );
  return { verify, ca, cert, key };
}

/** What is wrong with the content of files is said of their names. Throws as `judge`. */
export function underTheirNames(places: readonly (readonly [place: RegExp, file: string])[], judge: () => void): void {
  try {
    judge();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(
      error.problems.map((problem) => places.reduce((text, [place, file]) => text.replace(place, () => file), problem)),
    );
  }
}

async function readPem(file: string | undefined, at: string): Promise<string | undefined> {
  try {
    return file === undefined ? undefined : await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError([`${at}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`]);
  }
}
