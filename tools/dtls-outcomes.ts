// Where the interop tests leave their outcomes for docs/conformance/dtls.md, and whose there are.
import { join } from 'node:path';
import { root } from './workspace.ts';

export const pageFile = 'docs/conformance/dtls.md';

/** In the order of the page. */
export const dtlsPeers = [
  'OpenSSL',
  'GnuTLS',
  'libcoap with OpenSSL',
  'libcoap with GnuTLS',
  'pion',
  'Scandium',
  'Leshan',
] as const;
export type DtlsPeerName = (typeof dtlsPeers)[number];

export const outcomesFolder = join(root, 'node_modules/.cache/lapwing-dtls');

export function outcomesFile(name: DtlsPeerName): string {
  return join(outcomesFolder, `${name.replaceAll(' ', '-')}.json`);
}
