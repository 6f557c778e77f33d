// A session as bytes: what is inside a ticket, and what rests in memory until somebody comes back to it.
import { decodeUtf8, encodeUtf8, FormatError, type Identity, noBytes, nobody, Reader, Writer } from '@lapwing/kernel';
import type { Session } from './handshake/session.ts';

const FORMAT = 1;
const identityKinds = ['none', 'psk', 'rpk', 'x509'] as const;

/** Used and left within one call. */
const own = new Writer(256);

/** As `writeSession`, in memory of its own. */
export function encodeSession(session: Session, sealedAt: number): Uint8Array {
  writeSession(own.reset(), session, sealedAt);
  const bytes = own.finish();
  own.erase();
  return bytes;
}

/** The id and the ticket are not inside: a session that comes by a ticket has neither. `sealedAt`: ms, not negative. */
export function writeSession(writer: Writer, session: Session, sealedAt: number): void {
  writer.u8(FORMAT);
  writer.u8((session.extendedMasterSecret ? 1 : 0) | (session.encryptThenMac ? 2 : 0));
  writer.u16(session.suite);
  writer.u32(Math.floor(sealedAt / 2 ** 32)).u32(Math.floor(sealedAt) >>> 0);
  writer.bytes(session.masterSecret);
  const { serverName } = session;
  const name = serverName === undefined ? noBytes : encodeUtf8(serverName);
  writer.u16(name.length).bytes(name);
  writer.u8(session.credential.length).bytes(session.credential);
  const { identity } = session;
  writer.u8(Math.max(0, identityKinds.indexOf(identity.kind as 'none')));
  for (const part of partsOf(identity)) writer.u16(part.length).bytes(part);
}

/** Throws FormatError. */
export function decodeSession(bytes: Uint8Array): { readonly session: Session; readonly sealedAt: number } {
  const reader = new Reader(bytes);
  if (reader.u8() !== FORMAT) throw new FormatError('a session of another format');
  const flags = reader.u8();
  const suite = reader.u16();
  const sealedAt = Number(reader.u64());
  const masterSecret = reader.take(48).slice();
  const name = decodeUtf8(reader.take(reader.u16()));
  const credential = reader.take(reader.u8()).slice();
  const kind = identityKinds[reader.u8()];
  const parts: Uint8Array[] = [];
  while (reader.left > 0) parts.push(reader.take(reader.u16()).slice());
  const session: Session = {
    id: noBytes,
    ticket: undefined,
    suite,
    masterSecret,
    extendedMasterSecret: (flags & 1) !== 0,
    encryptThenMac: (flags & 2) !== 0,
    serverName: name === '' ? undefined : name,
    identity: identityOf(kind, parts),
    credential,
  };
  return { session, sealedAt };
}

function partsOf(identity: Identity): readonly Uint8Array[] {
  switch (identity.kind) {
    case 'psk':
    case 'oscore':
      return [identity.id];
    case 'rpk':
      return [identity.publicKey];
    case 'x509':
      return [encodeUtf8(identity.subject), ...identity.chain];
    case 'none':
      return [];
  }
}

function identityOf(kind: (typeof identityKinds)[number] | undefined, parts: readonly Uint8Array[]): Identity {
  const [first, ...others] = parts;
  if (first === undefined || kind === undefined || kind === 'none') return nobody;
  if (kind === 'psk') return { kind, id: first };
  if (kind === 'rpk') return { kind, publicKey: first };
  return { kind, subject: decodeUtf8(first), chain: others };
}
