// One X.509 certificate (RFC 5280 §4): what path validation needs of it, read from strict DER. node:crypto hides key
// usage, path length and critical extensions, and costs ten times as much.
import { equalBytes, FormatError } from '@lapwing/kernel';
import { checkInteger, DerReader, explicitTag, implicitTag, readWhole, Tag, wholeBits } from './der.ts';
import { type Extensions, noExtensions, readExtensions } from './extensions.ts';
import { Name } from './name.ts';
import { readTime } from './time.ts';

export interface Certificate {
  readonly der: Uint8Array;
  /** 1 to 3. */
  readonly version: number;
  readonly issuer: Name;
  readonly subject: Name;
  /** ms since 1970, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly extensions: Extensions;
  /** What the issuer signed. */
  readonly tbs: Uint8Array;
  /** AlgorithmIdentifier, DER. */
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
}

/** Throws FormatError for anything that is not exactly one well-formed certificate. The bytes are kept, not copied. */
export function readCertificate(der: Uint8Array): Certificate {
  const outer = readWhole(der, Tag.Sequence, 'the certificate');
  const tbs = outer.next();
  if (tbs.tag !== Tag.Sequence) throw new FormatError('certificate without a body');
  const signatureAlgorithm = outer.next().whole;
  const signature = wholeBits(outer.read(Tag.BitString));
  outer.end('the signature of the certificate');

  const body = new DerReader(tbs.content);
  const version = readVersion(body);
  checkInteger(body.read(Tag.Integer));
  if (!equalBytes(body.next().whole, signatureAlgorithm)) throw new FormatError('two different signature algorithms');
  const issuer = new Name(body.next().whole);
  const validity = body.enter(Tag.Sequence);
  const notBefore = readTime(validity.next());
  const notAfter = readTime(validity.next());
  validity.end('the dates');
  const subject = new Name(body.next().whole);
  const key = body.next();
  if (key.tag !== Tag.Sequence) throw new FormatError('certificate without a public key');
  // Unique ids of issuer and subject (RFC 5280 §4.1.2.8): nobody has any, and nothing here looks at them.
  for (const tag of [implicitTag(1), implicitTag(2)]) {
    const bits = body.readIf(tag);
    if (bits !== undefined && (bits.length === 0 || (bits[0] as number) > 7))
      throw new FormatError('a unique id that is none');
  }
  const extensions = body.readIf(explicitTag(3));
  body.end('the extensions');
  if (extensions !== undefined && version !== 3)
    throw new FormatError(`extensions in a certificate of version ${version}`);
  return {
    der,
    version,
    issuer,
    subject,
    notBefore,
    notAfter,
    spki: key.whole,
    extensions: extensions === undefined ? noExtensions : readExtensions(extensions),
    tbs: tbs.whole,
    signatureAlgorithm,
    signature,
  };
}

function readVersion(body: DerReader): number {
  const content = body.readIf(explicitTag(0));
  if (content === undefined) return 1;
  const version = readOnlyByte(content);
  if (version !== 1 && version !== 2) throw new FormatError('certificate of an unknown version');
  return version + 1;
}

function readOnlyByte(content: Uint8Array): number {
  const reader = new DerReader(content);
  const value = reader.read(Tag.Integer);
  reader.end('the version');
  return value.length === 1 ? (value[0] ?? 0) : -1;
}

/** Named by its own subject: self-issued, mostly self-signed. */
export function isSelfIssued(certificate: Certificate): boolean {
  return certificate.subject.equals(certificate.issuer);
}

/** How messages call it: `"CN=gateway"`, or by its names when the subject is empty. */
export function describeCertificate(certificate: Certificate): string {
  if (!certificate.subject.empty) return `"${certificate.subject.text}"`;
  const name = certificate.extensions.alternativeNames?.dns[0];
  return name === undefined ? 'a certificate without a subject' : `the certificate of ${JSON.stringify(name)}`;
}
