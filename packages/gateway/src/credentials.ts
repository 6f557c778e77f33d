// The credentials of devices in a configuration, in its files and in EMQX's file of pre-shared keys, as a store for the server.
// Every mistake names its place; no message holds a key.
import type { ContextParameters } from '@lapwing/coap/oscore';
import { ConfigError, encodeUtf8, Secret } from '@lapwing/kernel';
import { isName } from '@lapwing/lwm2m';
import { CredentialTakenError, type DeviceCredential, MemorySecurityStore } from '@lapwing/server';
import type { SecurityConfig } from './config-security.ts';
import { certificateOf, publicKeyOf } from './key-material.ts';
import { credentialList, type WrittenCredential } from './security-schema.ts';
import { parseText, readText } from './written-file.ts';

/** Problems of one file that are worth telling. */
const maxProblems = 20;

/** Under `at`. Throws ConfigError with the problems of all places; undefined when nothing is configured. */
export async function loadCredentials(
  config: SecurityConfig,
  at = 'security',
): Promise<MemorySecurityStore | undefined> {
  const { credentials, files, pskFile } = config;
  if (credentials.length === 0 && files.length === 0 && pskFile === undefined) return undefined;
  const store = new MemorySecurityStore();
  const problems = await takeList(store, credentials, `${at}.credentials`);
  for (const [i, file] of files.entries()) problems.push(...(await takeFile(store, file, `${at}.files[${i}]`)));
  if (pskFile !== undefined) problems.push(...(await takePskFile(store, pskFile.path, pskFile.separator)));
  if (problems.length > 0) throw new ConfigError(problems);
  return store;
}

/** A list like `security.credentials`, in YAML or JSON. */
async function takeFile(store: MemorySecurityStore, file: string, at: string): Promise<string[]> {
  const text = await readText(file);
  if (typeof text !== 'string') return [`${at}: ${file} ${text.problem}`];
  const parsed = parseText(text);
  if ('problem' in parsed) return [`${file}: ${parsed.problem}`];
  const result = credentialList.safeParse(parsed.value ?? []);
  if (result.success) return takeList(store, result.data, file);
  return result.error.issues
    .slice(0, maxProblems)
    .map(({ path, message }) => `${file}${path.map((part) => `[${String(part)}]`).join('')}: ${message}`);
}

async function takeList(store: MemorySecurityStore, list: readonly WrittenCredential[], at: string): Promise<string[]> {
  const problems: string[] = [];
  for (const [i, written] of list.entries()) {
    const place = `${at}[${i}]`;
    for (const credential of credentialsOf(written, place, problems))
      await take(store, written.endpoint, credential, place, problems);
    if (problems.length >= maxProblems) break;
  }
  return problems;
}

function* credentialsOf(
  { endpoint, psk, rpk, x509, oscore }: WrittenCredential,
  at: string,
  problems: string[],
): Iterable<DeviceCredential> {
  if (psk !== undefined) {
    yield { kind: 'psk', identity: encodeUtf8(psk.identity ?? endpoint), key: new Secret(psk.key) };
  }
  if (rpk !== undefined) {
    const publicKey = read(rpk.public_key, publicKeyOf);
    if (publicKey === undefined) problems.push(`${at}.rpk.public_key: is no public key in PEM or base64`);
    else yield { kind: 'rpk', publicKey };
  }
  if (x509 !== undefined) {
    const subject = x509.subject ?? endpoint;
    const certificate = x509.certificate === undefined ? undefined : read(x509.certificate, certificateOf);
    if (x509.certificate === undefined) yield { kind: 'x509', subject };
    else if (certificate === undefined) problems.push(`${at}.x509.certificate: is no certificate in PEM or base64`);
    else yield { kind: 'x509', subject, certificate };
  }
  if (oscore !== undefined) yield { kind: 'oscore', context: contextOf(oscore) };
}

function contextOf(written: NonNullable<WrittenCredential['oscore']>): ContextParameters {
  const {
    master_secret,
    sender_id: senderId,
    recipient_id: recipientId,
    master_salt,
    id_context,
    aead,
    hkdf,
  } = written;
  return {
    masterSecret: new Secret(master_secret),
    ...{ senderId, recipientId, aead, hkdf },
    ...(master_salt === undefined ? {} : { masterSalt: master_salt }),
    ...(id_context === undefined ? {} : { idContext: id_context }),
  };
}

async function take(
  store: MemorySecurityStore,
  endpoint: string,
  credential: DeviceCredential,
  at: string,
  problems: string[],
): Promise<void> {
  if (!isName(endpoint)) {
    problems.push(`${at}.endpoint: is no endpoint name: 1 to 252 bytes without control characters`);
    return;
  }
  try {
    await store.put({ endpoint, credential });
  } catch (error) {
    if (error instanceof ConfigError) problems.push(...error.problems.map((problem) => `${at}.${inConfig(problem)}`));
    else if (error instanceof CredentialTakenError) problems.push(`${at}: ${error.message}`);
    else throw error;
  }
}

/** In the words of the configuration: `recipient_id` for `recipientId`. */
const inConfig = (problem: string): string =>
  problem.replaceAll(/\b[a-z]+[A-Z][a-z]+\b/g, (name) => name.replace(/[A-Z]/, (letter) => `_${letter.toLowerCase()}`));

/** EMQX's lines of identity, separator and secret, whose bytes are the key as they stand. The identity is the endpoint's name. */
async function takePskFile(store: MemorySecurityStore, file: string, separator: string): Promise<string[]> {
  const text = await readText(file);
  if (typeof text !== 'string') return [`psk_authentication.init_file: ${file} ${text.problem}`];
  const problems: string[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line === '') continue;
    const at = line.indexOf(separator);
    const identity = line.slice(0, Math.max(at, 0));
    const key = at < 0 ? '' : line.slice(at + separator.length);
    const place = `${file}:${i + 1}`;
    if (identity === '' || key === '') problems.push(`${place}: is no identity, '${separator}' and secret`);
    else {
      const credential = { kind: 'psk', identity: encodeUtf8(identity), key: new Secret(encodeUtf8(key)) } as const;
      await take(store, identity, credential, place, problems);
    }
    if (problems.length >= maxProblems) break;
  }
  return problems;
}

/** Undefined for what is none. */
function read(written: string, of: (written: string) => Uint8Array): Uint8Array | undefined {
  try {
    return of(written);
  } catch {
    return undefined;
  }
}
