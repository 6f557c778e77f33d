// What a command proves itself with and whom it trusts, from its flags: a pre-shared key, a certificate, or a raw public key.
import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import type { Credentials } from '@lapwing/client';
import { ConfigError, encodeUtf8, FormatError, fromHex, Secret } from '@lapwing/kernel';
import type { Command } from 'commander';

export interface CredentialFlags {
  readonly pskIdentity?: string;
  readonly pskKey?: string;
  readonly pskText?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly anyName?: true;
  readonly rpkKey?: string;
  readonly serverKey?: string;
}

export function addCredentialOptions(command: Command): Command {
  return command
    .option('--psk-identity <text>', 'identity of a pre-shared key')
    .option('--psk-key <hex>', 'the key in hexadecimal')
    .option('--psk-text <text>', 'the key as the characters themselves (as in a PSK file of EMQX)')
    .option('--cert <file>', 'own certificate with its chain, PEM or DER')
    .option('--key <file>', 'its private key')
    .option('--ca <file>', "certificates that may vouch for the server; default: the system's")
    .option('--any-name', 'accept a certificate of another name than the host')
    .option('--rpk-key <file>', 'own raw public key: its private key, PEM or DER')
    .option('--server-key <file>', 'the raw public key that the server must show');
}

/** Without flags: nothing of one's own, and the system's authorities. Throws ConfigError for flags that do not fit together. */
export async function credentialsOf(flags: CredentialFlags): Promise<Credentials> {
  const { pskIdentity, pskKey, pskText, cert, key, ca, rpkKey, serverKey } = flags;
  const problems: string[] = [];
  if ((pskKey ?? pskText) !== undefined && pskIdentity === undefined) problems.push('--psk-key needs --psk-identity');
  if (pskIdentity !== undefined && (pskKey === undefined) === (pskText === undefined))
    problems.push('--psk-identity needs --psk-key or --psk-text, one of them');
  if ((cert === undefined) !== (key === undefined)) problems.push('--cert and --key belong together');
  if ((rpkKey === undefined) !== (serverKey === undefined)) problems.push('--rpk-key and --server-key belong together');
  const kinds = [pskIdentity, cert, rpkKey].filter((given) => given !== undefined).length;
  if (kinds > 1) problems.push('one kind of credentials: --psk-identity, --cert or --rpk-key');
  if (problems.length > 0) throw new ConfigError(problems);
  if (pskIdentity !== undefined)
    return { kind: 'psk', identity: encodeUtf8(pskIdentity), key: pskKeyOf(pskKey, pskText ?? '') };
  if (rpkKey !== undefined && serverKey !== undefined) {
    const privateKey = new Secret(await fileOf(rpkKey, '--rpk-key'));
    return { kind: 'rpk', privateKey, trusted: [await fileOf(serverKey, '--server-key')] };
  }
  const trust = {
    roots: ca === undefined ? rootCertificates : [await fileOf(ca, '--ca')],
    ...(flags.anyName === true ? { hostName: false as const } : {}),
  };
  if (cert === undefined || key === undefined) return { kind: 'x509', trust };
  const own = { chain: [await fileOf(cert, '--cert')], privateKey: new Secret(await fileOf(key, '--key')) };
  return { kind: 'x509', own, trust };
}

function pskKeyOf(hex: string | undefined, text: string): Secret {
  if (hex === undefined) return new Secret(encodeUtf8(text));
  try {
    return new Secret(fromHex(hex));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new ConfigError(['--psk-key: is not hexadecimal; --psk-text takes the characters as they are']);
  }
}

/** Rejects with ConfigError, naming the flag and the file. */
export async function fileOf(file: string, flag: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    throw new ConfigError([`${flag}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`]);
  }
}
