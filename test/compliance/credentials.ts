// What every store of credentials keeps to, whatever it stands on.
import { encodeUtf8, Secret } from '@lapwing/kernel';
import {
  type CredentialChange,
  CredentialTakenError,
  type DeviceCredential,
  type DeviceSecurity,
  type SecurityStore,
} from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { hostile, type Open } from './stores.ts';

const psk = (identity: string, key = 'key'): DeviceCredential => ({
  kind: 'psk',
  identity: encodeUtf8(identity),
  key: new Secret(encodeUtf8(key)),
});
const rpk = (key: string): DeviceCredential => ({ kind: 'rpk', publicKey: encodeUtf8(key) });
const x509 = (subject: string, certificate?: string): DeviceCredential => ({
  kind: 'x509',
  subject,
  ...(certificate === undefined ? {} : { certificate: encodeUtf8(certificate) }),
});
const oscore = (recipient: string, idContext?: string): DeviceCredential => ({
  kind: 'oscore',
  context: {
    masterSecret: new Secret(encodeUtf8('0123456789abcdef')),
    senderId: encodeUtf8('s'),
    recipientId: encodeUtf8(recipient),
    ...(idContext === undefined ? {} : { idContext: encodeUtf8(idContext) }),
  },
});

/** What can be compared: keys in clear. */
const plain = (credential: DeviceCredential): unknown => {
  if (credential.kind === 'psk') return { ...credential, key: credential.key.reveal() };
  if (credential.kind !== 'oscore') return credential;
  return { ...credential, context: { ...credential.context, masterSecret: credential.context.masterSecret.reveal() } };
};
const allOf = async (store: SecurityStore, endpoint: string): Promise<unknown[]> =>
  (await store.ofEndpoint(endpoint)).map(plain);

function heardBy(store: SecurityStore): { readonly changes: CredentialChange[] } & Disposable {
  const changes: CredentialChange[] = [];
  const listening = store.onChange((change) => changes.push(change));
  return { changes, [Symbol.dispose]: () => listening[Symbol.dispose]() };
}

const told = ({ endpoint, before, after }: CredentialChange) => [endpoint, before.map(plain), after.map(plain)];

export function credentialStores(title: string, open: Open<SecurityStore>): void {
  describe(`credentials in ${title}`, () => {
    it('are found by what a device proves, and by its name, in the next process too', async () => {
      await using opened = await open();
      const those = [psk('i'), rpk('k'), x509('CN=a'), x509('CN=b', 'der'), oscore('r'), oscore('r', 'ctx')];
      for (const credential of those) await opened.store.put({ endpoint: 'dev', credential });
      await opened.store.put({ endpoint: 'other', credential: psk('j') });
      for (const store of [opened.store, await opened.reopen()]) {
        expect(await store.byPskIdentity(encodeUtf8('i'))).toMatchObject({
          endpoint: 'dev',
          credential: { kind: 'psk' },
        });
        expect(await store.byPublicKey(encodeUtf8('k'))).toMatchObject({ endpoint: 'dev', credential: rpk('k') });
        expect(await store.bySubject('CN=b')).toEqual({ endpoint: 'dev', credential: x509('CN=b', 'der') });
        expect(await store.byRecipientId(encodeUtf8('r'))).toHaveLength(2);
        expect(await store.byPskIdentity(encodeUtf8('j'))).toMatchObject({ endpoint: 'other' });
        expect(new Set(await allOf(store, 'dev'))).toEqual(new Set(those.map(plain)));
        expect(await store.byPskIdentity(encodeUtf8('x'))).toBeUndefined();
        expect(await store.ofEndpoint('nobody')).toEqual([]);
        const all: DeviceSecurity[] = [];
        for await (const security of store.all()) all.push(security);
        expect(all).toHaveLength(7);
      }
    });

    it('R-01: take any text and any bytes for what they are', async () => {
      await using opened = await open();
      for (const text of hostile) {
        await opened.store.put({ endpoint: text, credential: psk(text) });
        await opened.store.put({ endpoint: text, credential: x509(text) });
      }
      const store = await opened.reopen();
      for (const text of hostile) {
        expect(await allOf(store, text)).toHaveLength(2);
        expect(await store.bySubject(text)).toMatchObject({ endpoint: text });
        expect(await store.byPskIdentity(encodeUtf8(text))).toMatchObject({ endpoint: text });
      }
    });

    it('belong to one name: what is another’s is refused, and nothing has changed', async () => {
      await using opened = await open();
      const { store } = opened;
      await store.put({ endpoint: 'a', credential: psk('i') });
      await store.put({ endpoint: 'b', credential: psk('own') });
      using heard = heardBy(store);
      await expect(store.put({ endpoint: 'b', credential: psk('i', 'other') })).rejects.toThrow(CredentialTakenError);
      await expect(store.replace('b', [rpk('new'), psk('i')])).rejects.toThrow(CredentialTakenError);
      expect([await allOf(store, 'a'), await allOf(store, 'b')]).toEqual([[plain(psk('i'))], [plain(psk('own'))]]);
      expect(await store.byPublicKey(encodeUtf8('new'))).toBeUndefined();
      expect(heard.changes).toEqual([]);
    });

    it('that are put, replaced and removed are told before that is done, with what there was and what there is', async () => {
      await using opened = await open();
      const { store } = opened;
      using heard = heardBy(store);
      await store.put({ endpoint: 'a', credential: psk('i', 'one') });
      await store.put({ endpoint: 'a', credential: psk('i', 'two') });
      await store.put({ endpoint: 'a', credential: rpk('k') });
      await store.replace('a', [rpk('k'), x509('CN=a')]);
      expect(await store.remove('a')).toBe(true);
      expect(await store.remove('a')).toBe(false);
      const [one, two] = [plain(psk('i', 'one')), plain(psk('i', 'two'))];
      expect(heard.changes.map(told)).toEqual([
        ['a', [], [one]],
        ['a', [one], [two]],
        ['a', [two], expect.toSatisfy((after: unknown[]) => after.length === 2)],
        ['a', expect.toSatisfy((before: unknown[]) => before.length === 2), [rpk('k'), x509('CN=a')]],
        ['a', [rpk('k'), x509('CN=a')], []],
      ]);
      expect(await store.byPskIdentity(encodeUtf8('i'))).toBeUndefined();
    });

    it('are given with the one first that the device came with last, in the next process too', async () => {
      await using opened = await open();
      const { store } = opened;
      for (const credential of [psk('1'), psk('2'), oscore('r'), rpk('k'), psk('3')])
        await store.put({ endpoint: 'a', credential });
      using heard = heardBy(store);
      await store.used('a', { kind: 'rpk', publicKey: encodeUtf8('k') });
      await store.used('a', { kind: 'psk', id: encodeUtf8('2') });
      await store.used('a', { kind: 'psk', id: encodeUtf8('unknown') });
      await store.used('nobody', { kind: 'psk', id: encodeUtf8('1') });
      await store.put({ endpoint: 'a', credential: psk('4') });
      const expected = [psk('2'), rpk('k'), psk('1'), oscore('r'), psk('3'), psk('4')].map(plain);
      expect(heard.changes).toHaveLength(1);
      for (const each of [store, await opened.reopen()]) expect(await allOf(each, 'a')).toEqual(expected);
    });

    it('are told to nobody who has left', async () => {
      await using opened = await open();
      const heard = heardBy(opened.store);
      heard[Symbol.dispose]();
      await opened.store.put({ endpoint: 'a', credential: psk('i') });
      expect(heard.changes).toEqual([]);
    });
  });
}
