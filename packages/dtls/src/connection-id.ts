// Our own connection ids (RFC 9146 §3): what others put into the records that they send us. An id says which process of a
// cluster and which place in its table, so that a record finds its association without a look-up, and then carries
// chance bytes of that association: an id that is made up, stale or another's names nothing, and nothing is decrypted for it.
//
//    | node: 0 to 4 bytes | place: 3 bytes | the first bytes of the association's own name: the rest |
import { toBase64 } from '@lapwing/kernel';
import type { ConnectionIdSettings } from './options.ts';

/** Bytes of the place: a table has less than 2^24. */
const PLACE = 3;

/** Bytes of chance that name an association: enough for the longest id, and never fewer than nine. */
export const NAME_LENGTH = 9;

export type PlaceFound = number | 'foreign-node';

/** The id of the association at `place`, with bytes of `name` as its proof. */
export function makeConnectionId(settings: ConnectionIdSettings, place: number, name: Uint8Array): Uint8Array {
  const { length, node, nodeBytes } = settings;
  const id = new Uint8Array(length);
  if (length === 0) return id;
  for (let i = 0, rest = node; i < nodeBytes; i += 1, rest = Math.floor(rest / 256)) id[nodeBytes - 1 - i] = rest % 256;
  id[nodeBytes] = place >>> 16;
  id[nodeBytes + 1] = place >>> 8;
  id[nodeBytes + 2] = place;
  for (let i = nodeBytes + PLACE, n = 0; i < length; i += 1, n = (n + 1) % NAME_LENGTH) id[i] = name[n] as number;
  return id;
}

/** Where the id at `at` points to, whether or not anybody is there. */
export function readPlace(settings: ConnectionIdSettings, bytes: Uint8Array, at: number): PlaceFound {
  const { nodeBytes } = settings;
  let node = 0;
  for (let i = 0; i < nodeBytes; i += 1) node = node * 256 + (bytes[at + i] as number);
  if (node !== settings.node) return 'foreign-node';
  const placeAt = at + nodeBytes;
  return ((bytes[placeAt] as number) << 16) | ((bytes[placeAt + 1] as number) << 8) | (bytes[placeAt + 2] as number);
}

/** Whether the id at `at` carries the bytes of this name, which starts at `nameAt` of `from`. */
export function provesName(
  settings: ConnectionIdSettings,
  bytes: Uint8Array,
  at: number,
  from: Uint8Array,
  nameAt: number,
): boolean {
  for (let i = settings.nodeBytes + PLACE, n = 0; i < settings.length; i += 1, n = (n + 1) % NAME_LENGTH) {
    if (bytes[at + i] !== from[nameAt + n]) return false;
  }
  return true;
}

/** Base64 of these is the word `dtls`. */
const KEY_PREFIX = [0x76, 0xd9, 0x6c];
const KEY_WORD = 'dtls';

/** `Peer.key` of an association whose name starts at `at`, the same on this side after a restart: one piece of 20 characters. */
export function keyOf(place: number, name: Uint8Array, at: number): string {
  const bytes = new Uint8Array(KEY_PREFIX.length + PLACE + NAME_LENGTH);
  bytes.set(KEY_PREFIX);
  bytes[3] = place >>> 16;
  bytes[4] = place >>> 8;
  bytes[5] = place;
  for (let i = 0; i < NAME_LENGTH; i += 1) bytes[6 + i] = name[at + i] as number;
  return toBase64(bytes);
}

/** The place that a key names; undefined for keys of other transports. */
export function placeOfKey(key: string): number | undefined {
  if (key.length !== 20 || !key.startsWith(KEY_WORD)) return undefined;
  let place = 0;
  for (let i = 4; i < 8; i += 1) {
    const digit = DIGITS.indexOf(key[i] as string);
    if (digit < 0) return undefined;
    place = place * 64 + digit;
  }
  return place;
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
