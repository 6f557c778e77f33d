// Extensions of a certificate (RFC 5280 §4.2) that decide whether it may be used, and the names in it. What is critical
// and not known here makes the certificate unusable; that is for the chain to say, so it is only listed.
import { FormatError } from '@lapwing/kernel';
import { boolean, DerReader, implicitTag, namedBits, objectIdentifier, readWhole, smallInteger, Tag } from './der.ts';

/** Named bits of RFC 5280 §4.2.1.3. */
export const KeyUsage = { digitalSignature: 1 << 0, keyCertSign: 1 << 5 } as const;

export const serverAuth = '1.3.6.1.5.5.7.3.1';
export const clientAuth = '1.3.6.1.5.5.7.3.2';
export const anyExtendedKeyUsage = '2.5.29.37.0';

export interface AlternativeNames {
  readonly dns: readonly string[];
  /** 4 or 16 bytes each. */
  readonly ip: readonly Uint8Array[];
  /** Of other kinds: mail, URI, directory names. */
  readonly others: number;
}

export interface Extensions {
  readonly basicConstraints?: { readonly ca: boolean; readonly pathLength: number | undefined };
  /** Bits of `KeyUsage`. */
  readonly keyUsage?: number;
  readonly extendedKeyUsage?: readonly string[];
  readonly alternativeNames?: AlternativeNames;
  readonly subjectKeyId?: Uint8Array;
  readonly authorityKeyId?: Uint8Array;
  /** Object identifiers of critical extensions that are not understood. */
  readonly unknownCritical: readonly string[];
  /** Present, critical or not. */
  readonly nameConstraints: boolean;
}

export const noExtensions: Extensions = { unknownCritical: [], nameConstraints: false };

type Known = { -readonly [K in keyof Extensions]: Extensions[K] };

const readers: Readonly<Record<string, (value: Uint8Array, into: Known) => void>> = {
  '2.5.29.19': (value, into) => {
    into.basicConstraints = basicConstraints(value);
  },
  '2.5.29.15': (value, into) => {
    into.keyUsage = namedBits(only(value, Tag.BitString));
  },
  '2.5.29.37': (value, into) => {
    into.extendedKeyUsage = extendedKeyUsage(value);
  },
  '2.5.29.17': (value, into) => {
    into.alternativeNames = alternativeNames(value);
  },
  '2.5.29.14': (value, into) => {
    into.subjectKeyId = only(value, Tag.OctetString);
  },
  '2.5.29.35': (value, into) => {
    const id = readWhole(value, Tag.Sequence, 'the authority key identifier').readIf(implicitTag(0));
    if (id !== undefined) into.authorityKeyId = id;
  },
  '2.5.29.30': (_value, into) => {
    into.nameConstraints = true;
  },
  // Policies are read by nobody here: any policy will do (RFC 5280 §6.1.1 (c)).
  '2.5.29.32': () => {},
};

/** `content` is that of `[3]`. Throws FormatError; two extensions of one kind are one too many. */
export function readExtensions(content: Uint8Array): Extensions {
  const into: Known = { unknownCritical: [], nameConstraints: false };
  const unknown: string[] = [];
  const seen = new Set<string>();
  const list = readWhole(content, Tag.Sequence, 'the extensions');
  while (!list.done) {
    const extension = list.enter(Tag.Sequence);
    const id = objectIdentifier(extension.read(Tag.ObjectIdentifier));
    const flag = extension.readIf(Tag.Boolean);
    const critical = flag !== undefined && boolean(flag);
    const value = extension.read(Tag.OctetString);
    extension.end('an extension');
    if (seen.has(id)) throw new FormatError(`extension ${id} twice`);
    seen.add(id);
    const read = readers[id];
    if (read !== undefined) read(value, into);
    else if (critical) unknown.push(id);
  }
  into.unknownCritical = unknown;
  return into;
}

function only(value: Uint8Array, tag: number): Uint8Array {
  const reader = new DerReader(value);
  const content = reader.read(tag);
  reader.end('an extension value');
  return content;
}

function basicConstraints(value: Uint8Array): { ca: boolean; pathLength: number | undefined } {
  const reader = readWhole(value, Tag.Sequence, 'the basic constraints');
  const ca = reader.readIf(Tag.Boolean);
  const length = reader.readIf(Tag.Integer);
  reader.end('the path length');
  return { ca: ca !== undefined && boolean(ca), pathLength: length === undefined ? undefined : smallInteger(length) };
}

function extendedKeyUsage(value: Uint8Array): string[] {
  const reader = readWhole(value, Tag.Sequence, 'the extended key usage');
  const purposes: string[] = [];
  while (!reader.done) purposes.push(objectIdentifier(reader.read(Tag.ObjectIdentifier)));
  return purposes;
}

function alternativeNames(value: Uint8Array): AlternativeNames {
  const reader = readWhole(value, Tag.Sequence, 'the alternative names');
  const dns: string[] = [];
  const ip: Uint8Array[] = [];
  let others = 0;
  while (!reader.done) {
    const { tag, content } = reader.next();
    if (tag === implicitTag(2)) dns.push(ia5(content));
    else if (tag === implicitTag(7)) {
      if (content.length !== 4 && content.length !== 16) throw new FormatError(`IP address of ${content.length} bytes`);
      ip.push(content);
    } else others += 1;
  }
  return { dns, ip, others };
}

function ia5(content: Uint8Array): string {
  if (content.some((byte) => byte >= 0x80)) throw new FormatError('alternative name that is not ASCII');
  return Buffer.from(content).toString('latin1');
}
