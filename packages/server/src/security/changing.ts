// Credentials that change while devices use them: which identities may not go on as they are.
import { deriveContext, type ProvisionedContext } from '@lapwing/coap/oscore';
import { ConfigError, equalBytes, equalInConstantTime, type Identity, noBytes } from '@lapwing/kernel';
import { nameOf, refusalOf } from './ownership.ts';
import { type DeviceCredential, type DeviceSecurity, isIdentityOf, type SecurityStore } from './store.ts';

/** Who uses credentials now. */
export interface Holders {
  /** Of whoever is registered under the name. */
  identityOf(name: string): Identity | undefined;
  /** Ends what such identities have; how many associations and connections. */
  revoke(isRevoked: (identity: Identity) => boolean): number;
  /** Ends the registration of the name. */
  drop(name: string): void;
  /** Contexts of OSCORE with that Recipient ID are others from now on. */
  forget(recipientId: Uint8Array): Promise<void>;
}

/** Puts `next` into the store, or without one takes all of the name's away; ends what was made with those that are gone. */
export async function changeCredentials(
  name: string,
  next: DeviceSecurity | undefined,
  store: SecurityStore | undefined,
  holders: Holders,
): Promise<number> {
  if (store === undefined) throw new ConfigError(['security: this server has no store of credentials']);
  const before = await store.ofEndpoint(name);
  await (next === undefined ? store.remove(name) : store.put(next));
  const after = await store.ofEndpoint(name);
  for (const credential of [...before, ...after])
    if (credential.kind === 'oscore') await holders.forget(credential.context.recipientId);
  const gone = before.filter((credential) => !after.some((each) => isSameCredential(credential, each)));
  const ended = holders.revoke((identity) => gone.some((credential) => isOf(credential, identity)));
  const identity = holders.identityOf(name);
  if (identity !== undefined && (await refusalOf(name, identity, store)) !== undefined) holders.drop(name);
  return ended;
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
  const [one, other] = [deriveContext(a), deriveContext(b)];
  return one.sending === other.sending && one.receiving === other.receiving;
}
