// Certificates for measurements: P-256 keys and what X.509 asks of a leaf and its issuer (RFC 5280), written as DER by hand.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface Issued {
  readonly certificate: Uint8Array;
  /** The part that the issuer has signed, and its signature. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), body]);
}

const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
const octets = (bytes: Uint8Array) => der(0x04, bytes);
const bits = (bytes: Uint8Array) => der(0x03, Uint8Array.of(0), bytes);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const truth = Uint8Array.of(1, 1, 255);

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
const commonName = oid('550403');
const basicConstraints = oid('551d13');
const keyUsage = oid('551d0f');

function nameOf(text: string): Buffer {
  return sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from(text)))));
}

function extensions(isAuthority: boolean): Buffer {
  const usage = isAuthority ? Uint8Array.of(3, 2, 2, 4) : Uint8Array.of(3, 2, 7, 128);
  return der(
    0xa3,
    sequence(
      sequence(basicConstraints, truth, octets(sequence(...(isAuthority ? [truth] : [])))),
      sequence(keyUsage, truth, octets(usage)),
    ),
  );
}

/** Without an issuer: a root, signed by itself. */
export function issue(
  subject: string,
  serial: number,
  issuer?: { readonly name: string; readonly key: KeyObject },
): Issued {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const time = (year: string) => der(0x17, Buffer.from(`${year}0101000000Z`));
  const signed = sequence(
    der(0xa0, Uint8Array.of(2, 1, 2)),
    der(0x02, Uint8Array.of(1 + (serial >> 16), (serial >> 8) & 255, serial & 255)),
    ecdsaWithSha256,
    nameOf(issuer?.name ?? subject),
    sequence(time('24'), time('49')),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions(issuer === undefined),
  );
  const signature = sign('sha256', signed, issuer?.key ?? privateKey);
  return { certificate: sequence(signed, ecdsaWithSha256, bits(signature)), signed, signature, publicKey, privateKey };
}
