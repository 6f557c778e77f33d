// Credentials that bootstraps have handed out, in the embedded database, under those that are configured: together they are what
// the gateway's own listeners know devices by. What is configured is never written here, changed or taken away; what is written is on
// disk before the device hears of it.
import { FormatError } from '@lapwing/kernel';
import {
  CredentialTakenError,
  credentialKey,
  type DeviceCredential,
  type DeviceSecurity,
  isSameCredential,
  MemorySecurityStore,
  type SecurityStore,
} from '@lapwing/server';
import type { Database, Statement } from './database.ts';
import { column, type Row, readable, tagged, text, type Unreadable } from './rows.ts';
import { formatWithSecrets, withSecrets } from './secrets.ts';

/** Told at the start of a credential that the configuration gives to another endpoint: it is not taken up. */
export type NotTakenUp = (endpoint: string, why: string) => void;

export async function issuedIn(
  database: Database,
  unreadable: Unreadable,
  configured: MemorySecurityStore,
  notTakenUp: NotTakenUp,
): Promise<IssuedCredentials> {
  const store = new IssuedCredentials(database, configured);
  await store.read(unreadable, notTakenUp);
  return store;
}

export class IssuedCredentials implements SecurityStore {
  private readonly database: Database;
  private readonly configured: MemorySecurityStore;
  /** All that is in the database. */
  private readonly issued = new MemorySecurityStore();
  private readonly insert: Statement;
  private readonly removeAll: Statement;

  constructor(database: Database, configured: MemorySecurityStore) {
    this.database = database;
    this.configured = configured;
    this.insert = database.prepare(
      'INSERT OR REPLACE INTO issued_credential (endpoint, id, credential) VALUES (?, ?, ?)',
    );
    this.removeAll = database.prepare('DELETE FROM issued_credential WHERE endpoint = ?');
  }

  /** Those in the database. */
  get size(): number {
    return this.issued.size;
  }

  async read(unreadable: Unreadable, notTakenUp: NotTakenUp): Promise<void> {
    const rows = this.database.prepare('SELECT endpoint, credential FROM issued_credential').all();
    for (const security of readable('issued_credential', rows, readSecurity, unreadable)) {
      try {
        this.refuseTaken(security);
        await this.issued.put(security);
      } catch (error) {
        notTakenUp(security.endpoint, (error as Error).message);
      }
    }
  }

  byPskIdentity(identity: Uint8Array): DeviceSecurity | undefined {
    return this.issued.byPskIdentity(identity) ?? this.configured.byPskIdentity(identity);
  }

  byPublicKey(publicKey: Uint8Array): DeviceSecurity | undefined {
    return this.issued.byPublicKey(publicKey) ?? this.configured.byPublicKey(publicKey);
  }

  bySubject(subject: string): DeviceSecurity | undefined {
    return this.issued.bySubject(subject) ?? this.configured.bySubject(subject);
  }

  byRecipientId(recipientId: Uint8Array): readonly DeviceSecurity[] {
    const issued = this.issued.byRecipientId(recipientId);
    const configured = this.configured.byRecipientId(recipientId);
    if (issued.length === 0 || configured.length === 0) return issued.length === 0 ? configured : issued;
    const taken = new Set(issued.map(({ credential }) => credentialKey(credential)));
    return [...issued, ...configured.filter(({ credential }) => !taken.has(credentialKey(credential)))];
  }

  ofEndpoint(endpoint: string): readonly DeviceCredential[] {
    const issued = this.issued.ofEndpoint(endpoint);
    const taken = new Set(issued.map(credentialKey));
    return [
      ...issued,
      ...this.configured.ofEndpoint(endpoint).filter((credential) => !taken.has(credentialKey(credential))),
    ];
  }

  async put(security: DeviceSecurity): Promise<void> {
    const { endpoint, credential } = security;
    if (this.configured.ofEndpoint(endpoint).some((known) => isSameCredential(known, credential))) return;
    this.refuseTaken(security);
    await this.issued.put(security);
    await this.database.write(() => {
      this.insert.run(column(endpoint), column(credentialKey(credential)), formatWithSecrets(credential));
    });
  }

  async remove(endpoint: string): Promise<boolean> {
    const had = await this.issued.remove(endpoint);
    if (had) await this.database.write(() => this.removeAll.run(column(endpoint)));
    return had;
  }

  async *all(): AsyncIterable<DeviceSecurity> {
    const taken = new Set<string>();
    for await (const security of this.issued.all()) {
      taken.add(credentialKey(security.credential));
      yield security;
    }
    for await (const security of this.configured.all())
      if (!taken.has(credentialKey(security.credential))) yield security;
  }

  /** Throws CredentialTakenError for what the configuration gives to somebody else. */
  private refuseTaken({ endpoint, credential }: DeviceSecurity): void {
    const owner = this.ownerInConfiguration(credential);
    if (owner !== undefined && owner !== endpoint)
      throw new CredentialTakenError(`${endpoint}: its credential is that of ${owner}, by the configuration`);
  }

  private ownerInConfiguration(credential: DeviceCredential): string | undefined {
    const { configured } = this;
    switch (credential.kind) {
      case 'psk':
        return configured.byPskIdentity(credential.identity)?.endpoint;
      case 'rpk':
        return configured.byPublicKey(credential.publicKey)?.endpoint;
      case 'x509':
        return configured.bySubject(credential.subject)?.endpoint;
      case 'oscore': {
        const id = credentialKey(credential);
        const known = configured.byRecipientId(credential.context.recipientId);
        return known.find((each) => credentialKey(each.credential) === id)?.endpoint;
      }
    }
  }
}

function readSecurity(row: Row): DeviceSecurity {
  const credential = withSecrets(tagged(row, 'credential')) as DeviceCredential;
  if (!['psk', 'rpk', 'x509', 'oscore'].includes(credential.kind)) throw new FormatError('credential is of no kind');
  return { endpoint: text(row, 'endpoint'), credential };
}
