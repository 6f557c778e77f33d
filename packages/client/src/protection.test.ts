import { ConfigError, Secret } from '@lapwing/kernel';
import { expect, it } from 'vitest';
import { Client } from './engine.ts';
import { late } from './late.ts';
import { ObjectStore } from './objects/store.ts';

it('is loaded for what options say of OSCORE, before that is checked', async () => {
  expect(late.oscore).toBeUndefined();
  const oscore = {
    masterSecret: new Secret(new Uint8Array(16)),
    senderId: new Uint8Array(8),
    recipientId: Uint8Array.of(1),
  };
  const servers = [{ uri: 'coap://127.0.0.1', oscore }];
  const start = Client.start({ name: 'device', servers, objects: new ObjectStore() });
  await expect(start).rejects.toThrow(ConfigError);
  await expect(start).rejects.toThrow(/^servers\[0\]\.oscore/);
  expect(late.oscore).toBeDefined();
});
