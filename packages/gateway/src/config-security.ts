// The part of a written configuration that is about credentials of devices, complete.
import type { WrittenConfig } from './config-schema.ts';
import type { WrittenCredential } from './security-schema.ts';

export interface SecurityConfig {
  readonly credentials: readonly WrittenCredential[];
  /** With more of them, in YAML or JSON. */
  readonly files: readonly string[];
  readonly pskFile: { readonly path: string; readonly separator: string } | undefined;
}

export function securityOf(
  { credentials, files }: WrittenConfig['security'],
  psk: WrittenConfig['psk_authentication'],
  found: string[],
): SecurityConfig {
  if (psk?.enable === true && psk.init_file === undefined)
    found.push('psk_authentication.init_file: is missing: it holds the pre-shared keys');
  if (psk?.separator === '') found.push('psk_authentication.separator: must not be empty');
  const path = psk?.enable === true ? psk.init_file : undefined;
  return { credentials, files, pskFile: path === undefined ? undefined : { path, separator: psk?.separator ?? ':' } };
}
