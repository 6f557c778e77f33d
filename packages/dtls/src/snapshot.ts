// Associations that outlive the process: all of them as bytes, and back. Never is a nonce used twice, and that rests on one
// rule: a record number is bounded by time. `since` is when an association began; at time t it may have used numbers below
//
//     allowanceAt(since, t) = BURST + PACE · (ms since then + 1)
//
// and whoever takes it up again at time t begins at that number. PACE is more than a processor can seal and send, and 2^48
// numbers last for 17 years. Peers see a gap, which is allowed.
//
// The time is not the wall clock's, which may be set back, or begin at 1970 with each boot. A transport reserves time in its
// journal before it uses numbers of that time (journaling.ts), and the next one begins after everything that is reserved
// (wall.ts): its time goes on, whatever the wall clock shows. The reserved time is a record without associations. What was
// written while running is refused without it. The wall clock only counts when it is ahead; so an older copy of the journal
// is safe too, as long as the wall clock is right and a minute has passed.
//
// A journal that ends with a crash does not know what was heard last: at most 5 s, and FOLLOW_GAP record numbers. So then
// the window counts as full: nothing up to the newest record that was written down is taken. What is newer is taken, but the
// peer's address does not follow a record that may have been shown before: only one that is more than FOLLOW_GAP ahead.
// Until then answers go where the peer was. What was recorded in the gap can be shown once more after a crash; the layers
// above know duplicates, or have lost them with the crash.
//
//     'lwds' | format 1 | kind 1 | writtenAt 6, ms since 1970 | ids: length 1, node 4, its bytes 1 | each: place 3, association
import { FormatError } from '@lapwing/kernel';
import type { AssociationPeer } from './association.ts';
import type { Associations } from './associations.ts';
import { keyOf } from './connection-id.ts';
import type { ConnectionIdSettings } from './options.ts';
import {
  type Association,
  ELSEWHERE,
  packAssociation,
  packedLength,
  readIdentityKind,
  readSeen,
  unpackAssociation,
} from './packed.ts';
import type { SteadyWall } from './wall.ts';

/** Record numbers that may be used at once. */
const BURST = 65_536;
/** And with each ms. */
const PACE = 512;
/** 2^48 - 1: there is no record number after it. */
const LAST_NUMBER = 2 ** 48 - 1;
/** Record numbers that may have come after the newest that was written down before a crash; the journal keeps up with half. */
export const FOLLOW_GAP = 32;

const MAGIC = [0x6c, 0x77, 0x64, 0x73];
const FORMAT = 2;
const HEADER = 18;
const PLACE = 3;

/** What became of a snapshot or a journal. */
export interface Restored {
  readonly associations: number;
  /** Their peers will have to shake hands again. */
  readonly refused: readonly RefusedRecord[];
}

export interface RefusedRecord {
  /** In the journal; of an association in a snapshot, its peer's key. */
  readonly key: string;
  /** For people. */
  readonly why: string;
}

/** First record number that may not have been used at `wall` yet; both in ms since 1970. */
export function allowanceAt(since: number, wall: number): number {
  return BURST + PACE * (Math.max(0, Math.floor(wall) - since) + 1);
}

/** `stopped`: nothing is sent after it; `running`: records may follow. `wall` is the time, in ms since 1970. */
export function snapshotOf(
  table: Associations,
  peers: Iterable<AssociationPeer>,
  kind: Kind,
  wall: number,
): Uint8Array {
  const parts: Uint8Array[] = [header(table.ids, kind, wall)];
  let length = HEADER;
  for (const peer of peers) {
    const { bytes, at } = table.packed(peer);
    let packed = bytes.subarray(at, at + packedLength(bytes, at));
    if (readIdentityKind(bytes, at) === ELSEWHERE) {
      const association = unpackAssociation(bytes, at);
      packed = packAssociation(association, association, peer.identity);
    }
    const place = Uint8Array.of(peer.place >>> 16, peer.place >>> 8, peer.place);
    parts.push(place, packed);
    length += PLACE + packed.length;
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

type Kind = 'stopped' | 'running';

interface Header {
  readonly kind: Kind;
  readonly writtenAt: number;
  readonly ids: ConnectionIdSettings;
}

interface Found {
  readonly key: string;
  readonly header: Header;
  readonly place: number;
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** Throws FormatError for a snapshot that is none, or cut short: nothing is restored then. */
export function restoreInto(
  table: Associations,
  records: Uint8Array | Iterable<readonly [string, Uint8Array]>,
  steady: SteadyWall,
  now: number,
): Restored {
  const refused: RefusedRecord[] = [];
  const found: Found[] = [];
  let reserved: Kind | undefined;
  let writtenAt = 0;
  const read = (key: string | undefined, bytes: Uint8Array): void => {
    const header = readHeader(bytes);
    found.push(...associationsIn(key, header, bytes));
    writtenAt = Math.max(writtenAt, header.writtenAt);
    // Time that is reserved. In a journal that several processes wrote, one that crashed is enough.
    if (bytes.length === HEADER && reserved !== 'running') reserved = header.kind;
  };
  if (records instanceof Uint8Array) read(undefined, records);
  else {
    for (const [key, bytes] of records) {
      try {
        read(key, bytes);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        refused.push({ key, why: error.message });
      }
    }
  }
  // A journal is in no order.
  found.sort((a, b) => readSeen(a.bytes, a.at) - readSeen(b.bytes, b.at));
  if (writtenAt > 0) steady.passes(writtenAt, now);
  const wall = steady.at(now);
  let associations = 0;
  for (const each of found) {
    const why = takeUp(table, each, reserved, wall);
    if (why === undefined) associations += 1;
    else refused.push({ key: each.key, why });
  }
  return { associations, refused };
}

/** All are read once, so that damage shows before anything is restored. */
function associationsIn(key: string | undefined, header: Header, bytes: Uint8Array): readonly Found[] {
  const found: Found[] = [];
  for (let at = HEADER; at < bytes.length; ) {
    const start = at + PLACE;
    const place = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    const end = start + packedLength(bytes, start);
    const { name } = unpackAssociation(bytes, start);
    found.push({ key: key ?? keyOf(place, name, 0), header, place, bytes, at: start });
    at = end;
  }
  return found;
}

/** Why not, if not. */
function takeUp(table: Associations, found: Found, reserved: Kind | undefined, wall: number): string | undefined {
  const { header, place, bytes, at } = found;
  const association = unpackAssociation(bytes, at);
  if (header.kind === 'running' && reserved === undefined) {
    return 'was written while running, and the time that was reserved is not known';
  }
  if (association.hasOwnCid && !sameIds(header.ids, table.ids)) {
    return 'its connection id is of another length or cluster node';
  }
  const writeSequence = Math.min(
    LAST_NUMBER,
    Math.max(association.writeSequence, allowanceAt(association.since, wall)),
  );
  const window = reserved === 'running' ? afterCrash(association) : {};
  return table.takeUp(place, { ...association, writeSequence, ...window }) ? undefined : 'its place is taken';
}

/** Everything up to the newest counts as seen, and what may have come after it moves nobody. */
function afterCrash({ right, followsFrom }: Association): Pick<Association, 'low' | 'high' | 'followsFrom'> {
  return { low: -1, high: -1, followsFrom: Math.min(LAST_NUMBER, Math.max(followsFrom, right + FOLLOW_GAP + 1)) };
}

function header(ids: ConnectionIdSettings | undefined, kind: Kind, wall: number): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  bytes[4] = FORMAT;
  bytes[5] = kind === 'stopped' ? 0 : 1;
  const time = Math.max(0, Math.floor(wall));
  view.setUint16(6, Math.floor(time / 2 ** 32));
  view.setUint32(8, time >>> 0);
  bytes[12] = ids?.length ?? 0;
  view.setUint32(13, ids?.node ?? 0);
  bytes[17] = ids?.nodeBytes ?? 0;
  return bytes;
}

function readHeader(bytes: Uint8Array): Header {
  if (bytes.length < HEADER || MAGIC.some((byte, i) => bytes[i] !== byte)) throw new FormatError('no snapshot', 0);
  if (bytes[4] !== FORMAT) throw new FormatError(`a snapshot of format ${bytes[4]}, not ${FORMAT}`, 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    kind: bytes[5] === 0 ? 'stopped' : 'running',
    writtenAt: view.getUint16(6) * 2 ** 32 + view.getUint32(8),
    ids: { length: bytes[12] as number, node: view.getUint32(13), nodeBytes: bytes[17] as number },
  };
}

function sameIds(a: ConnectionIdSettings, b: ConnectionIdSettings | undefined): boolean {
  return a.length === b?.length && a.node === b.node && a.nodeBytes === b.nodeBytes;
}
