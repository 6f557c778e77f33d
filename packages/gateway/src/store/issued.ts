// Credentials that bootstraps have handed out, in the embedded database, over those that are configured: together they are what
// the gateway's own listeners know devices by. What is configured is never written here, changed or taken away; what is written is on
// disk before the device hears of it.
import { FormatError, type Identity, type Secret } from '@lapwing/kernel';
import {
  type CredentialChange,
  CredentialTakenError,
  credentialKey,
  type DeviceCredential,
  type DeviceSecurity,
  isSameCredential,
  MemorySecurityStore,
  type SecurityStore,
} from '@lapwing/server';
import type { Database, Statement } from './database.ts';
import { column, type Row, readable, text, type Unreadable } from './rows.ts';
import { placeOf, type Sealing } from './sealing.ts';
import { formatWithSecrets, parseWithSecrets } from './secrets.ts';

/** Told of a credential that the configuration gives to another endpoint: it counts no more. */
export type NotTakenUp = (endpoint: string, why: string) => void;

export async function issuedIn(
  database: Database,
  unreadable: Unreadable,
  configured: MemorySecurityStore = new MemorySecurityStore(),
  notTakenUp: NotTakenUp = () => undefined,
): Promise<IssuedCredentials> {
  const store = new IssuedCredentials(database, configured, notTakenUp);
  await store.read(unreadable);
  return store;
}

export class IssuedCredentials implements SecurityStore {
  private readonly database: Database;
  private readonly configured: MemorySecurityStore;
  private readonly notTakenUp: NotTakenUp;
  /** All that is in the database. */
  private readonly issued = new MemorySecurityStore();
  private readonly listeners = new Set<(change: CredentialChange) => void>();
  private readonly insert: Statement;
  private readonly removeAll: Statement;

  constructor(database: Database, configured: MemorySecurityStore, notTakenUp: NotTakenUp) {
    this.database = database;
    this.configured = configured;
    this.notTakenUp = notTakenUp;
    this.insert = database.prepare(
      'INSERT OR REPLACE INTO issued_credential (id, endpoint, credential, place) VALUES (?, ?, ?, ?)',
    );
    this.removeAll = database.prepare('DELETE FROM issued_credential WHERE endpoint = ?');
    this.issued.onChange(({ endpoint, before, after }) => {
      const beside = configured.ofEndpoint(endpoint);
      this.tell({ endpoint, before: joined(before, beside), after: joined(after, beside) });
    });
    configured.onChange(({ endpoint, before, after }) => {
      const issued = this.issued.ofEndpoint(endpoint);
      this.tell({ endpoint, before: joined(issued, before), after: joined(issued, after) });
      this.giveUp(endpoint, after);
    });
  }

  /** Those in the database. */
  get size(): number {
    return this.issued.size;
  }

  async read(unreadable: Unreadable): Promise<void> {
    const rows = this.database.prepare('SELECT * FROM issued_credential ORDER BY place').all();
    const read = (row: Row): DeviceSecurity => readSecurity(row, this.database.sealing);
    for (const security of readable('issued_credential', rows, read, unreadable)) {
      try {
        this.refuseTaken(security.endpoint, security.credential);
        await this.issued.put(security);
      } catch (error) {
        this.notTakenUp(security.endpoint, (error as Error).message);
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
    const taken = new Set(issued.map(({ credential }) => credentialKey(credential)));
    const configured = this.configured.byRecipientId(recipientId);
    return [...issued, ...configured.filter(({ credential }) => !taken.has(credentialKey(credential)))];
  }

  byMasterSecret(masterSecret: Secret): DeviceSecurity | undefined {
    return this.issued.byMasterSecret(masterSecret) ?? this.configured.byMasterSecret(masterSecret);
  }

  ofEndpoint(endpoint: string): readonly DeviceCredential[] {
    return joined(this.issued.ofEndpoint(endpoint), this.configured.ofEndpoint(endpoint));
  }

  async put({ endpoint, credential }: DeviceSecurity): Promise<void> {
    if (this.isConfigured(endpoint, credential)) return;
    this.refuseTaken(endpoint, credential);
    await this.issued.put({ endpoint, credential });
    await this.write(endpoint);
  }

  /** What could not be written before, or counts no more, is written now too. */
  async remove(endpoint: string): Promise<boolean> {
    const had = await this.issued.remove(endpoint);
    await this.write(endpoint);
    return had;
  }

  async replace(endpoint: string, credentials: readonly DeviceCredential[]): Promise<void> {
    const own = credentials.filter((credential) => !this.isConfigured(endpoint, credential));
    for (const credential of own) this.refuseTaken(endpoint, credential);
    await this.issued.replace(endpoint, own);
    await this.write(endpoint);
  }

  used(endpoint: string, identity: Identity): void | Promise<void> {
    return this.issued.noteUse(endpoint, identity) ? this.write(endpoint) : undefined;
  }

  onChange(listener: (change: CredentialChange) => void): Disposable {
    const heard = (change: CredentialChange): void => listener(change);
    this.listeners.add(heard);
    return { [Symbol.dispose]: () => void this.listeners.delete(heard) };
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

  private isConfigured(endpoint: string, credential: DeviceCredential): boolean {
    return this.configured.ofEndpoint(endpoint).some((known) => isSameCredential(known, credential));
  }

  /** Throws CredentialTakenError for what the configuration gives to somebody else. */
  private refuseTaken(endpoint: string, credential: DeviceCredential): void {
    const owner = ownerIn(this.configured, credential);
    if (owner !== undefined && owner !== endpoint)
      throw new CredentialTakenError(`${endpoint}: its credential is that of ${owner}, by the configuration`);
  }

  /** As it is in memory now. */
  private write(endpoint: string): Promise<void> {
    return this.database.write(() => {
      this.removeAll.run(column(endpoint));
      for (const [place, credential] of this.issued.ofEndpoint(endpoint).entries()) {
        const id = column(credentialKey(credential));
        const sealed = this.database.sealing.sealText(placeOfCredential(id), formatWithSecrets(credential));
        this.insert.run(id, column(endpoint), sealed, place);
      }
    });
  }

  /** What the configuration gives to an endpoint is no other's any more. In the database it stays, and is not read again. */
  private giveUp(endpoint: string, configured: readonly DeviceCredential[]): void {
    for (const credential of configured) {
      const owner = ownerIn(this.issued, credential);
      if (owner === undefined || owner === endpoint) continue;
      const key = credentialKey(credential);
      const left = this.issued.ofEndpoint(owner).filter((each) => credentialKey(each) !== key);
      this.notTakenUp(owner, `its credential is that of ${endpoint}, by the configuration`);
      void this.issued.replace(owner, left);
    }
  }

  private tell(change: CredentialChange): void {
    for (const listener of [...this.listeners]) listener(change);
  }
}

/** `issued` stand before those of the same identity. */
function joined(
  issued: readonly DeviceCredential[],
  configured: readonly DeviceCredential[],
): readonly DeviceCredential[] {
  if (issued.length === 0 || configured.length === 0) return issued.length === 0 ? configured : issued;
  const taken = new Set(issued.map(credentialKey));
  return [...issued, ...configured.filter((credential) => !taken.has(credentialKey(credential)))];
}

function ownerIn(store: MemorySecurityStore, credential: DeviceCredential): string | undefined {
  switch (credential.kind) {
    case 'psk':
      return store.byPskIdentity(credential.identity)?.endpoint;
    case 'rpk':
      return store.byPublicKey(credential.publicKey)?.endpoint;
    case 'x509':
      return store.bySubject(credential.subject)?.endpoint;
    case 'oscore': {
      const { masterSecret } = credential.context;
      const other = store.byMasterSecret(masterSecret);
      if (other !== undefined) return other.endpoint;
      const key = credentialKey(credential);
      const known = store.byRecipientId(credential.context.recipientId);
      return known.find((each) => credentialKey(each.credential) === key)?.endpoint;
    }
  }
}

const placeOfCredential = (id: string): string => placeOf('issued_credential', 'credential', id);

function readSecurity(row: Row, sealing: Sealing): DeviceSecurity {
  const opened = sealing.openText(placeOfCredential(String(row['id'])), text(row, 'credential'));
  const credential = parseWithSecrets(opened) as DeviceCredential;
  if (!['psk', 'rpk', 'x509', 'oscore'].includes(credential?.kind)) throw new FormatError('credential is of no kind');
  return { endpoint: text(row, 'endpoint'), credential };
}
