// An association that nobody talks to, as bytes: what stays in the slab while it is idle and what a snapshot writes down.
// Fields that change with every record stand first, at fixed places; what was agreed on in the handshake follows.
//
//     0 flags            17 window, low half    39 seen, ms since 1970         keys to open with: MAC, key, IV
//     1 suite            21 window, high half   45 its address follows from     address: kind, port, length, text
//     3 send limit       25 records sealed      51 name, 9 bytes                identity: kind, length, bytes
//     5 next to write    29 forged records      60 peer's connection id
//    11 newest read + 1  33 since, ms              keys to seal with: MAC, key, IV
import { type Address, decodeUtf8, encodeUtf8, FormatError, type Identity, noBytes, nobody } from '@lapwing/kernel';
import { NAME_LENGTH } from './connection-id.ts';
import type { Way } from './record/active-keys.ts';
import type { DirectionKeys } from './suites/key-block.ts';
import { findSuite, withEncryptThenMac } from './suites/registry.ts';
import type { Suite } from './suites/suite.ts';

/** What was agreed on once. */
export interface Terms {
  readonly role: 'client' | 'server';
  readonly suite: Suite;
  /** Most bytes of plaintext that the peer takes in one record. */
  readonly sendLimit: number;
  /** Undefined or empty: none is sent. */
  readonly sendCid: Uint8Array | undefined;
  /** The peer puts our connection id into its records. */
  readonly hasOwnCid: boolean;
  /** When record 0 may have been sent, in ms since 1970: record numbers are bounded by the time since. */
  readonly since: number;
}

/** What changes with every record. */
export interface Counts {
  writeSequence: number;
  right: number;
  low: number;
  high: number;
  sealedRecords: number;
  forgeries: number;
  /** Number of the first record that its address may follow: what is below may have been shown before a crash. */
  followsFrom: number;
}

/** What does not change, or seldom, and is not at hand with every record. */
export interface Beside {
  readonly name: Uint8Array;
  /** In ms since 1970. */
  readonly seen: number;
  readonly address: Address;
  readonly sealing: DirectionKeys;
  readonly opening: DirectionKeys;
}

export interface Association extends Terms, Counts, Beside {
  readonly identity: Identity;
}

const Flag = { Server: 1, HasCid: 2, HasOwnCid: 4, EncryptThenMac: 8 } as const;
const WRITE_AT = 5;
const RIGHT_AT = 11;
const LOW_AT = 17;
const HIGH_AT = 21;
const SEALED_AT = 25;
const FORGED_AT = 29;
const SINCE_AT = 33;
const SEEN_AT = 39;
const FOLLOWS_AT = 45;
/** Where the name starts. */
export const NAME_AT = 51;
const CID_AT = NAME_AT + NAME_LENGTH;

const identityKinds = ['none', 'psk', 'rpk', 'x509', 'elsewhere'] as const;
/** An identity that is too long for the slab is kept beside it. */
export const ELSEWHERE = 'elsewhere';
export type PackedIdentity = Identity | typeof ELSEWHERE;

/** Bytes of keys in one direction. */
const keysLength = (suite: Suite): number => suite.macLength + suite.keyLength + suite.ivLength;

/** In memory of its own. */
export function packAssociation(association: Terms & Counts, beside: Beside, identity: PackedIdentity): Uint8Array {
  const bytes = new Uint8Array(packedSize(association, beside.address, identity));
  packInto(bytes, 0, association, beside, identity);
  return bytes;
}

/** Bytes that it will take. */
export function packedSize({ suite, sendCid }: Terms, address: Address, identity: PackedIdentity): number {
  const fixed = CID_AT + 1 + (sendCid?.length ?? 0) + 2 * keysLength(suite);
  return fixed + 4 + utf8Length(textOf(address)) + 3 + packIdentity(identity).length;
}

/** Writes `packedSize` bytes from `at`, where all are zero. */
export function packInto(
  bytes: Uint8Array,
  at: number,
  association: Terms & Counts,
  beside: Beside,
  identity: PackedIdentity,
): void {
  const { suite, sendCid } = association;
  const { address, name, sealing, opening } = beside;
  const cidLength = sendCid?.length ?? 0;
  const keysAt = at + CID_AT + 1 + cidLength;
  const addressAt = keysAt + 2 * keysLength(suite);
  bytes[at] =
    (association.role === 'server' ? Flag.Server : 0) |
    (sendCid === undefined ? 0 : Flag.HasCid) |
    (association.hasOwnCid ? Flag.HasOwnCid : 0) |
    (suite.encryptThenMac ? Flag.EncryptThenMac : 0);
  put(bytes, at + 1, 2, suite.id);
  put(bytes, at + 3, 2, association.sendLimit);
  put(bytes, at + SINCE_AT, 6, Math.floor(association.since));
  writeCounts(bytes, at, association, beside.seen);
  bytes.set(name, at + NAME_AT);
  bytes[at + CID_AT] = cidLength;
  if (sendCid !== undefined) bytes.set(sendCid, at + CID_AT + 1);
  writeKeys(bytes, keysAt, sealing);
  writeKeys(bytes, keysAt + keysLength(suite), opening);
  bytes[addressAt] = address.via === 'udp' ? 0 : address.via === 'tcp' ? 1 : 2;
  put(bytes, addressAt + 1, 2, address.via === 'sms' ? 0 : address.port);
  const placeLength = writeText(bytes, addressAt + 4, textOf(address));
  bytes[addressAt + 3] = placeLength;
  const identityAt = addressAt + 4 + placeLength;
  bytes[identityAt] = identityKinds.indexOf(identity === ELSEWHERE ? ELSEWHERE : (identity.kind as 'none'));
  const who = packIdentity(identity);
  put(bytes, identityAt + 1, 2, who.length);
  bytes.set(who, identityAt + 3);
}

const textOf = (address: Address): string => (address.via === 'sms' ? address.msisdn : address.host);

/** Hosts are short and ASCII, for which loops beat the encoder's call. */
function utf8Length(text: string): number {
  return hasWideText(text) ? encodeUtf8(text).length : text.length;
}

function writeText(bytes: Uint8Array, at: number, text: string): number {
  if (hasWideText(text)) {
    const encoded = encodeUtf8(text);
    bytes.set(encoded, at);
    return encoded.length;
  }
  for (let i = 0; i < text.length; i += 1) bytes[at + i] = text.charCodeAt(i);
  return text.length;
}

/** Only what has changed since it was packed. */
export function writeCounts(bytes: Uint8Array, at: number, counts: Counts, seen: number): void {
  put(bytes, at + WRITE_AT, 6, counts.writeSequence);
  put(bytes, at + RIGHT_AT, 6, counts.right + 1);
  put(bytes, at + LOW_AT, 4, counts.low >>> 0);
  put(bytes, at + HIGH_AT, 4, counts.high >>> 0);
  put(bytes, at + SEALED_AT, 4, Math.min(counts.sealedRecords, 0xffff_ffff));
  put(bytes, at + FORGED_AT, 4, Math.min(counts.forgeries, 0xffff_ffff));
  put(bytes, at + SEEN_AT, 6, Math.max(0, Math.floor(seen)));
  put(bytes, at + FOLLOWS_AT, 6, counts.followsFrom);
}

export function readCounts(bytes: Uint8Array, at: number, into: Counts): void {
  into.writeSequence = get(bytes, at + WRITE_AT, 6);
  into.right = get(bytes, at + RIGHT_AT, 6) - 1;
  into.low = get(bytes, at + LOW_AT, 4) | 0;
  into.high = get(bytes, at + HIGH_AT, 4) | 0;
  into.sealedRecords = get(bytes, at + SEALED_AT, 4);
  into.forgeries = get(bytes, at + FORGED_AT, 4);
  into.followsFrom = get(bytes, at + FOLLOWS_AT, 6);
}

export function countsOf(counts: Counts): Counts {
  const { writeSequence, right, low, high, sealedRecords, forgeries, followsFrom } = counts;
  return { writeSequence, right, low, high, sealedRecords, forgeries, followsFrom };
}

/** Throws FormatError for a suite that is not known. */
export function readTerms(bytes: Uint8Array, at: number): Terms {
  const flags = bytes[at] as number;
  const cidAt = at + CID_AT + 1;
  return {
    role: flags & Flag.Server ? 'server' : 'client',
    suite: readSuite(bytes, at),
    sendLimit: get(bytes, at + 3, 2),
    sendCid: flags & Flag.HasCid ? bytes.slice(cidAt, cidAt + (bytes[at + CID_AT] as number)) : undefined,
    hasOwnCid: (flags & Flag.HasOwnCid) !== 0,
    since: get(bytes, at + SINCE_AT, 6),
  };
}

/** In ms since 1970. */
export function readSeen(bytes: Uint8Array, at: number): number {
  return get(bytes, at + SEEN_AT, 6);
}

export function hasOwnCid(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at] as number) & Flag.HasOwnCid) !== 0;
}

export const copyKeys = ({ key, iv, mac }: DirectionKeys): DirectionKeys => ({
  key: new Uint8Array(key),
  iv: new Uint8Array(iv),
  mac: new Uint8Array(mac),
});

/** Views, not copies. */
export function readKeys(bytes: Uint8Array, at: number, way: Way): DirectionKeys {
  const suite = readSuite(bytes, at);
  const start = at + CID_AT + 1 + (bytes[at + CID_AT] as number) + (way === 'sealing' ? 0 : keysLength(suite));
  const keyAt = start + suite.macLength;
  const ivAt = keyAt + suite.keyLength;
  return {
    mac: bytes.subarray(start, keyAt),
    key: bytes.subarray(keyAt, ivAt),
    iv: bytes.subarray(ivAt, ivAt + suite.ivLength),
  };
}

export function readAddress(bytes: Uint8Array, at: number): Address {
  const start = addressAt(bytes, at);
  const text = decodeUtf8(bytes.subarray(start + 4, start + 4 + (bytes[start + 3] as number)));
  const via = bytes[start] === 0 ? 'udp' : bytes[start] === 1 ? 'tcp' : 'sms';
  return via === 'sms' ? { via, msisdn: text } : { via, host: text, port: get(bytes, start + 1, 2) };
}

/** Whether the packed association is at that address, without making one. */
export function isAt(bytes: Uint8Array, at: number, address: Address): boolean {
  const start = addressAt(bytes, at);
  const text = textOf(address);
  if (bytes[start + 3] !== text.length) return text.length < 128 && hasWideText(text) && isAtSlow(bytes, at, address);
  if (address.via !== 'sms' && get(bytes, start + 1, 2) !== address.port) return false;
  if (bytes[start] !== (address.via === 'udp' ? 0 : address.via === 'tcp' ? 1 : 2)) return false;
  for (let i = 0; i < text.length; i += 1) if (bytes[start + 4 + i] !== text.charCodeAt(i)) return false;
  return true;
}

export function readIdentityKind(bytes: Uint8Array, at: number): (typeof identityKinds)[number] | undefined {
  const start = addressAt(bytes, at);
  return identityKinds[bytes[start + 4 + (bytes[start + 3] as number)] as number];
}

export function readIdentity(bytes: Uint8Array, at: number): PackedIdentity {
  const start = addressAt(bytes, at);
  const identityAt = start + 4 + (bytes[start + 3] as number);
  const kind = identityKinds[bytes[identityAt] as number];
  const body = bytes.slice(identityAt + 3, identityAt + 3 + get(bytes, identityAt + 1, 2));
  switch (kind) {
    case 'psk':
      return { kind, id: body };
    case 'rpk':
      return { kind, publicKey: body };
    case 'x509':
      return unpackCertificates(body);
    case 'elsewhere':
      return ELSEWHERE;
    default:
      return { kind: 'none' };
  }
}

/** Everything, as copies; an identity that is kept elsewhere is nobody. Throws FormatError. */
export function unpackAssociation(bytes: Uint8Array, at: number): Association {
  const counts = { writeSequence: 0, right: -1, low: 0, high: 0, sealedRecords: 0, forgeries: 0, followsFrom: 0 };
  readCounts(bytes, at, counts);
  const identity = readIdentity(bytes, at);
  return {
    ...readTerms(bytes, at),
    ...counts,
    name: bytes.slice(at + NAME_AT, at + NAME_AT + NAME_LENGTH),
    seen: readSeen(bytes, at),
    address: readAddress(bytes, at),
    identity: identity === ELSEWHERE ? nobody : identity,
    sealing: copyKeys(readKeys(bytes, at, 'sealing')),
    opening: copyKeys(readKeys(bytes, at, 'opening')),
  };
}

/** Bytes of the packed association that starts at `at`; throws FormatError when it passes the end. */
export function packedLength(bytes: Uint8Array, at: number): number {
  if (at + CID_AT + 1 > bytes.length) throw new FormatError('an association is cut short', at);
  const start = addressAt(bytes, at);
  if (start + 4 > bytes.length) throw new FormatError('an association is cut short', at);
  const identityAt = start + 4 + (bytes[start + 3] as number);
  if (identityAt + 3 > bytes.length) throw new FormatError('an association is cut short', at);
  const end = identityAt + 3 + get(bytes, identityAt + 1, 2);
  if (end > bytes.length) throw new FormatError('an association is cut short', at);
  return end - at;
}

function addressAt(bytes: Uint8Array, at: number): number {
  return at + CID_AT + 1 + (bytes[at + CID_AT] as number) + 2 * keysLength(readSuite(bytes, at));
}

function readSuite(bytes: Uint8Array, at: number): Suite {
  const id = get(bytes, at + 1, 2);
  const suite = findSuite(id);
  if (suite === undefined) throw new FormatError(`cipher suite ${id} is not known`, at + 1);
  return (bytes[at] as number) & Flag.EncryptThenMac ? withEncryptThenMac(suite) : suite;
}

function writeKeys(bytes: Uint8Array, at: number, keys: DirectionKeys): void {
  bytes.set(keys.mac, at);
  bytes.set(keys.key, at + keys.mac.length);
  bytes.set(keys.iv, at + keys.mac.length + keys.key.length);
}

function packIdentity(identity: PackedIdentity): Uint8Array {
  if (identity === ELSEWHERE) return noBytes;
  switch (identity.kind) {
    case 'psk':
    case 'oscore':
      return identity.id;
    case 'rpk':
      return identity.publicKey;
    case 'x509':
      return packCertificates(identity.subject, identity.chain);
    case 'none':
      return noBytes;
  }
}

/** Of the chain only the leaf: the others are not what a registration is bound to, and would be most of a snapshot. */
function packCertificates(subject: string, chain: readonly Uint8Array[]): Uint8Array {
  const text = encodeUtf8(subject);
  const leaf = chain[0] ?? new Uint8Array(0);
  const bytes = new Uint8Array(2 + text.length + leaf.length);
  put(bytes, 0, 2, text.length);
  bytes.set(text, 2);
  bytes.set(leaf, 2 + text.length);
  return bytes;
}

function unpackCertificates(bytes: Uint8Array): Identity {
  const length = bytes.length < 2 ? bytes.length + 1 : get(bytes, 0, 2);
  if (2 + length > bytes.length) throw new FormatError('an identity is cut short');
  const leaf = bytes.slice(2 + length);
  const subject = decodeUtf8(bytes.subarray(2, 2 + length));
  return { kind: 'x509', subject, chain: leaf.length === 0 ? [] : [leaf] };
}

function hasWideText(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 0x7f) return true;
  return false;
}

function isAtSlow(bytes: Uint8Array, at: number, address: Address): boolean {
  const own = readAddress(bytes, at);
  if (own.via === 'sms' || address.via === 'sms') return false;
  return own.via === address.via && own.host === address.host && own.port === address.port;
}

/** Big-endian, up to 48 bits. */
function put(bytes: Uint8Array, at: number, length: number, value: number): void {
  let rest = value;
  for (let i = at + length - 1; i >= at; i -= 1) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

function get(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = at; i < at + length; i += 1) value = value * 256 + (bytes[i] as number);
  return value;
}
