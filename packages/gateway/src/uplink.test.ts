import { makeLink } from '@lapwing/coap';
import type { Registration } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { profiles, secretParameters } from './compat.ts';
import { fakeRegistration } from './fake-server.ts';
import { formatLifecycle, formatRegistration } from './uplink.ts';

function registration(parameters: Record<string, string>, more: Partial<Registration> = {}): Registration {
  const objects = ['/1', '/2', '/3'].map((target) => makeLink(target, [['ver', '1.1']]));
  return fakeRegistration(parameters['ep'] ?? 'ep', {
    parameters: new Map(Object.entries(parameters)),
    objects,
    ...more,
  });
}
const told = (which: Registration, profile = profiles.emqx) =>
  JSON.parse(formatRegistration('register', which, profile));

describe('registrations', () => {
  it('tell everything the device sent, the lifetime as a number, the objects without attributes', () => {
    const parameters = { ep: 'urn:oma:lwm2m:oma:3', lt: '345', lwm2m: '1', b: 'UQ', apn: 'x', imei: '490' };
    expect(told(registration(parameters))).toEqual({
      msgType: 'register',
      data: { ...parameters, lt: 345, alternatePath: '/', objectList: ['/1', '/2', '/3'] },
    });
  });

  it('name the alternate path', () => {
    expect(told(registration({ ep: 'e' }, { rootPath: '/lwm2m' })).data.alternatePath).toBe('/lwm2m');
  });

  it('leave out path and list when the device sent no objects', () => {
    expect(told(registration({ ep: 'e', lt: '60' }, { objects: [] })).data).toEqual({ ep: 'e', lt: 60 });
  });

  it('keep a lifetime of 0, and give the one that holds when none was sent', () => {
    expect(told(registration({ lt: '0' })).data.lt).toBe(0);
    expect(told(registration({})).data.lt).toBe(86_400);
    expect(told(registration({ lt: 'x' }, { lifetime: Number.POSITIVE_INFINITY })).data.lt).toBe(0);
  });

  it('P-12, I-19: never carry a parameter that names a secret', () => {
    const secrets = Object.fromEntries([...secretParameters].map((name) => [name, 'canary']));
    expect(formatRegistration('update', registration({ ep: 'e', ...secrets }), profiles.emqx)).not.toContain('canary');
  });

  it('drop a parameter without value in the emqx profile, and report it in the native one', () => {
    expect(told(registration({ ep: 'e', Q: '' })).data).not.toHaveProperty('Q');
    expect(told(registration({ ep: 'e', Q: '' }), profiles.native).data.Q).toBe(true);
  });

  it('are valid JSON whatever the names of parameters are', () => {
    const odd = { ep: 'e', '"\n': '"\\', __proto__x: '1', objectList: 'no', alternatePath: 'no', constructor: 'c' };
    expect(told(registration(odd)).data).toMatchObject({
      '"\n': '"\\',
      objectList: ['/1', '/2', '/3'],
      constructor: 'c',
    });
  });

  it.each(['deregister', 'expire', 'online', 'offline'] as const)('%s names the device', (event) => {
    expect(JSON.parse(formatLifecycle(event, registration({ ep: 'a"b' })))).toEqual({
      msgType: event,
      data: { ep: 'a"b' },
    });
  });
});
