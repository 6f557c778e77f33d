// Keys, authorities and certificates for tests: made on the spot, synchronously, the same every time (but for the chance
// in ECDSA signatures), and broken where a test wants them broken. No test waits for the generation of an RSA key.
import { concatBytes, encodeUtf8, fromHex, hmacSha256, Secret } from '@lapwing/kernel';
import type { CertificateAndKey } from '../credentials.ts';
import { signWith } from '../handshake/signatures.ts';
import { Tag } from '../x509/der.ts';
import type { PrivateKey } from '../x509/keys.ts';
import { readPrivateKey } from '../x509/private-key.ts';
import { bits, element, flag, integer, octets, oid, sequence, text, time } from './der-writer.ts';
import { rsaTestKeys } from './rsa-test-keys.ts';

export type TestKeyAlgorithm = 'ec-p256' | 'ec-p384' | 'ec-p521' | 'ed25519' | 'rsa';

export interface TestKey extends PrivateKey {
  /** PKCS #8, DER. */
  readonly pkcs8: Uint8Array;
}

const curveParts = {
  'ec-p256': { oid: '1.2.840.10045.3.1.7', size: 32 },
  'ec-p384': { oid: '1.3.132.0.34', size: 48 },
  'ec-p521': { oid: '1.3.132.0.35', size: 66 },
} as const;

/** The key of this name: equal names give equal keys. There are two RSA keys, `rsa-1` and all others. */
export function makeKey(name: string, algorithm: TestKeyAlgorithm = 'ec-p256'): TestKey {
  const pkcs8 = makePkcs8(name, algorithm);
  return { ...readPrivateKey(pkcs8, `test key ${name}`), pkcs8 };
}

function makePkcs8(name: string, algorithm: TestKeyAlgorithm): Uint8Array {
  if (algorithm === 'rsa') return rsaTestKeys[name === 'rsa-1' ? 0 : 1];
  if (algorithm === 'ed25519') {
    return sequence(integer(0), sequence(oid('1.3.101.112')), octets(octets(seed(name, 32))));
  }
  const { oid: curve, size } = curveParts[algorithm];
  const scalar = seed(name, size);
  // Below the order of any of the curves, and never zero.
  scalar[0] = 0;
  const sec1 = sequence(integer(1), octets(scalar));
  return sequence(integer(0), sequence(oid('1.2.840.10045.2.1'), oid(curve)), octets(sec1));
}

function seed(name: string, length: number): Uint8Array {
  const blocks = [0, 1, 2].map((block) => hmacSha256(encodeUtf8('test key'), encodeUtf8(`${block} ${name}`)));
  return concatBytes(...blocks).slice(0, length);
}

export interface Extension {
  readonly oid: string;
  readonly critical?: boolean;
  /** DER inside the OCTET STRING. */
  readonly value: Uint8Array;
}

export interface Template {
  /** Common name; with `organisation` in front when that is given. Empty for an empty subject. */
  readonly name: string;
  readonly organisation?: string;
  readonly key?: TestKey;
  /** ISO dates; default 2020-01-01 to 2049-12-31. */
  readonly notBefore?: string;
  readonly notAfter?: string;
  /** basicConstraints; default none for a leaf. */
  readonly ca?: boolean | { readonly pathLength: number };
  /** Named bits, first bit `digitalSignature`; null leaves the extension out. Default: what the role needs. */
  readonly keyUsage?: readonly (keyof typeof keyUsageBits)[] | null;
  /** Default for a leaf: serverAuth and clientAuth; null leaves the extension out. */
  readonly purposes?: readonly string[] | null;
  /** DNS names and IP addresses (as bytes); default for a leaf: its `name`; null leaves the extension out. */
  readonly alternativeNames?: readonly (string | Uint8Array)[] | null;
  readonly more?: readonly Extension[];
  /** 1 leaves out all extensions. */
  readonly version?: 1 | 3;
  /** Instead of the issuer's subject. */
  readonly issuerName?: string;
  /** Signs in place of the issuer's key. */
  readonly signedBy?: TestKey;
  readonly serial?: number;
}

export const keyUsageBits = {
  digitalSignature: 0,
  keyEncipherment: 2,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
} as const;

export const purpose = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
};

export interface Issued extends CertificateAndKey {
  readonly certificate: Uint8Array;
  readonly key: TestKey;
  /** This certificate and the intermediates above it, without the root; DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  readonly privateKey: Secret;
}

/** What issues certificates. */
export interface Authority extends Issued {
  readonly subject: Uint8Array;
  /** A leaf. */
  issue(template: Template): Issued;
  /** An intermediate authority. */
  authority(template: Template): Authority;
}

/** A self-signed root. */
export function makeAuthority(template: Template = { name: 'Test root' }): Authority {
  const key = template.key ?? makeKey(template.name);
  const subject = distinguishedName(template);
  const certificate = build(caDefaults(template), key, subject, template.signedBy ?? key, subject);
  return asAuthority(certificate, key, subject, []);
}

/** A certificate that is its own issuer and no authority. */
export function makeSelfSigned(template: Template): Issued {
  const key = template.key ?? makeKey(template.name);
  const subject = distinguishedName(template);
  const certificate = build(leafDefaults(template), key, subject, template.signedBy ?? key, subject);
  return { certificate, key, chain: [certificate], privateKey: new Secret(key.pkcs8) };
}

function asAuthority(
  certificate: Uint8Array,
  key: TestKey,
  subject: Uint8Array,
  above: readonly Uint8Array[],
): Authority {
  const issueOn = (template: Template): { certificate: Uint8Array; key: TestKey; subject: Uint8Array } => {
    const own = template.key ?? makeKey(template.name);
    const issuer = template.issuerName === undefined ? subject : distinguishedName({ name: template.issuerName });
    const name = distinguishedName(template);
    return { certificate: build(template, own, name, template.signedBy ?? key, issuer), key: own, subject: name };
  };
  return {
    certificate,
    key,
    subject,
    chain: [certificate],
    privateKey: new Secret(key.pkcs8),
    issue(template) {
      const issued = issueOn(leafDefaults(template));
      const chain = [issued.certificate, ...above];
      return { certificate: issued.certificate, key: issued.key, chain, privateKey: new Secret(issued.key.pkcs8) };
    },
    authority(template) {
      const issued = issueOn(caDefaults(template));
      return asAuthority(issued.certificate, issued.key, issued.subject, [issued.certificate, ...above]);
    },
  };
}

function caDefaults(template: Template): Template {
  return { ca: true, keyUsage: ['keyCertSign', 'cRLSign'], purposes: null, alternativeNames: null, ...template };
}

function leafDefaults(template: Template): Template {
  return {
    keyUsage: ['digitalSignature'],
    purposes: [purpose.serverAuth, purpose.clientAuth],
    alternativeNames: template.name === '' ? null : [template.name],
    ...template,
  };
}

function distinguishedName({ name, organisation }: Pick<Template, 'name' | 'organisation'>): Uint8Array {
  const part = (type: string, value: string): Uint8Array => element(Tag.Set, sequence(oid(type), text(value)));
  const organisations = organisation === undefined ? [] : [part('2.5.4.10', organisation)];
  return sequence(...organisations, ...(name === '' ? [] : [part('2.5.4.3', name)]));
}

let serials = 0;

function build(t: Template, key: TestKey, subject: Uint8Array, signer: TestKey, issuer: Uint8Array): Uint8Array {
  serials += 1;
  const serial = t.serial ?? serials;
  const { scheme, identifier } = signatureOf(signer);
  const tbs = sequence(
    ...(t.version === 1 ? [] : [element(0xa0, integer(2))]),
    integer(1, (serial >>> 8) & 0xff, serial & 0xff),
    identifier,
    issuer,
    sequence(time(t.notBefore ?? '2020-01-01'), time(t.notAfter ?? '2049-12-31')),
    subject,
    key.spki,
    ...(t.version === 1 ? [] : [element(0xa3, sequence(...extensionsOf(t).map(encodeExtension)))]),
  );
  return sequence(tbs, identifier, bits(signWith(scheme, signer, tbs)));
}

function extensionsOf(t: Template): Extension[] {
  const list: Extension[] = [];
  if (t.ca !== undefined) {
    const length = typeof t.ca === 'object' ? [integer(t.ca.pathLength)] : [];
    list.push({ oid: '2.5.29.19', critical: true, value: sequence(...(t.ca === false ? [] : [flag()]), ...length) });
  }
  if (t.keyUsage) {
    const byte = t.keyUsage.reduce((sum, name) => sum | (0x80 >>> keyUsageBits[name]), 0);
    list.push({ oid: '2.5.29.15', critical: true, value: bits(Uint8Array.of(byte), 31 - Math.clz32(byte & -byte)) });
  }
  if (t.purposes) list.push({ oid: '2.5.29.37', value: sequence(...t.purposes.map(oid)) });
  if (t.alternativeNames) {
    const names = t.alternativeNames.map((each) =>
      typeof each === 'string' ? element(0x82, encodeUtf8(each)) : element(0x87, each),
    );
    list.push({ oid: '2.5.29.17', value: sequence(...names) });
  }
  return [...list, ...(t.more ?? [])];
}

function encodeExtension({ oid: id, critical, value }: Extension): Uint8Array {
  return sequence(oid(id), ...(critical === true ? [flag()] : []), octets(value));
}

function signatureOf(signer: TestKey): { scheme: number; identifier: Uint8Array } {
  switch (signer.algorithm) {
    case 'rsa':
      return { scheme: 0x0401, identifier: sequence(oid('1.2.840.113549.1.1.11'), fromHex('0500')) };
    case 'ed25519':
      return { scheme: 0x0807, identifier: sequence(oid('1.3.101.112')) };
    default:
      return { scheme: 0x0403, identifier: sequence(oid('1.2.840.10045.4.3.2')) };
  }
}

/** As a file would hold it. */
export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
