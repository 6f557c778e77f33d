// Credentials in memory: the indexes over one set, and the names they belong to.
import { deriveContext, identityOf } from '@lapwing/coap/oscore';
import { digest, type Identity, type Secret, toHex } from '@lapwing/kernel';
import {
  type CredentialChange,
  CredentialTakenError,
  type DeviceCredential,
  type DeviceSecurity,
  type SecurityStore,
} from './store.ts';

export class MemorySecurityStore implements SecurityStore {
  private credentials = new Map<string, DeviceSecurity>();
  private endpoints = new Map<string, Set<string>>();
  /** Keys of contexts of OSCORE, by Recipient ID. */
  private recipients = new Map<string, Set<string>>();
  /** The same by the digest of their master secret. */
  private secrets = new Map<string, Set<string>>();
  private readonly listeners = new Set<(change: CredentialChange) => void>();

  /** Throws CredentialTakenError when two endpoints share one, and ConfigError for what makes no context of OSCORE. */
  constructor(securities: Iterable<DeviceSecurity> = []) {
    for (const security of securities) this.add(security);
  }

  get size(): number {
    return this.credentials.size;
  }

  byPskIdentity(identity: Uint8Array): DeviceSecurity | undefined {
    return this.credentials.get(pskKey(identity));
  }

  byPublicKey(publicKey: Uint8Array): DeviceSecurity | undefined {
    return this.credentials.get(publicKeyKey(publicKey));
  }

  bySubject(subject: string): DeviceSecurity | undefined {
    return this.credentials.get(subjectKey(subject));
  }

  byRecipientId(recipientId: Uint8Array): readonly DeviceSecurity[] {
    const keys = [...(this.recipients.get(toHex(recipientId)) ?? [])];
    return keys.flatMap((key) => this.credentials.get(key) ?? []);
  }

  byMasterSecret(masterSecret: Secret): DeviceSecurity | undefined {
    const [key] = this.secrets.get(digestOf(masterSecret)) ?? [];
    return key === undefined ? undefined : this.credentials.get(key);
  }

  ofEndpoint(endpoint: string): readonly DeviceCredential[] {
    const found: DeviceCredential[] = [];
    for (const key of this.endpoints.get(endpoint) ?? []) {
      const security = this.credentials.get(key);
      if (security !== undefined) found.push(security.credential);
    }
    return found;
  }

  async put(security: DeviceSecurity): Promise<void> {
    const { endpoint } = security;
    const before = this.ofEndpoint(endpoint);
    this.add(security);
    this.changed(endpoint, before);
  }

  async remove(endpoint: string): Promise<boolean> {
    const before = this.ofEndpoint(endpoint);
    this.drop(endpoint);
    if (before.length > 0) this.changed(endpoint, before);
    return before.length > 0;
  }

  async replace(endpoint: string, credentials: readonly DeviceCredential[]): Promise<void> {
    for (const credential of credentials) this.check({ endpoint, credential });
    const before = this.ofEndpoint(endpoint);
    this.drop(endpoint);
    for (const credential of credentials) this.add({ endpoint, credential });
    this.changed(endpoint, before);
  }

  /** Those and no others of all names, in one step. Rejects as the constructor throws, and then all is as before. */
  async replaceAll(securities: Iterable<DeviceSecurity>): Promise<void> {
    const next = new MemorySecurityStore(securities);
    const names = new Set([...this.endpoints.keys(), ...next.endpoints.keys()]);
    const before = [...names].map((endpoint) => ({ endpoint, credentials: this.ofEndpoint(endpoint) }));
    this.credentials = next.credentials;
    this.endpoints = next.endpoints;
    this.recipients = next.recipients;
    this.secrets = next.secrets;
    for (const { endpoint, credentials } of before) this.changed(endpoint, credentials);
  }

  /** True where another one was the first until now. */
  noteUse(endpoint: string, identity: Identity): boolean {
    const keys = this.endpoints.get(endpoint);
    const key = identityKey(identity);
    if (keys === undefined || key === undefined || keys.size < 2 || !keys.has(key)) return false;
    const [first] = keys;
    if (first === key) return false;
    this.endpoints.set(endpoint, new Set([key, ...keys]));
    return true;
  }

  used(endpoint: string, identity: Identity): void {
    this.noteUse(endpoint, identity);
  }

  onChange(listener: (change: CredentialChange) => void): Disposable {
    const heard = (change: CredentialChange): void => listener(change);
    this.listeners.add(heard);
    return { [Symbol.dispose]: () => void this.listeners.delete(heard) };
  }

  async *all(): AsyncIterable<DeviceSecurity> {
    yield* this.credentials.values();
  }

  private changed(endpoint: string, before: readonly DeviceCredential[]): void {
    const after = this.ofEndpoint(endpoint);
    for (const listener of [...this.listeners]) listener({ endpoint, before, after });
  }

  /** Throws what is wrong with it. */
  private check({ credential, endpoint }: DeviceSecurity): string {
    if (credential.kind === 'oscore') deriveContext(credential.context);
    const key = credentialKey(credential);
    const known = this.credentials.get(key);
    if (known !== undefined && known.endpoint !== endpoint)
      throw new CredentialTakenError(`${endpoint}: its ${described(credential)} is that of ${known.endpoint}`);
    if (credential.kind !== 'oscore') return key;
    // One could read and forge what is the other's, and nonces would be used twice (RFC 8613 §3.3).
    const other = this.byMasterSecret(credential.context.masterSecret);
    if (other !== undefined && other.endpoint !== endpoint)
      throw new CredentialTakenError(
        `${endpoint}: its master secret of OSCORE is that of ${other.endpoint}; each device needs one of its own`,
      );
    return key;
  }

  private add(security: DeviceSecurity): void {
    const { credential, endpoint } = security;
    const key = this.check(security);
    this.forget(key);
    this.credentials.set(key, security);
    enter(this.endpoints, endpoint, key);
    if (credential.kind !== 'oscore') return;
    enter(this.recipients, toHex(credential.context.recipientId), key);
    enter(this.secrets, digestOf(credential.context.masterSecret), key);
  }

  private drop(endpoint: string): void {
    for (const key of this.endpoints.get(endpoint) ?? []) this.forget(key);
    this.endpoints.delete(endpoint);
  }

  private forget(key: string): void {
    const credential = this.credentials.get(key)?.credential;
    this.credentials.delete(key);
    if (credential?.kind !== 'oscore') return;
    strike(this.recipients, toHex(credential.context.recipientId), key);
    strike(this.secrets, digestOf(credential.context.masterSecret), key);
  }
}

function enter(index: Map<string, Set<string>>, at: string, key: string): void {
  const keys = index.get(at);
  if (keys === undefined) index.set(at, new Set([key]));
  else keys.add(key);
}

function strike(index: Map<string, Set<string>>, at: string, key: string): void {
  const keys = index.get(at);
  keys?.delete(key);
  if (keys?.size === 0) index.delete(at);
}

const digestOf = (secret: Secret): string => toHex(digest('sha256', secret.reveal()));

const pskKey = (identity: Uint8Array): string => `psk ${toHex(identity)}`;
const publicKeyKey = (publicKey: Uint8Array): string => `rpk ${toHex(publicKey)}`;
const subjectKey = (subject: string): string => `x509 ${subject}`;

/** What no two credentials of different endpoints share. */
export function credentialKey(credential: DeviceCredential): string {
  switch (credential.kind) {
    case 'psk':
      return pskKey(credential.identity);
    case 'rpk':
      return publicKeyKey(credential.publicKey);
    case 'x509':
      return subjectKey(credential.subject);
    case 'oscore':
      return `oscore ${toHex(identityOf(credential.context.recipientId, credential.context.idContext))}`;
  }
}

/** Undefined for what is not known by its identity alone. */
function identityKey(identity: Identity): string | undefined {
  switch (identity.kind) {
    case 'psk':
      return pskKey(identity.id);
    case 'rpk':
      return publicKeyKey(identity.publicKey);
    case 'x509':
      return subjectKey(identity.subject);
    case 'oscore':
      return `oscore ${toHex(identity.id)}`;
    case 'none':
      return undefined;
  }
}

function described({ kind }: DeviceCredential): string {
  switch (kind) {
    case 'psk':
      return 'PSK identity';
    case 'rpk':
      return 'public key';
    case 'x509':
      return 'certificate subject';
    case 'oscore':
      return 'Recipient ID of OSCORE';
  }
}
