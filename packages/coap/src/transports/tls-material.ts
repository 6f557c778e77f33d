// Keys and certificates as node:tls wants them, which is PEM: from DER or PEM, bytes or text, told apart by their content. And
// whether they are what they should be.
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigError, type Secret, toBase64 } from '@lapwing/kernel';

/** DER bytes, PEM bytes or PEM text. */
export type TlsMaterial = Uint8Array | string;

export interface TlsCertificateAndKey {
  /** The leaf first, then each one's issuer. */
  readonly chain: readonly TlsMaterial[];
  readonly privateKey: Secret | TlsMaterial;
}

/** Throws ConfigError for what is neither; `what` names the setting. */
export function certificatePem(material: TlsMaterial, what: string): string {
  return asPem(material, what, 'CERTIFICATE');
}

/** PKCS #8 (RFC 5958) or SEC 1 (RFC 5915). */
export function privateKeyPem(material: Secret | TlsMaterial, what: string): string {
  const plain = typeof material === 'string' || material instanceof Uint8Array ? material : material.reveal();
  const label = plain instanceof Uint8Array && isSec1(plain) ? 'EC PRIVATE KEY' : 'PRIVATE KEY';
  return asPem(plain, what, label);
}

/** The certificates in a PEM, or the one in DER. */
export function certificatesDer(material: TlsMaterial, what: string): readonly Uint8Array[] {
  if (material instanceof Uint8Array && material[0] === 0x30) return [material];
  const blocks = certificatePem(material, what).matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END/g);
  return [...blocks].map(([, base64 = '']) => new Uint8Array(Buffer.from(base64, 'base64')));
}

/**
 * Whether certificates and keys are what they should be and belong together. Throws ConfigError whose problems begin with
 * `certificate.chain`, `certificate.privateKey` or `authorities`.
 */
export function checkTlsMaterial(
  certificate: TlsCertificateAndKey | undefined,
  authorities: readonly TlsMaterial[],
): void {
  const problems: string[] = [];
  const check = (what: string, make: () => SecureContextOptions, problem: string): void => {
    try {
      createSecureContext(make());
    } catch (error) {
      if (error instanceof ConfigError) problems.push(...error.problems);
      else problems.push(`${what}: ${problem}`);
    }
  };
  authorities.forEach((each, i) => {
    const what = `authorities[${i}]`;
    check(what, () => ({ cert: certificatePem(each, what) }), 'holds no certificate');
  });
  if (certificate !== undefined) {
    const { chain, privateKey } = certificate;
    const cert = (): string => chain.map((each, i) => certificatePem(each, `certificate.chain[${i}]`)).join('');
    const key = (): string => privateKeyPem(privateKey, 'certificate.privateKey');
    check('certificate.chain', () => ({ cert: cert() }), 'holds no certificate');
    check('certificate.privateKey', () => ({ key: key() }), 'holds no private key');
    if (problems.length === 0)
      check('certificate.privateKey', () => ({ cert: cert(), key: key() }), 'does not belong to the certificate');
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

function asPem(material: TlsMaterial, what: string, label: string): string {
  if (material instanceof Uint8Array && material[0] === 0x30) {
    const lines = toBase64(material).match(/.{1,64}/g) ?? [];
    return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
  }
  const text = typeof material === 'string' ? material : Buffer.from(material).toString('latin1');
  if (!text.includes('-----BEGIN ')) throw new ConfigError([`${what}: neither PEM nor DER`]);
  return text.endsWith('\n') ? text : `${text}\n`;
}

/** SEQUENCE { INTEGER 1, OCTET STRING …: PKCS #8 has INTEGER 0 or 1 and then a SEQUENCE. */
function isSec1(der: Uint8Array): boolean {
  const first = der[1] ?? 0;
  const at = first < 0x80 ? 2 : 2 + (first & 0x7f);
  return der[at] === 2 && der[at + 1] === 1 && der[at + 3] === 4;
}
