// Certificates in files for what this gateway connects to over TLS: a broker, a centre.
import { readFile } from 'node:fs/promises';
import { ConfigError } from '@lapwing/kernel';
import type { TlsOptions } from './mqtt.ts';

export interface TlsFiles {
  readonly verify: boolean;
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/** `at` is where they are named. Rejects with ConfigError for a file that cannot be read. */
export async function readTls({ verify, caFile, certFile, keyFile }: TlsFiles, at: string): Promise<TlsOptions> {
  const [ca, cert, key] = await Promise.all([
    readPem(caFile, `${at}.cacertfile`),
    readPem(certFile, `${at}.certfile`),
    readPem(keyFile, `${at}.keyfile`),
  ]);
  return { verify, ca, cert, key };
}

async function readPem(file: string | undefined, path: string): Promise<string | undefined> {
  try {
    return file === undefined ? undefined : await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError([`${path}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`]);
  }
}
