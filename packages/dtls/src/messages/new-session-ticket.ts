// NewSessionTicket: the server's state of a session, sealed, for the client to keep (RFC 5077 §3.3).
import { Reader, Writer } from '@lapwing/kernel';
import { expectEnd, readOpaque16, writeOpaque16 } from './vector.ts';

export interface NewSessionTicket {
  /** In seconds, as on the wire; 0 when the server does not say. */
  readonly lifetimeHint: number;
  /** Empty when the server changed its mind. */
  readonly ticket: Uint8Array;
}

export function encodeNewSessionTicket({ lifetimeHint, ticket }: NewSessionTicket): Uint8Array {
  const writer = new Writer(ticket.length + 6).u32(lifetimeHint);
  writeOpaque16(writer, ticket);
  return writer.finish();
}

/** Throws FormatError; the ticket is a view of `body`. */
export function decodeNewSessionTicket(body: Uint8Array): NewSessionTicket {
  const reader = new Reader(body);
  const message = { lifetimeHint: reader.u32(), ticket: readOpaque16(reader, 'ticket') };
  expectEnd(reader, 'NewSessionTicket');
  return message;
}
