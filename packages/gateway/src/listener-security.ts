// How a DTLS listener is secured: its certificates and keys are read from their files, once, when the gateway starts.
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ConfigError, Secret } from '@lapwing/kernel';
import {
  type AssociationStore,
  checkListenerSecurity,
  type ListenerSecurity,
  type SecurityStore,
} from '@lapwing/server';
import type { DtlsConfig } from './config-listeners.ts';

/** Throws ConfigError for a file that cannot be read or holds something else, and for a key that its password does not open. */
export async function securityOfListener(
  config: DtlsConfig,
  at: string,
  associations: AssociationStore | undefined,
): Promise<ListenerSecurity> {
  const { certificate, authoritiesFile, rawKeyFile, suites, connectionId, ...same } = config;
  const security: ListenerSecurity = {
    psk: same.psk,
    clientAuthentication: same.clientAuthentication,
    extendedMasterSecret: same.extendedMasterSecret,
    handshakeTimeout: same.handshakeTimeout,
    handshakesPerHost: same.handshakesPerHost,
    resumption: same.resumption,
    connectionId,
    ...(suites.length === 0 ? {} : { suites }),
    ...(associations === undefined ? {} : { associations }),
    ...(certificate === undefined
      ? {}
      : {
          certificate: {
            chain: [await read(certificate.file, `${at}.certfile`)],
            privateKey: opened(
              await read(certificate.keyFile, `${at}.keyfile`),
              certificate.password,
              `${at}.keyfile: ${certificate.keyFile}`,
            ),
          },
        }),
    ...(authoritiesFile === undefined ? {} : { authorities: [await read(authoritiesFile, `${at}.cacertfile`)] }),
    ...(rawKeyFile === undefined
      ? {}
      : {
          rawPublicKey: {
            privateKey: opened(
              await read(rawKeyFile, `${at}.rpk_keyfile`),
              undefined,
              `${at}.rpk_keyfile: ${rawKeyFile}`,
            ),
          },
        }),
  };
  check(security, config, at);
  return security;
}

/** What is wrong with the content of a file, said of that file. */
function check(security: ListenerSecurity, config: DtlsConfig, at: string): void {
  const { certificate, authoritiesFile, rawKeyFile } = config;
  const places: readonly (readonly [RegExp, string])[] = [
    [/^certificate\.privateKey: /, `${at}.keyfile: ${certificate?.keyFile}: `],
    [/^certificate\.chain(\[\d+\])?: /, `${at}.certfile: ${certificate?.file}: `],
    [/^rawPublicKey\.privateKey: /, `${at}.rpk_keyfile: ${rawKeyFile}: `],
    [/^authorities(\[\d+\])?: /, `${at}.cacertfile: ${authoritiesFile}: `],
  ];
  try {
    checkListenerSecurity(security);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(
      error.problems.map((problem) => places.reduce((text, [place, file]) => text.replace(place, () => file), problem)),
    );
  }
}

/** Throws ConfigError for a listener that no device could come in over. */
export async function checkAdmission(
  { certificate, rawKeyFile, psk }: DtlsConfig,
  at: string,
  credentials: SecurityStore | undefined,
): Promise<void> {
  if (certificate !== undefined) return;
  for await (const { credential } of credentials?.all() ?? []) {
    if (credential.kind === 'psk' ? psk : credential.kind === 'rpk' && rawKeyFile !== undefined) return;
  }
  throw new ConfigError([
    `${at}: nobody could come in: there is no certfile, and security.credentials holds no key that this listener takes`,
  ]);
}

async function read(file: string, at: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    throw new ConfigError([`${at}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`]);
  }
}

/** An encrypted key is opened here, so that nobody below needs its password. */
function opened(key: Uint8Array, password: Secret | undefined, at: string): Secret {
  const text = Buffer.from(key).toString('latin1');
  if (!/-----BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(text)) return new Secret(key);
  if (password === undefined) throw new ConfigError([`${at} is encrypted and needs dtls_options.password`]);
  try {
    const plain = createPrivateKey({ key: text, passphrase: Buffer.from(password.reveal()) });
    return new Secret(plain.export({ format: 'der', type: 'pkcs8' }));
  } catch {
    throw new ConfigError([`${at} does not open with dtls_options.password`]);
  }
}
