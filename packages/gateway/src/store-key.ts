// The key that the store is encrypted with: from its file, or from the configuration's environment.
import { readFile } from 'node:fs/promises';
import { ConfigError, Secret } from '@lapwing/kernel';
import type { WrittenConfig } from './config-schema.ts';
import { keyLength, keyOf } from './store/sealing.ts';

export interface StoreConfig {
  /** A directory, or `:memory:`. */
  readonly dir: string;
  readonly survives: 'process' | 'power';
  readonly key: { readonly file: string } | Secret | undefined;
}

export function storeOf(written: WrittenConfig['store'], found: string[]): StoreConfig {
  const { dir, survives, key_file: file, key } = written;
  if (file !== undefined && key !== undefined)
    found.push('store.key: is given beside store.key_file: leave one of them out');
  return { dir, survives, key: file !== undefined ? { file } : key === undefined ? undefined : new Secret(key) };
}

/** Undefined for a store in clear. Throws ConfigError for a file that cannot be read or holds no key. */
export async function storeKeyOf({ key }: StoreConfig): Promise<Secret | undefined> {
  if (key === undefined || key instanceof Secret) return key;
  const { file } = key;
  let content: Uint8Array;
  try {
    content = new Uint8Array(await readFile(file));
  } catch (error) {
    throw new ConfigError([
      `store.key_file: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
    ]);
  }
  const bytes = keyOf(content);
  if (bytes === undefined)
    throw new ConfigError([
      `store.key_file: ${file} holds no key: ${keyLength} bytes as they are, in hexadecimal or base64 (openssl rand -hex ${keyLength})`,
    ]);
  return new Secret(bytes);
}
