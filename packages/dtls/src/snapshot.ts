// Associations that outlive the process: all of them as bytes, and back. Never is a nonce used twice, and that rests on one
// rule: a record number is bounded by time. `since` is when an association began; at time t it may have used numbers below
//
//     allowanceAt(since, t) = BURST + PACE · (ms since then + 1)
//
// and whoever takes it up again at time t begins at that number. So it does not matter how old a snapshot is, how often it
// is restored, or what was sent after it was written, before a crash: time has passed, and every number that was used lies
// below. PACE is more than a processor can seal and send, and 2^48 numbers last for 17 years. Peers see a gap, which is allowed.
//
// What it needs is a wall clock that has not gone back. While a transport runs, the monotonic clock is continued (wall.ts).
// Over a restart, `writtenAt` tells: what was written in order at a stop (`snapshot`) is restored as of then at least; what
// was written while running (the journal) is refused when its time has not come yet.
//
// The replay window is as old as the bytes: whoever recorded what came after they were written can show it once more. Write
// a snapshot at each stop; after a crash the layers above still see duplicates.
//
//     'lwds' | format 1 | kind 1 | writtenAt 6, ms since 1970 | ids: length 1, node 4, its bytes 1 | each: place 3, association
import { FormatError } from '@lapwing/kernel';
import type { AssociationPeer } from './association.ts';
import type { Associations } from './associations.ts';
import type { ConnectionIdSettings } from './options.ts';
import { ELSEWHERE, packAssociation, packedLength, readIdentityKind, unpackAssociation } from './packed.ts';
import type { SteadyWall } from './wall.ts';

/** Record numbers that may be used at once. */
const BURST = 65_536;
/** And with each ms. */
const PACE = 512;

const MAGIC = [0x6c, 0x77, 0x64, 0x73];
const FORMAT = 1;
const HEADER = 18;
const PLACE = 3;

/** First record number that may not have been used at `wall` yet; both in ms since 1970. */
export function allowanceAt(since: number, wall: number): number {
  return BURST + PACE * (Math.max(0, Math.floor(wall) - since) + 1);
}

/** `stopped`: nothing is sent after it; `running`: records may follow. `wall` is the time, in ms since 1970. */
export function snapshotOf(
  table: Associations,
  peers: Iterable<AssociationPeer>,
  kind: 'stopped' | 'running',
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

/** Throws FormatError for what is no snapshot, or one that is cut short: nothing is restored then. */
export function restoreInto(
  table: Associations,
  snapshot: Uint8Array,
  steady: SteadyWall,
  now: number,
): { readonly associations: number; readonly refused: number } {
  const { kind, writtenAt, ids } = readHeader(snapshot);
  const found: { readonly place: number; readonly at: number }[] = [];
  for (let at = HEADER; at < snapshot.length; ) {
    const start = at + PLACE;
    found.push({
      place: ((snapshot[at] as number) << 16) | ((snapshot[at + 1] as number) << 8) | (snapshot[at + 2] as number),
      at: start,
    });
    at = start + packedLength(snapshot, start);
  }
  const associations = found.map(({ place, at }) => ({ place, association: unpackAssociation(snapshot, at) }));
  const isTooEarly = steady.at(now) < writtenAt && kind === 'running';
  const isElsewhere = !sameIds(ids, table.ids);
  let restored = 0;
  if (!isTooEarly) steady.passes(writtenAt, now);
  const wall = steady.at(now);
  for (const { place, association } of associations) {
    if (isTooEarly || (isElsewhere && association.hasOwnCid)) continue;
    const writeSequence = Math.max(association.writeSequence, allowanceAt(association.since, wall));
    if (table.takeUp(place, { ...association, writeSequence })) restored += 1;
  }
  return { associations: restored, refused: associations.length - restored };
}

function header(ids: ConnectionIdSettings | undefined, kind: 'stopped' | 'running', wall: number): Uint8Array {
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

function readHeader(bytes: Uint8Array): {
  readonly kind: 'stopped' | 'running';
  readonly writtenAt: number;
  readonly ids: ConnectionIdSettings;
} {
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
