// Credentials that change while devices use them: which identities may not go on as they are.
import { equalBytes, type Identity, noBytes } from '@lapwing/kernel';
import { nameOf } from './ownership.ts';
import type { DeviceCredential } from './store.ts';

/** Whether the identity is one that the credential was for. */
export function isOf(credential: DeviceCredential, identity: Identity): boolean {
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
  }
}

/** Whether both are one and the same: who has proved himself with one may go on with the other. */
export function isSame(a: DeviceCredential, b: DeviceCredential): boolean {
  if (a.kind === 'psk' && b.kind === 'psk')
    return equalBytes(a.identity, b.identity) && equalBytes(a.key.reveal(), b.key.reveal());
  if (a.kind === 'rpk' && b.kind === 'rpk') return equalBytes(a.publicKey, b.publicKey);
  if (a.kind !== 'x509' || b.kind !== 'x509' || a.subject !== b.subject) return false;
  return equalBytes(a.certificate ?? noBytes, b.certificate ?? noBytes);
}
