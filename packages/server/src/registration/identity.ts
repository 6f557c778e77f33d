// Who may speak for a registration: identity is a key, not an address.
import { equalAddresses, equalBytes, noBytes, type Peer } from '@lapwing/kernel';

/** The same peer, or another one that has proved to be who registered. */
export function mayContinue(registered: Peer, asking: Peer): boolean {
  if (registered === asking || registered.key === asking.key) return true;
  const a = registered.identity;
  const b = asking.identity;
  switch (a.kind) {
    case 'none':
      return false;
    case 'psk':
      return b.kind === 'psk' && equalBytes(a.id, b.id);
    case 'rpk':
      return b.kind === 'rpk' && equalBytes(a.publicKey, b.publicKey);
    case 'x509':
      return b.kind === 'x509' && a.subject === b.subject && equalBytes(a.chain[0] ?? noBytes, b.chain[0] ?? noBytes);
    case 'oscore':
      return b.kind === 'oscore' && equalBytes(a.id, b.id);
  }
}

/** False when a connection has moved to another address under the same key, or OSCORE to another connection. */
export function isSamePlace(a: Peer, b: Peer): boolean {
  return a === b || (a.key === b.key && a.below?.key === b.below?.key && equalAddresses(a.address, b.address));
}

/** Of whom a rate is kept: a host without credentials, else the credentials' connection. */
export function sourceOf({ key, identity, address }: Peer): string {
  if (identity.kind !== 'none') return key;
  return address.via === 'sms' ? address.msisdn : address.host;
}
