// Keys that a bootstrap hands out: the management server must know them before the device comes with them, and must go on knowing the
// old ones, since nobody hears whether a device took a pack, and not always whether it took a sequence.
import { isSameCredential } from '../security/changing.ts';
import { credentialKey } from '../security/memory-store.ts';
import { CredentialTakenError, type DeviceCredential, type SecurityStore } from '../security/store.ts';

/** What a plan hands out, and the management server knows a device by. */
export type HandedOut = Extract<DeviceCredential, { kind: 'psk' | 'rpk' | 'oscore' }>;

/** Of one kind and one device. The one that it came with last is among them, whatever becomes of bootstraps after that. */
const mostKept = 8;

/** Of one session. */
export class FreshKeys {
  private readonly store: SecurityStore | undefined;
  private endpoint = '';
  private handedOut: readonly HandedOut[] = [];
  /** Those that were not known before. */
  private fresh: readonly HandedOut[] = [];

  constructor(store: SecurityStore | undefined) {
    this.store = store;
  }

  /**
   * Keys of other identities stay; of too many of one kind the oldest go that the device has not come with. Rejects with
   * CredentialTakenError for an identity that has another key: with the one written the other would be lost, and the device has it
   * until it has taken the new one. Rejects as the store does; then nothing is announced.
   */
  async announce(endpoint: string, keys: readonly HandedOut[]): Promise<void> {
    const { store } = this;
    if (store === undefined || keys.length === 0) return;
    const known = await store.ofEndpoint(endpoint);
    for (const key of keys) refuseReplacing(endpoint, known, key);
    this.endpoint = endpoint;
    this.handedOut = keys;
    this.fresh = keys.filter((key) => !isAmong(known, key));
    try {
      for (const credential of this.fresh) await store.put({ endpoint, credential });
    } catch (error) {
      await this.withdraw();
      throw error;
    }
    const all = await store.ofEndpoint(endpoint);
    const kept = all.filter((credential) => isAmong(keys, credential) || !isTooMany(credential, all));
    if (kept.length < all.length) await store.replace(endpoint, kept);
  }

  /** The device has its new keys: those of the same kind that it had before are worth nothing any more. */
  async retireOthers(): Promise<void> {
    const { store, endpoint, handedOut } = this;
    if (store === undefined || handedOut.length === 0) return;
    const kinds = new Set<DeviceCredential['kind']>(handedOut.map(({ kind }) => kind));
    const known = await store.ofEndpoint(endpoint);
    await store.replace(
      endpoint,
      known.filter((credential) => !kinds.has(credential.kind) || isAmong(handedOut, credential)),
    );
  }

  /** What was announced is worth nothing. */
  async withdraw(): Promise<void> {
    const { store, endpoint, fresh } = this;
    if (store === undefined || fresh.length === 0) return;
    this.fresh = [];
    const known = await store.ofEndpoint(endpoint);
    await store.replace(
      endpoint,
      known.filter((credential) => !isAmong(fresh, credential)),
    );
  }
}

const isAmong = (those: readonly DeviceCredential[], credential: DeviceCredential): boolean =>
  those.some((each) => isSameCredential(each, credential));

/** The first is the one that the device came with last. */
function isTooMany(credential: DeviceCredential, all: readonly DeviceCredential[]): boolean {
  const alike = all.filter(({ kind }) => kind === credential.kind);
  const place = alike.indexOf(credential);
  return place > 0 && place <= alike.length - mostKept;
}

function refuseReplacing(endpoint: string, known: readonly DeviceCredential[], key: HandedOut): void {
  const replaced = known.find((each) => credentialKey(each) === credentialKey(key));
  if (replaced === undefined || isSameCredential(replaced, key)) return;
  throw new CredentialTakenError(
    `${endpoint}: ${key.kind === 'oscore' ? 'the Sender ID of OSCORE' : 'the PSK identity'} in its plan has another key, which the device may go on to use: give the plan another one, or take that key away first`,
  );
}
