// Where the credentials of devices are kept: which endpoint client name each one speaks for (Core 1.2.1 §6.2.1, Transport
// 1.2.1 §5.2). The contract; memory-store.ts is the default.
import { identityOf, type ProvisionedContext, readIdentity } from '@lapwing/coap/oscore';
import { equalBytes, type Identity, type Secret, StackError } from '@lapwing/kernel';

/** What a device proves itself with. */
export type DeviceCredential =
  | { readonly kind: 'psk'; readonly identity: Uint8Array; readonly key: Secret }
  /** SubjectPublicKeyInfo in DER (RFC 7250 §3). */
  | { readonly kind: 'rpk'; readonly publicKey: Uint8Array }
  /**
   * The common name, or the whole subject as the identity shows it, of a certificate that an authority of the listener vouches
   * for; with `certificate` (the leaf in DER) that one and no other of the same subject.
   */
  | { readonly kind: 'x509'; readonly subject: string; readonly certificate?: Uint8Array }
  /** A context as the server has it: `recipientId` is what the device calls its Sender ID. */
  | { readonly kind: 'oscore'; readonly context: ProvisionedContext };

export interface DeviceSecurity {
  /** Endpoint client name. */
  readonly endpoint: string;
  readonly credential: DeviceCredential;
}

type Eventually<T> = T | Promise<T>;

/** What a name had, and has now. */
export interface CredentialChange {
  readonly endpoint: string;
  readonly before: readonly DeviceCredential[];
  readonly after: readonly DeviceCredential[];
}

/** Asynchronous where it has to be: an answer at once saves a turn of the event loop in each handshake. */
export interface SecurityStore {
  /** Exactly these bytes. */
  byPskIdentity(identity: Uint8Array): Eventually<DeviceSecurity | undefined>;
  /** DER, byte for byte. */
  byPublicKey(publicKey: Uint8Array): Eventually<DeviceSecurity | undefined>;
  bySubject(subject: string): Eventually<DeviceSecurity | undefined>;
  /** The contexts of OSCORE with exactly that Recipient ID; no two have the same ID Context, or both none. */
  byRecipientId(recipientId: Uint8Array): Eventually<readonly DeviceSecurity[]>;
  /** Whose context of OSCORE has that master secret: no two endpoints have the same. */
  byMasterSecret(masterSecret: Secret): Eventually<DeviceSecurity | undefined>;
  /**
   * All that may speak for the name; none for one that is not known. Of those that were put, the one that the device came with last is
   * the first, the others in the order in which they were put.
   */
  ofEndpoint(endpoint: string): Eventually<readonly DeviceCredential[]>;
  /** Replaces the same credential of the same endpoint; a name may have several, as while a key is changed. Rejects with CredentialTakenError. */
  put(security: DeviceSecurity): Promise<void>;
  /** Takes away every credential of the name; false when it had none. */
  remove(endpoint: string): Promise<boolean>;
  /**
   * Those and no others of the name, in one step: who proves himself with one that stays is not disturbed. Rejects with
   * CredentialTakenError, and then all is as before.
   */
  replace(endpoint: string, credentials: readonly DeviceCredential[]): Promise<void>;
  /** A device came with that identity, as which it is known. Where it is of no credential of the name, nothing happens. */
  used(endpoint: string, identity: Identity): Eventually<void>;
  /**
   * Hears of each change, whoever makes it, once it is in force and before `put`, `remove` and `replace` resolve: servers end what was
   * made with credentials that are gone. Until it is disposed of.
   */
  onChange(listener: (change: CredentialChange) => void): Disposable;
  all(): AsyncIterable<DeviceSecurity>;
}

/**
 * The identity is taken. By another endpoint: two devices with one could each take the other's place; or its master secret of OSCORE
 * is another endpoint's: with it each could speak as the other, and nonces would be used twice (RFC 8613 §3.3). Or by a key that the
 * device has, and that a bootstrap would replace before it is known that the device has the new one.
 */
export class CredentialTakenError extends StackError {
  readonly code = 'LWM2M_CREDENTIAL_TAKEN';
}

/** Whom the identity speaks for as far as the store knows. */
export function ownerOf(store: SecurityStore, identity: Identity): Eventually<DeviceSecurity | undefined> {
  switch (identity.kind) {
    case 'psk':
      return store.byPskIdentity(identity.id);
    case 'rpk':
      return store.byPublicKey(identity.publicKey);
    case 'x509':
      return store.bySubject(identity.subject);
    case 'oscore': {
      const parts = readIdentity(identity.id);
      if (parts === undefined) return undefined;
      const found = store.byRecipientId(parts.recipientId);
      const pick = (those: readonly DeviceSecurity[]): DeviceSecurity | undefined =>
        those.find(({ credential }) => credential.kind === 'oscore' && isIdentityOf(credential.context, identity.id));
      return found instanceof Promise ? found.then(pick) : pick(found);
    }
    case 'none':
      return undefined;
  }
}

/** Whether that is the identity of whoever has the keys of the context. */
export function isIdentityOf({ recipientId, idContext }: ProvisionedContext, id: Uint8Array): boolean {
  return equalBytes(identityOf(recipientId, idContext), id);
}
