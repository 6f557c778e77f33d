import { Code, ResponseError } from '@lapwing/coap';
import { defineObject, type Entry, instancePath, makeValue, objectPath, resourcePath, rootPath } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { defineAccountObjects } from '../accounts.ts';
import { SecurityObject } from '../builtin/security.ts';
import { ServerObject } from '../builtin/server.ts';
import { isEmptied, setEmptied } from '../objects/access-control.ts';
import { ObjectStore } from '../objects/store.ts';
import { isMany } from '../objects/tree.ts';
import { Staging } from './apply.ts';

const Device = defineObject({
  id: 3,
  name: 'Device',
  resources: { maker: { id: 0, type: 'string', access: 'R' }, reboot: { id: 4, access: 'E', required: true } },
});
const Lamp = defineObject({
  id: 3311,
  name: 'Light',
  version: '1.1',
  many: true,
  resources: { onOff: { id: 5850, type: 'boolean', access: 'RW', required: true } },
});

function setUp() {
  const store = new ObjectStore();
  const executed: string[] = [];
  defineAccountObjects(store, {
    update: (instance) => executed.push(`update ${instance}`),
    disable: (instance) => executed.push(`disable ${instance}`),
    bootstrap: (instance) => executed.push(`bootstrap ${instance}`),
    version: () => undefined,
  });
  store.add(Device, 0, { maker: 'us', reboot: () => undefined });
  store.add(Lamp, 0, { onOff: true });
  store.add(SecurityObject, 0, {
    lwm2mServerUri: 'coap://b',
    bootstrapServer: true,
    securityMode: 3,
    oscoreSecurityMode: { object: 21, instance: 4 },
  });
  store.add(SecurityObject, 1, {
    lwm2mServerUri: 'coap://a',
    bootstrapServer: false,
    securityMode: 3,
    shortServerId: 7,
  });
  return { store, executed, staging: new Staging(store, { refusesSecrets: false }) };
}

const entry = (object: number, instance: number, resource: number, value: Entry['value'] & object): Entry => ({
  path: resourcePath(object, instance, resource),
  value,
});
const server: Entry[] = [
  entry(1, 2, 0, makeValue('integer', 7)),
  entry(1, 2, 1, makeValue('integer', 60)),
  entry(1, 2, 6, makeValue('boolean', true)),
  entry(1, 2, 7, makeValue('string', 'U')),
];
const statusOf = (run: () => void): number | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof ResponseError ? error.status : Number.NaN;
  }
};

describe('what a bootstrap writes', () => {
  it('comes into force at once, with the actions that such an instance has', () => {
    const { store, executed, staging } = setUp();
    const heard: string[] = [];
    store.events.on('changed', ({ paths }) => heard.push(String(paths.length)));
    staging.write(instancePath(1, 2), server);
    staging.write(instancePath(3311, 5), [entry(3311, 5, 5850, makeValue('boolean', false))]);
    staging.delete(instancePath(3311, 0));
    expect([heard, store.get(ServerObject, 2)]).toEqual([[], undefined]);
    expect([...staging.commit()]).toEqual(['1/2', '3311/5', '3311/0']);
    expect(heard).toHaveLength(1);
    expect([...(store.objects.get(3311)?.instances.keys() ?? [])]).toEqual([5]);
    for (const action of store.objects.get(1)?.instances.get(2)?.actions.values() ?? []) void action();
    expect(executed).toEqual(['update 2', 'disable 2', 'bootstrap 2']);
  });

  it('writes over what is there and leaves the rest', () => {
    const { store, staging } = setUp();
    staging.write(resourcePath(0, 1, 0), [entry(0, 1, 0, makeValue('string', 'coap://c'))]);
    staging.commit();
    const contents = store.objects.get(0)?.instances.get(1)?.contents;
    const uri = contents?.get(0);
    expect([uri !== undefined && !isMany(uri) ? uri.value : undefined, contents?.has(10)]).toEqual(['coap://c', true]);
  });

  it('passes over resources that are not known, and what can only be executed', () => {
    const { store, staging } = setUp();
    staging.write(objectPath(1), [
      ...server,
      entry(1, 2, 999, makeValue('integer', 1)),
      entry(1, 2, 4, makeValue('integer', 1)),
    ]);
    staging.commit();
    expect([...(store.objects.get(1)?.instances.get(2)?.contents.keys() ?? [])]).toEqual([0, 1, 6, 7]);
  });

  it('changes nothing when an instance could not live', () => {
    const { store, staging } = setUp();
    staging.write(instancePath(1, 2), server.slice(0, 2));
    staging.delete(instancePath(3311, 0));
    expect(statusOf(() => staging.commit())).toBe(Code.BadRequest);
    expect([store.get(ServerObject, 2), store.objects.get(3311)?.instances.size]).toEqual([undefined, 1]);
  });

  it('brings no object along either when an instance could not live', () => {
    const { store, staging } = setUp();
    let lists = 0;
    store.events.on('list-changed', () => (lists += 1));
    staging.write(instancePath(2, 0), [
      entry(2, 0, 0, makeValue('integer', 3311)),
      entry(2, 0, 1, makeValue('integer', 0)),
      entry(2, 0, 3, makeValue('integer', 7)),
    ]);
    staging.write(instancePath(1, 2), server.slice(0, 2));
    expect(statusOf(() => staging.commit())).toBe(Code.BadRequest);
    expect([store.objects.has(2), lists]).toEqual([false, 0]);
    staging.write(instancePath(1, 2), server);
    staging.commit();
    expect([store.objects.get(2)?.instances.size, lists]).toEqual([1, 1]);
  });

  it('may say that everybody may do everything again, where a server has deleted the last list', () => {
    const { store, staging } = setUp();
    setEmptied(store, true);
    staging.delete(objectPath(1));
    staging.commit();
    expect(isEmptied(store)).toBe(true);
    staging.delete(objectPath(2));
    expect(isEmptied(store)).toBe(true);
    staging.commit();
    expect(isEmptied(store)).toBe(false);
  });

  it('may be of objects that the device says nothing of: access control and OSCORE', () => {
    const { store, staging } = setUp();
    staging.write(
      instancePath(21, 4),
      [0, 1, 2].map((id) => entry(21, 4, id, makeValue('opaque', new Uint8Array(1)))),
    );
    expect(store.objects.has(21)).toBe(false);
    expect(staging.places(objectPath(21))).toEqual([
      { path: objectPath(21), version: '2.0' },
      { path: instancePath(21, 4) },
    ]);
    staging.commit();
    expect(store.objects.get(21)?.instances.has(4)).toBe(true);
  });

  it('leaves the bootstrap account, its OSCORE context and the Device when everything goes', () => {
    const { store, staging } = setUp();
    staging.write(
      instancePath(21, 4),
      [0, 1, 2].map((id) => entry(21, 4, id, makeValue('opaque', new Uint8Array(1)))),
    );
    staging.write(
      instancePath(21, 5),
      [0, 1, 2].map((id) => entry(21, 5, id, makeValue('opaque', new Uint8Array(1)))),
    );
    staging.delete(rootPath);
    staging.commit();
    const left = [...store.objects].flatMap(([object, { instances }]) =>
      [...instances.keys()].map((id) => `${object}/${id}`),
    );
    expect(left.sort()).toEqual(['0/0', '21/4', '3/0']);
  });

  it('is looked at as it would be, with versions and short server ids', () => {
    const { staging } = setUp();
    staging.write(instancePath(1, 2), server);
    expect(staging.places(rootPath)).toEqual([
      { path: instancePath(0, 0) },
      { path: instancePath(0, 1), shortServerId: 7, uri: 'coap://a' },
      { path: instancePath(1, 2), shortServerId: 7 },
      { path: instancePath(3, 0) },
      { path: objectPath(3311), version: '1.1' },
      { path: instancePath(3311, 0) },
    ]);
    expect(staging.read(objectPath(1))).toEqual(server);
    expect(statusOf(() => staging.read(instancePath(1, 9)))).toBe(Code.NotFound);
  });
});
