// Keys that a bootstrap hands out: the management server must know them before the device comes with them, and must know the
// old ones again when the device has not taken them.
import type { DeviceCredential, SecurityStore } from '../security/store.ts';

/** What a plan hands out, and the management server knows a device by. */
export type HandedOut = Extract<DeviceCredential, { kind: 'psk' | 'rpk' | 'oscore' }>;

/** Of one session. */
export class FreshKeys {
  private readonly store: SecurityStore | undefined;
  private fresh: readonly HandedOut[] = [];
  private before: { readonly endpoint: string; readonly credentials: readonly DeviceCredential[] } | undefined;

  constructor(store: SecurityStore | undefined) {
    this.store = store;
  }

  /** A key of the same identity is replaced; keys of other identities stay. Rejects as the store does. */
  async announce(endpoint: string, keys: readonly HandedOut[]): Promise<void> {
    const { store } = this;
    if (store === undefined || keys.length === 0) return;
    this.before = { endpoint, credentials: await store.ofEndpoint(endpoint) };
    this.fresh = keys;
    for (const credential of keys) await store.put({ endpoint, credential });
  }

  /** The device has its new keys: those of the same kind that it had before are worth nothing any more. */
  async retireOthers(): Promise<void> {
    const { store, before } = this;
    if (store === undefined || before === undefined) return;
    const { endpoint, credentials } = before;
    this.before = undefined;
    const kinds = new Set<DeviceCredential['kind']>(this.fresh.map(({ kind }) => kind));
    await store.replace(endpoint, [...credentials.filter(({ kind }) => !kinds.has(kind)), ...this.fresh]);
  }

  /** Everything as it was before. */
  async withdraw(): Promise<void> {
    const { store, before } = this;
    if (store === undefined || before === undefined) return;
    this.before = undefined;
    await store.replace(before.endpoint, before.credentials);
  }
}
