// Keys and certificates as people hand them over: PEM or DER, told apart by their content. When it is something else
// than was asked for, the error says what it looks like, since mixing up files is what goes wrong first.
import { ConfigError } from '@lapwing/kernel';
import type { Material } from '../credentials.ts';
import { DerReader, explicitTag, Tag } from './der.ts';

export type MaterialKind = 'certificate' | 'private key' | 'public key';

/** One thing that was found; `kind` is a phrase for messages, `der` undefined where there is none to read. */
interface Piece {
  readonly kind: string;
  readonly form: 'PEM' | 'DER';
  readonly der: Uint8Array;
}

const pemKinds: Readonly<Record<string, string>> = {
  CERTIFICATE: 'certificate',
  'X509 CERTIFICATE': 'certificate',
  'TRUSTED CERTIFICATE': 'OpenSSL trusted certificate',
  'PRIVATE KEY': 'private key',
  'EC PRIVATE KEY': 'private key',
  'RSA PRIVATE KEY': 'private key',
  'ENCRYPTED PRIVATE KEY': 'encrypted private key',
  'OPENSSH PRIVATE KEY': 'OpenSSH private key',
  'PUBLIC KEY': 'public key',
  'RSA PUBLIC KEY': 'PKCS #1 public key',
  'CERTIFICATE REQUEST': 'certificate request',
  'NEW CERTIFICATE REQUEST': 'certificate request',
  'X509 CRL': 'revocation list',
  'EC PARAMETERS': 'list of curve parameters',
  PKCS7: 'PKCS #7 container',
};

/**
 * DER of every piece of one kind in PEM or DER. `what` names the setting in the error, as in `own certificate`. Throws
 * ConfigError when there is none, or something that is not even DER.
 */
export function readMaterial(material: Material, kind: MaterialKind, what: string): readonly Uint8Array[] {
  const pieces = findPieces(material);
  const wanted = pieces.filter((piece) => piece.kind === kind).map((piece) => piece.der);
  if (wanted.length > 0) return wanted;
  throw new ConfigError([`${what}: ${describeMaterial(material)}, ${article(kind)} was expected${mend(pieces, kind)}`]);
}

/** As `readMaterial` where there may be only one. */
export function readOne(material: Material, kind: MaterialKind, what: string): Uint8Array {
  const [first, second] = readMaterial(material, kind, what);
  if (first === undefined || second !== undefined)
    throw new ConfigError([`${what}: holds several, one ${kind} was expected`]);
  return first;
}

/** A clause on what the bytes look like: `this is a PEM certificate`. Shows no byte of it. */
export function describeMaterial(material: Material): string {
  const pieces = findPieces(material);
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return `this is ${article(`${first.form} ${first.kind}`)}`;
  if (first !== undefined)
    return `this is a PEM with ${[...new Set(pieces.map((piece) => article(piece.kind)))].join(' and ')}`;
  if (material.length === 0) return 'this is empty';
  const text = typeof material === 'string' ? material : asText(material);
  if (text === undefined) return `these are ${material.length} bytes of neither PEM nor DER`;
  const trimmed = text.trim();
  if (trimmed.includes('-----BEGIN')) return 'this is a PEM that is cut off or damaged';
  if (/^[0-9a-fA-F\s:]+$/.test(trimmed)) return 'this is hexadecimal text: decode it to bytes first';
  if (/^[A-Za-z0-9+/\s]+=*$/.test(trimmed) && trimmed.length >= 40)
    return 'this is base64 without the lines of a PEM: decode it first';
  if (/^(ssh-|ecdsa-sha2-)/.test(trimmed)) return 'this is an OpenSSH public key';
  if (trimmed.startsWith('{')) return 'this is JSON';
  if (/^[\w./\\~-]+\.(pem|der|crt|cer|key|p8|p12|pfx)$/i.test(trimmed))
    return 'this is the name of a file: give its content';
  return 'this is text that is no PEM';
}

function findPieces(material: Material): readonly Piece[] {
  if (typeof material !== 'string' && material[0] === Tag.Sequence) {
    const kind = kindOfDer(material);
    if (kind !== undefined) return [{ kind, form: 'DER', der: material }];
  }
  const text = typeof material === 'string' ? material : asText(material);
  if (text === undefined) return [];
  const pieces: Piece[] = [];
  for (const [, label = '', body = ''] of text.matchAll(
    /-----BEGIN ([A-Z0-9 ]+)-----((?:(?!-----)[\s\S])*)-----END \1-----/g,
  )) {
    const encrypted = body.includes('ENCRYPTED');
    const base64 = body.replace(/\s/g, '');
    const der = new Uint8Array(Buffer.from(base64, 'base64'));
    const kind = encrypted ? 'encrypted private key' : (pemKinds[label] ?? `block named "${label}"`);
    const damaged =
      !encrypted && (!/^[A-Za-z0-9+/]+=*$/.test(base64) || der[0] !== Tag.Sequence) && kind in wantedKinds;
    pieces.push({ kind: damaged ? `${kind} with damaged base64` : kind, form: 'PEM', der });
  }
  return pieces;
}

const wantedKinds: Readonly<Record<MaterialKind, true>> = {
  certificate: true,
  'private key': true,
  'public key': true,
};

/** By the shape of its first two levels, which no two of these share; undefined when it is not DER throughout. */
function kindOfDer(der: Uint8Array): string | undefined {
  try {
    const reader = new DerReader(der);
    const outer = reader.enter(Tag.Sequence);
    if (!reader.done) return 'object with bytes behind it';
    const tags: number[] = [];
    let first: DerReader | undefined;
    while (!outer.done && tags.length < 16) {
      const { tag, content } = outer.next();
      if (tags.length === 0) first = new DerReader(content);
      tags.push(tag);
    }
    return kindOfTags(tags, first);
  } catch {
    return undefined;
  }
}

function kindOfTags(tags: readonly number[], first: DerReader | undefined): string {
  const [a, b, c] = tags;
  if (a === Tag.Sequence && b === Tag.Sequence && c === Tag.BitString) {
    return kindOfSigned(first);
  }
  if (a === Tag.Sequence && b === Tag.BitString) return 'public key';
  if (a === Tag.Sequence && b === Tag.OctetString) return 'encrypted private key';
  if (a === Tag.Integer && b === Tag.Sequence && c === Tag.OctetString) return 'private key';
  if (a === Tag.Integer && b === Tag.OctetString) return 'private key';
  if (a === Tag.Integer && b === Tag.Integer) return tags.length === 2 ? 'PKCS #1 public key' : 'private key';
  if (a === Tag.Integer && b === Tag.Sequence) return 'PKCS #12 container';
  if (a === Tag.ObjectIdentifier) return 'PKCS #7 container';
  return 'object of an unknown kind';
}

/** Certificates, requests and revocation lists are signed alike; the fourth field tells them apart. */
function kindOfSigned(body: DerReader | undefined): string {
  const fields: number[] = [];
  while (body !== undefined && !body.done && fields.length < 4) fields.push(body.next().tag);
  if (fields[0] === explicitTag(0)) return 'certificate';
  if (fields[0] !== Tag.Integer || fields[3] === Tag.UtcTime) return 'revocation list';
  return fields[3] === Tag.Sequence ? 'certificate' : 'certificate request';
}

function mend(pieces: readonly Piece[], kind: MaterialKind): string {
  const found = pieces[0]?.kind;
  if (found === 'encrypted private key') return ': decrypt it first (openssl pkey -in … -out …)';
  if (found === 'OpenSSH private key') return ': convert it (ssh-keygen -p -m PKCS8 -f …)';
  if (found === 'PKCS #12 container') return ': take it apart (openssl pkcs12 -in … -nodes)';
  if (found === 'certificate request') return ': a CA makes a certificate of it';
  if (found === 'private key' && kind === 'certificate') return ': the two may have been exchanged';
  if (found === 'certificate' && kind === 'private key') return ': the two may have been exchanged';
  if (found === 'certificate' && kind === 'public key') return ': cut it out (openssl x509 -in … -noout -pubkey)';
  return '';
}

function article(noun: string): string {
  return `${/^([aeioAEIO])/.test(noun) ? 'an' : 'a'} ${noun}`;
}

/** Latin-1 when all of it is printable. */
function asText(bytes: Uint8Array): string | undefined {
  for (const byte of bytes)
    if (byte > 0x7e || (byte < 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
