import { minutes, nobody } from '@lapwing/kernel';
import { type Lwm2mVersion, type Operation, resourcePath } from '@lapwing/lwm2m';
import { expect, it } from 'vitest';
import { Contact } from './contact.ts';
import { UnsupportedError } from './errors.ts';
import { obstacleTo } from './obstacle.ts';
import { RegistrationRecord } from './registration/registration.ts';

function registered(version: Lwm2mVersion): Contact {
  const registration = new RegistrationRecord({
    id: 'x',
    name: 'a',
    peer: { key: 'a', address: { via: 'udp', host: '192.0.2.1', port: 5683 }, identity: nobody },
    terms: { lifetime: minutes(1), version, binding: 'U', queueMode: false, parameters: new Map() },
    objectList: { kind: 'objects', rootPath: '', formats: [], objects: [] },
    registeredAt: 0,
    updatedAt: 0,
    attributes: undefined,
  });
  return new Contact(registration, undefined as never, 1, minutes(1), undefined);
}

const path = resourcePath(3303, 0, 5700);
const attributes = { pmin: 10 };

it('asks nobody for an observation of several paths whose attributes would be passed over', () => {
  const composite: Operation = { op: 'observe-composite', paths: [path], attributes };
  expect(obstacleTo('a', registered('1.2'), composite)).toBeUndefined();
  expect(obstacleTo('a', registered('1.1'), { op: 'observe-composite', paths: [path] })).toBeUndefined();
  expect(obstacleTo('a', registered('1.1'), composite)).toEqual(
    new UnsupportedError('a speaks LwM2M 1.1, which has no observe-composite (observe-attributes)'),
  );
  expect(obstacleTo('a', registered('1.0'), composite)).toEqual(
    new UnsupportedError('a speaks LwM2M 1.0, which has no observe-composite (composite)'),
  );
});

it('asks devices of every version for observations of one path with attributes', () => {
  for (const version of ['1.0', '1.1', '1.2'] as const)
    expect(obstacleTo('a', registered(version), { op: 'observe', path, attributes })).toBeUndefined();
});
