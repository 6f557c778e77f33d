// The mark of everything that a client's handshake was judged by: what it proves itself with and what it trusts. A session
// is resumed without any proof of the server's, so only in the context in which the server was judged.
import { digest, encodeUtf8, Writer } from '@lapwing/kernel';
import type { Credentials, Material } from '../credentials.ts';
import type { LoadedCredentials } from './authentication.ts';
import { markOfKey } from './finished.ts';

/** 16 bytes. The same material written down in another way is another context: that costs one full handshake. */
export function markOfContext(given: Credentials, loaded: LoadedCredentials, hostName: string | undefined): Uint8Array {
  const parts: (Uint8Array | string)[] = [given.kind];
  if (given.kind === 'psk') {
    parts.push(given.identity, markOfKey(given.key.reveal()));
  } else if (given.kind === 'rpk') {
    parts.push(given.matching ?? '', ...given.trusted);
  } else {
    const { trust } = given;
    parts.push(`${trust.usage}`, trust.matching ?? '', `${trust.hostName}`, trust.commonName ?? '', trust.dates ?? '');
    parts.push(hostName ?? '', `${trust.pinned === undefined}`, trust.pinned ?? '', `${trust.roots.length}`);
    parts.push(...trust.roots);
  }
  if (loaded.kind !== 'psk' && loaded.own !== undefined) parts.push('own', loaded.own.key.spki, ...loaded.own.chain);
  return hashOf(parts).slice(0, 16);
}

function hashOf(parts: readonly Material[]): Uint8Array {
  const writer = new Writer(1024);
  for (const part of parts) {
    const bytes = typeof part === 'string' ? encodeUtf8(part) : part;
    writer.u32(bytes.length).bytes(bytes);
  }
  return digest('sha256', writer.finish());
}
