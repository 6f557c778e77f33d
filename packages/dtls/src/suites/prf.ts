// The pseudo-random function of TLS 1.2 (RFC 5246 §5) and what is made with it: master secrets, Finished, exports.
import { concatBytes, encodeUtf8, Hmac } from '@lapwing/kernel';
import type { SuiteHash } from './suite.ts';

export const MASTER_SECRET = 48;
/** Bytes of `verify_data` (RFC 5246 §7.4.9). */
export const VERIFY_DATA = 12;

/** Used and left within one call. */
const macs: Readonly<Record<SuiteHash, Hmac>> = { sha256: new Hmac('sha256'), sha384: new Hmac('sha384') };
const chains: Readonly<Record<SuiteHash, Uint8Array>> = {
  sha256: new Uint8Array(macs.sha256.length),
  sha384: new Uint8Array(macs.sha384.length),
};

/** As bytes, once for all handshakes. */
const labels: ReadonlyMap<string, Uint8Array> = new Map(
  ['master secret', 'extended master secret', 'key expansion', 'client finished', 'server finished'].map((label) => [
    label,
    encodeUtf8(label),
  ]),
);

/** PRF(secret, label, seed): `length` bytes. No more codes are computed than these take, one or two for each block. */
export function prf(hash: SuiteHash, secret: Uint8Array, label: string, seed: Uint8Array, length: number): Uint8Array {
  const mac = macs[hash].use(secret);
  const name = labels.get(label) ?? encodeUtf8(label);
  const out = new Uint8Array(length);
  const a = chains[hash];
  mac.add(name).add(seed).finish(a, 0, a.length);
  for (let at = 0; at < length; ) {
    const size = Math.min(a.length, length - at);
    mac.add(a).add(name).add(seed).finish(out, at, size);
    at += size;
    if (at < length) mac.add(a).finish(a, 0, a.length);
  }
  mac.erase();
  a.fill(0);
  return out;
}

/** The master secret of RFC 5246 §8.1, for peers without extended master secret. */
export function masterSecret(
  hash: SuiteHash,
  premaster: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
): Uint8Array {
  return prf(hash, premaster, 'master secret', concatBytes(clientRandom, serverRandom), MASTER_SECRET);
}

/** The master secret of RFC 7627 §4; `sessionHash`: hash of the messages up to and with ClientKeyExchange. */
export function extendedMasterSecret(hash: SuiteHash, premaster: Uint8Array, sessionHash: Uint8Array): Uint8Array {
  return prf(hash, premaster, 'extended master secret', sessionHash, MASTER_SECRET);
}

/** What Finished carries (RFC 5246 §7.4.9); `sender` is who sends it, `transcriptHash` covers the messages before it. */
export function finishedData(
  hash: SuiteHash,
  master: Uint8Array,
  sender: 'client' | 'server',
  transcriptHash: Uint8Array,
): Uint8Array {
  return prf(hash, master, sender === 'client' ? 'client finished' : 'server finished', transcriptHash, VERIFY_DATA);
}

/** Keying material for another protocol (RFC 5705 §4). Without `context` none is hashed in, which is not an empty one. */
export function exportKeyingMaterial(
  hash: SuiteHash,
  master: Uint8Array,
  clientRandom: Uint8Array,
  serverRandom: Uint8Array,
  label: string,
  context: Uint8Array | undefined,
  length: number,
): Uint8Array {
  const parts = [clientRandom, serverRandom];
  if (context !== undefined) parts.push(Uint8Array.of(context.length >>> 8, context.length), context);
  return prf(hash, master, label, concatBytes(...parts), length);
}
