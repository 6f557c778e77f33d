import { expect, it } from 'vitest';
import { ObjectStore } from '../objects/store.ts';
import { SecurityObject } from './security.ts';
import { defineServerObject, ServerObject, serverActions } from './server.ts';

function accountAt(lwm2mServerUri: string): ObjectStore {
  const store = new ObjectStore();
  defineServerObject(store, {
    update: () => undefined,
    disable: () => undefined,
    bootstrap: () => undefined,
    version: () => undefined,
  });
  const keys = { securityMode: 3, shortServerId: 7 };
  store.add(SecurityObject, 0, { lwm2mServerUri: 'coap://b', bootstrapServer: true, securityMode: 3 });
  store.add(SecurityObject, 1, { lwm2mServerUri, bootstrapServer: false, ...keys });
  return store;
}

function write(store: ObjectStore, binding: string): void {
  const registrationUpdateTrigger = serverActions(store, 0).get(8) ?? (() => undefined);
  const values = { shortServerId: 7, lifetime: 60, notificationStoringWhenDisabledOrOffline: false };
  store.add(ServerObject, 0, { ...values, binding, registrationUpdateTrigger });
}

it.each([
  ['coap://h', 'U', 'T'],
  ['coaps://h', 'UQ', 'TQ'],
  ['coap+tcp://h', 'T', 'U'],
  ['coaps+ws://h', 'TQ', 'UQ'],
  ['tel:+15105550101', 'S', 'U'],
  ['tel:+15105550101', 'SQ', 'UQS'],
])('a server at %s takes binding %s and not %s', (uri, good, bad) => {
  write(accountAt(uri), good);
  expect(() => write(accountAt(uri), bad)).toThrow('4.00');
});

it('goes by the road that comes into force together with the binding', () => {
  const store = accountAt('coap://h');
  store.batch((transaction) => {
    transaction.put(0, 1, 0, { type: 'string', value: 'coap+tcp://h' });
    write(store, 'T');
  });
  expect(store.get(ServerObject, 0)?.get('binding')).toBe('T');
});
