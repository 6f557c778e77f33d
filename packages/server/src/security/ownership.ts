// Which endpoint client name an identity speaks for, and which it may register as: a device that has proved to be one may not
// call itself another (Core 1.2.1 §6.2.1, Transport 1.2.1 §5.2.3).
import { decodeUtf8, equalBytes, FormatError, type Identity, noBytes } from '@lapwing/kernel';
import { isName } from '@lapwing/lwm2m';
import { type DeviceCredential, ownerOf, type SecurityStore } from './store.ts';
import { commonNameOf } from './subject.ts';

/** The name that an identity speaks for by itself, where no store says otherwise: the PSK identity, the common name. */
export function nameOf(identity: Identity): string | undefined {
  const name =
    identity.kind === 'psk'
      ? textOf(identity.id)
      : identity.kind === 'x509'
        ? commonNameOf(identity.subject)
        : undefined;
  return name !== undefined && isName(name) ? name : undefined;
}

/**
 * The name that an identity speaks for; undefined for nobody. A key speaks for whom the store says and, once it has forgotten the
 * key, for none; a certificate that the store does not know speaks for its common name, unless that name has credentials: then
 * these are what it takes.
 */
export async function endpointOf(identity: Identity, store: SecurityStore | undefined): Promise<string | undefined> {
  if (store === undefined) return nameOf(identity);
  const owner = await ownerOf(store, identity);
  if (identity.kind !== 'x509') return owner?.endpoint;
  const own = nameOf(identity);
  // Bindings may name a certificate by its common name alone.
  const bound = owner ?? (own === undefined ? undefined : await store.bySubject(own));
  if (bound === undefined) {
    return own === undefined || (await store.ofEndpoint(own)).length > 0 ? undefined : own;
  }
  const { credential } = bound;
  const pinned = credential.kind === 'x509' ? credential.certificate : undefined;
  return pinned === undefined || equalBytes(pinned, identity.chain[0] ?? noBytes) ? bound.endpoint : undefined;
}

/** Why the identity may not register as `name`; undefined when it may. */
export async function refusalOf(name: string, identity: Identity, store: SecurityStore): Promise<string | undefined> {
  if (identity.kind !== 'none' && (await endpointOf(identity, store)) === name) return undefined;
  const credentials = await store.ofEndpoint(name);
  if (credentials.some((credential) => isPinned(credential, identity))) return undefined;
  // Whoever has credentials comes with them: else anybody could take the name over an unsecured listener, or with a certificate
  // of the same name.
  if (credentials.length > 0) return 'this endpoint has credentials and has to use them';
  return identity.kind === 'none' ? undefined : 'these credentials speak for another endpoint name';
}

/**
 * Whether a name stays with its holder whatever is asked of the store: he has proved to be it, and who asks has proved nothing. A
 * certificate that an authority vouches for needs no entry there, and so its name has nothing else that keeps others out.
 */
export function isKeptFrom(holder: Identity, asking: Identity): boolean {
  return holder.kind !== 'none' && asking.kind === 'none';
}

/** The very certificate: whatever its subject is called, it is the device's. */
function isPinned(credential: DeviceCredential, identity: Identity): boolean {
  if (credential.kind !== 'x509' || credential.certificate === undefined || identity.kind !== 'x509') return false;
  return equalBytes(credential.certificate, identity.chain[0] ?? noBytes);
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decodeUtf8(bytes);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
