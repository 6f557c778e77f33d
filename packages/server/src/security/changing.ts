// Credentials that change while devices use them: which identities may not go on as they are.
import { keyNames, type Oscore, type ProvisionedContext } from '@lapwing/coap/oscore';
import { ConfigError, equalBytes, equalInConstantTime, type Identity, noBytes } from '@lapwing/kernel';
import { nameOf, refusalOf } from './ownership.ts';
import {
  type CredentialChange,
  type DeviceCredential,
  type DeviceSecurity,
  isIdentityOf,
  type SecurityStore,
} from './store.ts';

/** Who uses credentials now. */
export interface Holders {
  /** Of whoever is registered under the name. */
  identityOf(name: string): Identity | undefined;
  /** Ends what such identities have; how many associations and connections. */
  revoke(isRevoked: (identity: Identity) => boolean): number;
  /** Ends the registration of the name. */
  drop(name: string): void;
  /** Those of OSCORE in use; undefined where nobody can have one. */
  contexts(): Pick<Oscore, 'forget' | 'retire'> | undefined;
}

/** What an operation of this side has ended so far. */
interface Counted {
  readonly endpoint: string;
  ended: number;
}

/** Ends what was made with credentials that are gone, whoever took them away. */
export class CredentialChanges implements Disposable {
  private readonly store: SecurityStore | undefined;
  private readonly holders: Holders;
  private readonly failed: (error: unknown) => void;
  private readonly listening: Disposable | undefined;
  private readonly counting = new Set<Counted>();
  /** What is being carried out: one change after the other. */
  private working: Promise<void> = Promise.resolve();

  constructor(store: SecurityStore | undefined, holders: Holders, failed: (error: unknown) => void) {
    this.store = store;
    this.holders = holders;
    this.failed = failed;
    this.listening = store?.onChange((change) => this.changed(change));
  }

  [Symbol.dispose](): void {
    this.listening?.[Symbol.dispose]();
  }

  /** Puts `next` into the store, or without one takes all of the name's away. How many associations and connections have ended. */
  async change(endpoint: string, next: DeviceSecurity | undefined): Promise<number> {
    const { store } = this;
    if (store === undefined) throw new ConfigError(['security: this server has no store of credentials']);
    const counted: Counted = { endpoint, ended: 0 };
    this.counting.add(counted);
    try {
      await (next === undefined ? store.remove(endpoint) : store.put(next));
      await this.working;
      return counted.ended;
    } finally {
      this.counting.delete(counted);
    }
  }

  private changed(change: CredentialChange): void {
    const { endpoint, before, after } = change;
    const gone = before.filter((credential) => !after.some((each) => isSameCredential(credential, each)));
    // Nobody goes on with them for one more turn.
    const ended =
      gone.length === 0 ? 0 : this.holders.revoke((identity) => gone.some((credential) => isOf(credential, identity)));
    for (const counted of this.counting) if (counted.endpoint === endpoint) counted.ended += ended;
    this.working = this.working.then(() => this.follow(change, gone)).catch((error: unknown) => this.failed(error));
  }

  /** What has to be asked for: whether keys are others now, and whether who is registered may have the name. */
  private async follow(
    { endpoint, before, after }: CredentialChange,
    gone: readonly DeviceCredential[],
  ): Promise<void> {
    const { store, holders } = this;
    const contexts = holders.contexts();
    for (const credential of [...before, ...after])
      if (credential.kind === 'oscore') await contexts?.forget(credential.context.recipientId);
    for (const credential of gone) if (credential.kind === 'oscore') await contexts?.retire(credential.context);
    const identity = holders.identityOf(endpoint);
    if (store === undefined || identity === undefined) return;
    if ((await refusalOf(endpoint, identity, store)) !== undefined) holders.drop(endpoint);
  }
}

/** Whether the identity is one that the credential was for. */
function isOf(credential: DeviceCredential, identity: Identity): boolean {
  switch (credential.kind) {
    case 'psk':
      return identity.kind === 'psk' && equalBytes(credential.identity, identity.id);
    case 'rpk':
      return identity.kind === 'rpk' && equalBytes(credential.publicKey, identity.publicKey);
    case 'x509':
      if (identity.kind !== 'x509') return false;
      if (credential.certificate !== undefined && equalBytes(credential.certificate, identity.chain[0] ?? noBytes))
        return true;
      return credential.subject === identity.subject || credential.subject === nameOf(identity);
    case 'oscore':
      return identity.kind === 'oscore' && isIdentityOf(credential.context, identity.id);
  }
}

/** Whether both are one and the same: who has proved himself with one may go on with the other. */
export function isSameCredential(a: DeviceCredential, b: DeviceCredential): boolean {
  if (a.kind === 'psk' && b.kind === 'psk')
    return equalBytes(a.identity, b.identity) && equalInConstantTime(a.key.reveal(), b.key.reveal());
  if (a.kind === 'rpk' && b.kind === 'rpk') return equalBytes(a.publicKey, b.publicKey);
  if (a.kind === 'oscore' && b.kind === 'oscore') return isSameContext(a.context, b.context);
  if (a.kind !== 'x509' || b.kind !== 'x509' || a.subject !== b.subject) return false;
  return equalBytes(a.certificate ?? noBytes, b.certificate ?? noBytes);
}

/** The same keys in both directions. */
function isSameContext(a: ProvisionedContext, b: ProvisionedContext): boolean {
  const [one, other] = [keyNames(a), keyNames(b)];
  return one.sending === other.sending && one.receiving === other.receiving;
}
