// Credentials in memory: the indexes over one set, and the names they belong to.
import { deriveContext, identityOf } from '@lapwing/coap/oscore';
import { toHex } from '@lapwing/kernel';
import { CredentialTakenError, type DeviceCredential, type DeviceSecurity, type SecurityStore } from './store.ts';

export class MemorySecurityStore implements SecurityStore {
  private readonly credentials = new Map<string, DeviceSecurity>();
  private readonly endpoints = new Map<string, Set<string>>();
  /** Keys of contexts of OSCORE, by Recipient ID. */
  private readonly recipients = new Map<string, Set<string>>();

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

  ofEndpoint(endpoint: string): readonly DeviceCredential[] {
    const found: DeviceCredential[] = [];
    for (const key of this.endpoints.get(endpoint) ?? []) {
      const security = this.credentials.get(key);
      if (security !== undefined) found.push(security.credential);
    }
    return found;
  }

  put(security: DeviceSecurity): Promise<void> {
    try {
      this.add(security);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  remove(endpoint: string): Promise<boolean> {
    const keys = this.endpoints.get(endpoint);
    this.endpoints.delete(endpoint);
    for (const key of keys ?? []) this.forget(key);
    return Promise.resolve(keys !== undefined);
  }

  async *all(): AsyncIterable<DeviceSecurity> {
    yield* this.credentials.values();
  }

  private add(security: DeviceSecurity): void {
    const { credential, endpoint } = security;
    if (credential.kind === 'oscore') deriveContext(credential.context);
    const key = credentialKey(credential);
    const known = this.credentials.get(key);
    if (known !== undefined && known.endpoint !== endpoint)
      throw new CredentialTakenError(`${endpoint}: its ${described(credential)} is that of ${known.endpoint}`);
    this.credentials.set(key, security);
    const keys = this.endpoints.get(endpoint);
    if (keys === undefined) this.endpoints.set(endpoint, new Set([key]));
    else keys.add(key);
    if (credential.kind !== 'oscore') return;
    const recipient = toHex(credential.context.recipientId);
    this.recipients.set(recipient, (this.recipients.get(recipient) ?? new Set()).add(key));
  }

  private forget(key: string): void {
    const credential = this.credentials.get(key)?.credential;
    this.credentials.delete(key);
    if (credential?.kind !== 'oscore') return;
    const recipient = toHex(credential.context.recipientId);
    const left = this.recipients.get(recipient);
    left?.delete(key);
    if (left?.size === 0) this.recipients.delete(recipient);
  }
}

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
