// The extensions of both hellos as two records, one for what a client offers and one for what a server answers.
// Known ones are fields, others are passed over and named by number (RFC 5246 §7.4.1.4).
import { FormatError, Reader, type Writer } from '@lapwing/kernel';
import { byte, bytes8, type Field, flag, hostName, list8, list16, rest, word } from './extension-fields.ts';
import { endOpaque16, expectEnd, readOpaque16 } from './vector.ts';

export const ExtensionType = {
  /** RFC 6066 §3 */
  serverName: 0,
  /** RFC 6066 §4 */
  maxFragmentLength: 1,
  /** RFC 8422 §5.1.1 */
  supportedGroups: 10,
  /** RFC 8422 §5.1.2 */
  pointFormats: 11,
  /** RFC 5246 §7.4.1.4.1 */
  signatureSchemes: 13,
  /** RFC 7250 §3 */
  clientCertificateTypes: 19,
  /** RFC 7250 §3 */
  serverCertificateTypes: 20,
  /** RFC 7366 §2 */
  encryptThenMac: 22,
  /** RFC 7627 §5.1 */
  extendedMasterSecret: 23,
  /** RFC 8449 §4 */
  recordSizeLimit: 28,
  /** RFC 5077 §3.2 */
  sessionTicket: 35,
  /** RFC 9146 §3 */
  connectionId: 54,
  /** RFC 9853 §3 */
  returnRoutability: 61,
  /** RFC 5746 §3.2 */
  renegotiationInfo: 0xff01,
} as const;

/** What both sides may say. A flag is present or absent; false is absent. */
interface EitherExtensions {
  /** Code 1 to 4 for 512 to 4,096 bytes: see fragmentLengthOf. */
  readonly maxFragmentLength?: number | undefined;
  /** Largest plaintext that the sender takes in one record, in bytes. */
  readonly recordSizeLimit?: number | undefined;
  /** Numbers of named groups, best first. */
  readonly supportedGroups?: readonly number[] | undefined;
  readonly pointFormats?: readonly number[] | undefined;
  readonly encryptThenMac?: boolean | undefined;
  readonly extendedMasterSecret?: boolean | undefined;
  /** The id that the other side shall put into records to the sender; empty for none. */
  readonly connectionId?: Uint8Array | undefined;
  readonly returnRoutability?: boolean | undefined;
  /** Empty in a first handshake. */
  readonly renegotiationInfo?: Uint8Array | undefined;
  /** Codes that we have no field for, as they came; not written. */
  readonly unknown: readonly number[];
}

/** Of a ClientHello. */
export interface Extensions extends EitherExtensions {
  /** Host name in ASCII, 1 to 253 characters, as it was sent: compare without regard to case. */
  readonly serverName?: string | undefined;
  /** Best first, e.g. 0x0403 for ecdsa_secp256r1_sha256. */
  readonly signatureSchemes?: readonly number[] | undefined;
  /** Of the certificates that the client can send, best first: 0 for X.509, 2 for raw public key. */
  readonly clientCertificateTypes?: readonly number[] | undefined;
  /** Of the certificates that the client can check, best first. */
  readonly serverCertificateTypes?: readonly number[] | undefined;
  /** Empty: would like one. */
  readonly sessionTicket?: Uint8Array | undefined;
}

/** Of a ServerHello. */
export interface ServerExtensions extends EitherExtensions {
  /** The server used the name. */
  readonly serverName?: boolean | undefined;
  readonly clientCertificateType?: number | undefined;
  readonly serverCertificateType?: number | undefined;
  /** A NewSessionTicket will follow. */
  readonly sessionTicket?: boolean | undefined;
}

export const noExtensions: Extensions & ServerExtensions = Object.freeze({ unknown: Object.freeze([]) });

type Fields<T> = { readonly [K in Exclude<keyof T, 'unknown'>]-?: Field<NonNullable<T[K]>> };

// Written in this order, empty ones first: some old servers stumble over an empty extension at the end.
const shared: Fields<EitherExtensions> = {
  extendedMasterSecret: flag(ExtensionType.extendedMasterSecret),
  encryptThenMac: flag(ExtensionType.encryptThenMac),
  returnRoutability: flag(ExtensionType.returnRoutability),
  maxFragmentLength: byte(ExtensionType.maxFragmentLength),
  recordSizeLimit: word(ExtensionType.recordSizeLimit),
  pointFormats: list8(ExtensionType.pointFormats, 'point formats'),
  supportedGroups: list16(ExtensionType.supportedGroups, 'supported groups'),
  connectionId: bytes8(ExtensionType.connectionId, 'connection id'),
  renegotiationInfo: bytes8(ExtensionType.renegotiationInfo, 'renegotiation info'),
};

const clientFields: Fields<Extensions> = {
  serverName: hostName(ExtensionType.serverName),
  sessionTicket: rest(ExtensionType.sessionTicket),
  ...shared,
  clientCertificateTypes: list8(ExtensionType.clientCertificateTypes, 'client certificate types'),
  serverCertificateTypes: list8(ExtensionType.serverCertificateTypes, 'server certificate types'),
  signatureSchemes: list16(ExtensionType.signatureSchemes, 'signature schemes'),
};

const serverFields: Fields<ServerExtensions> = {
  serverName: flag(ExtensionType.serverName),
  sessionTicket: flag(ExtensionType.sessionTicket),
  ...shared,
  clientCertificateType: byte(ExtensionType.clientCertificateTypes),
  serverCertificateType: byte(ExtensionType.serverCertificateTypes),
};

type Table = readonly (readonly [string, Field<unknown>])[];
const tableOf = (fields: object): Table => Object.entries(fields) as unknown as Table;
const clientTable = tableOf(clientFields);
const serverTable = tableOf(serverFields);

/** From where the compression methods end to the end of the message; nothing at all is no extensions. */
export function readExtensions(reader: Reader): Extensions {
  return read(reader, clientTable) as Extensions;
}

export function readServerExtensions(reader: Reader): ServerExtensions {
  return read(reader, serverTable) as ServerExtensions;
}

export function writeExtensions(writer: Writer, extensions: Extensions): void {
  write(writer, clientTable, extensions);
}

export function writeServerExtensions(writer: Writer, extensions: ServerExtensions): void {
  write(writer, serverTable, extensions);
}

/** Codes of the extensions that are there, known and unknown: what a server may answer, RFC 5246 §7.4.1.4. */
export function extensionCodes(extensions: Extensions): readonly number[] {
  return [...codesOf(clientTable, extensions), ...extensions.unknown];
}

export function serverExtensionCodes(extensions: ServerExtensions): readonly number[] {
  return [...codesOf(serverTable, extensions), ...extensions.unknown];
}

function read(reader: Reader, table: Table): object {
  const found: Record<string, unknown> = {};
  let unknown: Set<number> | undefined;
  /** One bit for each row. */
  let seen = 0;
  if (reader.left > 0) {
    const block = new Reader(readOpaque16(reader, 'extensions'));
    while (block.left > 0) {
      const code = block.u16();
      const body = readOpaque16(block, `extension ${code}`);
      // RFC 5246 §7.4.1.4: not more than one of a type.
      const at = rowOf(table, code);
      const row = table[at];
      const isSecond = row === undefined ? unknown?.has(code) === true : ((seen >>> at) & 1) === 1;
      if (isSecond) throw new FormatError(`extension ${code} twice`, block.offset - body.length);
      if (row === undefined) {
        unknown ??= new Set();
        unknown.add(code);
        continue;
      }
      seen |= 1 << at;
      const inner = new Reader(body);
      found[row[0]] = row[1].read(inner);
      expectEnd(inner, `extension ${code}`);
    }
  }
  expectEnd(reader, 'the extensions');
  found['unknown'] = unknown === undefined ? [] : [...unknown];
  return found;
}

/** -1 when it is not known. */
function rowOf(table: Table, code: number): number {
  for (let at = 0; at < table.length; at += 1) if (table[at]?.[1].code === code) return at;
  return -1;
}

function write(writer: Writer, table: Table, extensions: object): void {
  const values = extensions as Readonly<Record<string, unknown>>;
  const blockAt = writer.length;
  for (const [name, field] of table) {
    const value = values[name];
    if (value === undefined || value === false) continue;
    if (writer.length === blockAt) writer.u16(0);
    writer.u16(field.code);
    const bodyAt = writer.length;
    field.write(writer.u16(0), value);
    endOpaque16(writer, bodyAt);
  }
  if (writer.length > blockAt) endOpaque16(writer, blockAt);
}

function codesOf(table: Table, extensions: object): readonly number[] {
  const values = extensions as Readonly<Record<string, unknown>>;
  return table.filter(([name]) => values[name] !== undefined && values[name] !== false).map(([, field]) => field.code);
}
