// What an association was made with, as a mark that is kept beside it: when the mark of today is another, its device has to prove
// itself anew. A mark is a digest: it shows no key.
import { concatBytes, digest, encodeUtf8, type Identity, toHex } from '@lapwing/kernel';
import type { DeviceSecurity, SecurityStore } from './store.ts';

/** What of a listener decides who is let in. */
export interface Admission {
  readonly store: SecurityStore | undefined;
  readonly psk: boolean;
  readonly rawPublicKeys: boolean;
  /** `markOfAuthorities`; undefined where no certificate is let in. */
  readonly authorities: string | undefined;
  /** Devices that prove nothing. */
  readonly anonymous: boolean;
}

type Eventually<T> = T | Promise<T>;

/** Undefined for an identity that is not let in. */
export function markOf(identity: Identity, admission: Admission): Eventually<string | undefined> {
  const { store, psk, rawPublicKeys, authorities, anonymous } = admission;
  switch (identity.kind) {
    case 'psk':
      if (!psk || store === undefined) return undefined;
      return then(store.byPskIdentity(identity.id), (found) =>
        found?.credential.kind === 'psk' ? marked('psk', identity.id, found.credential.key.reveal()) : undefined,
      );
    case 'rpk':
      if (!rawPublicKeys || store === undefined) return undefined;
      return then(store.byPublicKey(identity.publicKey), (found) =>
        found === undefined ? undefined : marked('rpk', identity.publicKey),
      );
    case 'x509':
      return authorities;
    case 'none':
      return anonymous ? 'none' : undefined;
    case 'oscore':
      return undefined;
  }
}

/** Of what may vouch for certificates, as it is written. */
export function markOfAuthorities(authorities: readonly (Uint8Array | string)[]): string {
  return marked('x509', ...authorities.map((each) => (typeof each === 'string' ? encodeUtf8(each) : each)));
}

function then<T>(found: Eventually<DeviceSecurity | undefined>, make: (found: DeviceSecurity | undefined) => T) {
  return found instanceof Promise ? found.then(make) : make(found);
}

/** Each part by its own digest, so that no two lists of parts are alike. */
function marked(kind: string, ...parts: readonly Uint8Array[]): string {
  const digests = parts.map((part) => digest('sha256', part));
  return `${kind} ${toHex(digest('sha256', concatBytes(encodeUtf8(`lapwing credential ${kind}`), ...digests)))}`;
}
