import { decodeUtf8, encodeUtf8, Secret } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { MemorySecurityStore } from '../security/memory-store.ts';
import { CredentialTakenError } from '../security/store.ts';
import { FreshKeys, type HandedOut } from './keys.ts';

const psk = (identity: string, key = identity): HandedOut => ({
  kind: 'psk',
  identity: encodeUtf8(identity),
  key: new Secret(encodeUtf8(key)),
});
const identitiesIn = (store: MemorySecurityStore): string[] =>
  store.ofEndpoint('dev').flatMap((each) => (each.kind === 'psk' ? [decodeUtf8(each.identity)] : []));
const use = (store: MemorySecurityStore, identity: string): void =>
  store.used('dev', { kind: 'psk', id: encodeUtf8(identity) });

async function stage() {
  const store = new MemorySecurityStore();
  await store.put({ endpoint: 'dev', credential: psk('factory') });
  const announce = async (...keys: HandedOut[]): Promise<FreshKeys> => {
    const fresh = new FreshKeys(store);
    await fresh.announce('dev', keys);
    return fresh;
  };
  return { store, announce };
}

describe('keys that a bootstrap hands out', () => {
  it('stand beside those that the device has, and are withdrawn alone', async () => {
    const { store, announce } = await stage();
    const fresh = await announce(psk('1'), psk('factory'));
    expect(identitiesIn(store)).toEqual(['factory', '1']);
    await store.put({ endpoint: 'dev', credential: psk('of somebody') });
    await fresh.withdraw();
    expect(identitiesIn(store)).toEqual(['factory', 'of somebody']);
  });

  it('replace none, and leave nothing behind where one belongs to another device', async () => {
    const { store, announce } = await stage();
    await expect(announce(psk('factory', 'another'))).rejects.toThrow(/has another key/);
    await store.put({ endpoint: 'other', credential: psk('taken') });
    await expect(announce(psk('1'), psk('taken'))).rejects.toThrow(CredentialTakenError);
    expect(identitiesIn(store)).toEqual(['factory']);
  });

  it('are eight at most: the oldest go, but for the one that the device came with last', async () => {
    const { store, announce } = await stage();
    for (let i = 1; i <= 7; i += 1) await announce(psk(`${i}`));
    expect(identitiesIn(store)).toHaveLength(8);
    use(store, '3');
    await announce(psk('8'));
    expect(identitiesIn(store)).toEqual(['3', '1', '2', '4', '5', '6', '7', '8']);
    for (let i = 9; i <= 20; i += 1) await announce(psk(`${i}`));
    expect(identitiesIn(store)).toEqual(['3', '14', '15', '16', '17', '18', '19', '20']);
    // Whatever else there is, those that were just handed out stay.
    const many = Array.from({ length: 12 }, (_, i) => psk(`together ${i}`));
    await announce(...many);
    expect(identitiesIn(store)).toHaveLength(13);
  });

  it('leave nothing of their kind beside them once the device has them and old ones are to go', async () => {
    const { store, announce } = await stage();
    await store.put({ endpoint: 'dev', credential: { kind: 'rpk', publicKey: Uint8Array.of(1) } });
    const fresh = await announce(psk('1'));
    await fresh.retireOthers();
    expect([identitiesIn(store), store.ofEndpoint('dev').length]).toEqual([['1'], 2]);
  });
});
