// Contexts of OSCORE in the store of credentials in memory: no two devices have one master secret.
import { fromHex, Secret } from '@lapwing/kernel';
import { expect, it } from 'vitest';
import { MemorySecurityStore } from './memory-store.ts';
import { CredentialTakenError, type DeviceSecurity } from './store.ts';

const secretOf = (secret: string): Secret => new Secret(fromHex(secret));
const security = (endpoint: string, secret: string, recipientId: string, idContext?: string): DeviceSecurity => ({
  endpoint,
  credential: {
    kind: 'oscore',
    context: {
      masterSecret: secretOf(secret),
      senderId: fromHex('01'),
      recipientId: fromHex(recipientId),
      ...(idContext === undefined ? {} : { idContext: fromHex(idContext) }),
    },
  },
});

it('refuses a master secret that is another endpoint’s, whatever else differs, and changes nothing', async () => {
  const store = new MemorySecurityStore([security('a', '0102', '0a')]);
  for (const other of [security('b', '0102', '0b'), security('b', '0102', '0a', '05')]) {
    await expect(store.put(other)).rejects.toThrow(
      'b: its master secret of OSCORE is that of a; each device needs one',
    );
    await expect(store.put(other)).rejects.toBeInstanceOf(CredentialTakenError);
    expect(() => new MemorySecurityStore([security('a', '0102', '0a'), other])).toThrow(CredentialTakenError);
  }
  expect([store.size, store.ofEndpoint('b')]).toEqual([1, []]);
  expect(store.byMasterSecret(secretOf('0102'))?.endpoint).toBe('a');
  expect(store.byMasterSecret(secretOf('0103'))).toBeUndefined();
});

it('lets one endpoint have several contexts of one secret, as while ids are changed', async () => {
  const store = new MemorySecurityStore([security('a', '0102', '0a')]);
  await store.put(security('a', '0102', '0b'));
  expect(store.size).toBe(2);
});

it('gives a secret free when it is replaced, and when its endpoint is removed', async () => {
  const store = new MemorySecurityStore([security('a', '0102', '0a')]);
  await store.put(security('a', '0103', '0a'));
  await store.put(security('b', '0102', '0b'));
  await expect(store.put(security('c', '0103', '0c'))).rejects.toThrow(/is that of a/);
  await store.remove('a');
  await store.put(security('c', '0103', '0c'));
  expect(store.byMasterSecret(secretOf('0103'))?.endpoint).toBe('c');
  expect(store.size).toBe(2);
});
