// Keys and certificates for the DTLS tests, made by openssl for each group of tests in a folder that is gone with it.
// One authority has signed all certificates; the names of a server are localhost and 127.0.0.1.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterTheTests } from './cleanup.ts';
import { program } from './part.ts';
import { mustRun } from './process.ts';

/** Files of one side: what it proves itself with. */
export interface Party {
  readonly name: string;
  /** PKCS #8, PEM. */
  readonly key: string;
  /** SubjectPublicKeyInfo, PEM. */
  readonly publicKey: string;
  /** PEM. */
  readonly certificate: string;
  /** Private key, then public key, in one PEM file. */
  readonly pair: string;
}

export interface Material {
  readonly folder: string;
  readonly authority: string;
  readonly server: Party;
  /** Another name (`second.test`), for SNI. */
  readonly second: Party;
  /** A server whose key is RSA. */
  readonly rsa: Party;
  readonly client: Party;
  /** In hex; its identity is `dev-1`. */
  readonly psk: string;
  readonly identity: string;
  /** `IDENTITY:HEX` lines, as GnuTLS wants them. */
  readonly pskFile: string;
}

let made: Promise<Material> | undefined;

/** The same for all tests of one group. */
export function material(): Promise<Material> {
  made ??= make();
  return made;
}

/** What stands in a PEM file, as DER. */
export function derOf(file: string, label: string): Uint8Array {
  const pattern = new RegExp(`-----BEGIN ${label}-----([^-]*)-----END`);
  const [, base64] = pattern.exec(readFileSync(file, 'utf8')) ?? [];
  if (base64 === undefined) throw new Error(`${file} has no ${label}`);
  return Buffer.from(base64, 'base64');
}

const openssl = (...args: readonly string[]): Promise<string> =>
  mustRun({ name: `openssl ${args[0]}`, command: program('openssl'), args, lifetime: 30 });

async function make(): Promise<Material> {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-dtls-'));
  afterTheTests(() => {
    made = undefined;
    rmSync(folder, { recursive: true, force: true });
  });
  const authority = join(folder, 'authority-certificate.pem');
  const authorityKey = join(folder, 'authority-key.pem');
  await openssl(...generate('EC', authorityKey));
  await openssl(
    ...['req', '-x509', '-new', '-key', authorityKey, '-subj', '/CN=Lapwing test authority', '-days', '2'],
    ...['-addext', 'basicConstraints=critical,CA:true', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ...['-out', authority],
  );
  const issue = async (name: string, kind: 'EC' | 'RSA', names: string): Promise<Party> => {
    // Scandium goes by the end of the name.
    const file = (what: string): string => join(folder, `${name}-${what}.pem`);
    await openssl(...generate(kind, file('key')));
    await openssl('pkey', '-in', file('key'), '-pubout', '-out', file('public'));
    await openssl('req', '-new', '-key', file('key'), '-subj', `/CN=${name}`, '-out', file('request'));
    const extensions = [
      `subjectAltName=${names}`,
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=serverAuth,clientAuth',
      'basicConstraints=critical,CA:false',
    ];
    writeFileSync(file('extensions'), `${extensions.join('\n')}\n`);
    await openssl(
      ...['x509', '-req', '-in', file('request'), '-CA', authority, '-CAkey', authorityKey, '-days', '2'],
      ...['-CAcreateserial', '-extfile', file('extensions'), '-out', file('certificate')],
    );
    writeFileSync(file('pair'), readFileSync(file('key'), 'utf8') + readFileSync(file('public'), 'utf8'));
    return { name, key: file('key'), publicKey: file('public'), certificate: file('certificate'), pair: file('pair') };
  };
  const local = 'DNS:localhost,IP:127.0.0.1';
  const identity = 'dev-1';
  const psk = Buffer.from('a pre-shared key').toString('hex');
  const pskFile = join(folder, 'psk');
  writeFileSync(pskFile, `${identity}:${psk}\n`);
  return {
    folder,
    authority,
    server: await issue('server', 'EC', local),
    second: await issue('second.test', 'EC', 'DNS:second.test'),
    rsa: await issue('rsa', 'RSA', local),
    client: await issue('dev-1', 'EC', 'DNS:dev-1'),
    psk,
    identity,
    pskFile,
  };
}

function generate(kind: 'EC' | 'RSA', file: string): string[] {
  const option = kind === 'EC' ? 'ec_paramgen_curve:P-256' : 'rsa_keygen_bits:2048';
  return ['genpkey', '-quiet', '-algorithm', kind, '-pkeyopt', option, '-out', file];
}
