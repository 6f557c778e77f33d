// Whether two handshakes were made by the same owner of credentials.
import { equalBytes, type Identity } from '@lapwing/kernel';

export function sameIdentity(a: Identity, b: Identity): boolean {
  switch (a.kind) {
    case 'none':
      return b.kind === 'none';
    case 'psk':
    case 'oscore':
      return b.kind === a.kind && equalBytes(a.id, b.id);
    case 'rpk':
      return b.kind === 'rpk' && equalBytes(a.publicKey, b.publicKey);
    case 'x509':
      return b.kind === 'x509' && a.subject === b.subject;
  }
}
