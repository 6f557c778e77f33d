// How a listener is secured by DTLS or TLS: its certificates and keys are read from their files when the gateway starts, those of DTLS
// again when they change.
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ConfigError, Secret } from '@lapwing/kernel';
import {
  type AssociationStore,
  checkListenerSecurity,
  checkStreamSecurity,
  type ListenerSecurity,
  type StreamSecurity,
} from '@lapwing/server';
import type { DtlsConfig, TlsConfig } from './listener-place.ts';
import { underTheirNames } from './tls-files.ts';
import { type Ears, WatchedFiles } from './watched-files.ts';

/**
 * Under `at`, the path of its options. Throws ConfigError for a file that cannot be read or holds something else, and for a key that
 * its password does not open.
 */
export async function securityOfListener(
  config: DtlsConfig,
  at: string,
  associations: AssociationStore | undefined,
): Promise<ListenerSecurity> {
  const { rawKeyFile, suites } = config;
  const security: ListenerSecurity = {
    ...(await provedBy(config, at)),
    extendedMasterSecret: config.extendedMasterSecret,
    handshakesPerHost: config.handshakesPerHost,
    associationsPerIdentity: config.associationsPerIdentity,
    idleTimeout: config.idleTimeout,
    resumption: config.resumption,
    connectionId: config.connectionId,
    ...(suites.length === 0 ? {} : { suites }),
    ...(associations === undefined ? {} : { associations }),
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
  check(() => checkListenerSecurity(security), config, rawKeyFile, at);
  return security;
}

export const certificateFiles = ({ certificate }: TlsConfig): readonly string[] =>
  certificate === undefined ? [] : [certificate.file, certificate.keyFile];

/**
 * Shows devices the certificate and key that their files hold now, within 10 s of a change, until it is disposed of: `security` is what
 * the listener was opened with. A file that cannot be used changes nothing, and is told. `stamp`: of the files, before they were read.
 */
export function followCertificate(
  security: ListenerSecurity,
  config: DtlsConfig,
  at: string,
  { clock, log, metrics }: Ears,
  stamp: string,
): Disposable {
  const files = certificateFiles(config);
  let shown = security.certificate;
  if (shown !== undefined) Object.defineProperty(security, 'certificate', { get: () => shown });
  const watched = new WatchedFiles(files, clock, async () => {
    try {
      shown = (await securityOfListener(config, at, undefined)).certificate;
      log.info('certificate: read again', { listener: at });
    } catch (error) {
      metrics.add('credentials.unreadable');
      const [problem] = error instanceof ConfigError ? error.problems : [String(error)];
      log.error('certificate: its files cannot be used, the one of before stays', { problem });
    }
  });
  watched.start(stamp);
  return watched;
}

/** The same of a listener for connections. */
export async function securityOfStreams(config: TlsConfig, at: string): Promise<StreamSecurity> {
  const security = await provedBy(config, at);
  check(() => checkStreamSecurity(security), config, undefined, at);
  return security;
}

/** What DTLS and TLS have in common. */
async function provedBy(config: TlsConfig, at: string) {
  const { certificate, authoritiesFile, psk, clientAuthentication, handshakeTimeout } = config;
  return {
    psk,
    clientAuthentication,
    handshakeTimeout,
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
  };
}

/** What is wrong with the content of a file, said of that file. */
function check(judge: () => void, config: TlsConfig, rawKeyFile: string | undefined, at: string): void {
  const { certificate, authoritiesFile } = config;
  const places: readonly (readonly [RegExp, string])[] = [
    [/^certificate\.privateKey: /, `${at}.keyfile: ${certificate?.keyFile}: `],
    [/^certificate\.chain(\[\d+\])?: /, `${at}.certfile: ${certificate?.file}: `],
    [/^rawPublicKey\.privateKey: /, `${at}.rpk_keyfile: ${rawKeyFile}: `],
    [/^authorities(\[\d+\])?: /, `${at}.cacertfile: ${authoritiesFile}: `],
  ];
  underTheirNames(places, judge);
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
  if (password === undefined) throw new ConfigError([`${at} is encrypted and needs its password`]);
  try {
    const plain = createPrivateKey({ key: text, passphrase: Buffer.from(password.reveal()) });
    return new Secret(plain.export({ format: 'der', type: 'pkcs8' }));
  } catch {
    throw new ConfigError([`${at} does not open with its password`]);
  }
}
