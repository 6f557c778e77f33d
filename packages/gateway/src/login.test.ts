// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of mountpoints.
import { Code } from '@lapwing/coap';
import { nobody } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import type { Candidate } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { parseConfig } from './config-file.ts';
import { fakeRegistration } from './fake-server.ts';
import { Log } from './log.ts';
import { Logins } from './login.ts';
import { Metrics } from './metrics.ts';

const translator = { topic: 't' };
const translators = {
  command: translator,
  response: translator,
  notify: translator,
  register: translator,
  update: translator,
};

async function start(lwm2m: object, answer: object = { result: 'allow' }) {
  const config = (await parseConfig(JSON.stringify({ gateway: { lwm2m: { translators, ...lwm2m } } }), 'json', {}))
    .lwm2m;
  const clock = new VirtualClock();
  const metrics = new Metrics();
  const lines: string[] = [];
  const log = new Log({ level: 'info', clock, metrics, sink: { write: (line) => lines.push(line) } });
  const registered = new Set<string>();
  const urls: string[] = [];
  const fetch = async (url: string): Promise<Response> => {
    urls.push(url);
    return new Response(JSON.stringify(answer), { headers: { 'content-type': 'application/json' } });
  };
  const logins = new Logins({ config, clock, fetch, log, metrics, isRegistered: (name) => registered.has(name) });
  return { logins, clock, metrics, registered, urls, lines };
}

function candidate(parameters: Record<string, string>, more: Partial<Candidate> = {}): Candidate {
  return {
    name: parameters['ep'] ?? 'ep',
    parameters: new Map(Object.entries(parameters)),
    peer: { key: 'k', address: { via: 'udp', host: '192.0.2.9', port: 4000 }, identity: nobody },
    listener: 'udp:a',
    version: '1.0',
    lifetime: 60_000,
    ...more,
  };
}

const udp = (listener: object = {}) => ({ listeners: { udp: { a: { bind: 1, ...listener } } } });
const authentication = {
  mechanism: 'password_based',
  backend: 'http',
  method: 'get',
  url: 'http://auth.example/${username}/${listener}',
};

describe('logins', () => {
  it('let everybody in when nothing is configured, and remember nothing that follows from the name', async () => {
    const { logins } = await start({ mountpoint: 'x/${endpoint_name}/', ...udp() });
    expect(await logins.authorize(candidate({ ep: 'a/b' }))).toEqual({ allow: true });
    expect(logins.mountOf(fakeRegistration('a/b'))).toBe('x/a%2Fb/');
  });

  it('settle a mountpoint from what the device sent, where it came from, and what the service said', async () => {
    const answer = { result: 'allow', client_attrs: { group: 'g1' }, zone_override: 'z' };
    const mountpoint = '${clientid}/${username}/${peerhost}/${zone}/${client_attrs.group}/${client_attrs.other}/${x}/';
    const { logins, urls } = await start({ mountpoint, authentication, ...udp() }, answer);
    const verdict = await logins.authorize(candidate({ ep: 'e', device_id: 'd', imei: '49/0' }));
    const attributes = { mountpoint: 'd/49%2F0/192.0.2.9/z/g1/${client_attrs.other}/${x}/' };
    expect(verdict).toEqual({ allow: true, attributes });
    expect(logins.mountOf(fakeRegistration('e', { attributes }))).toBe(attributes.mountpoint);
    expect(urls).toEqual(['http://auth.example/49%2F0/lwm2m%3Audp%3Aa']);
  });

  it('end when the service says', async () => {
    const { logins } = await start({ authentication, ...udp() }, { result: 'allow', expire_at: 5 });
    expect(await logins.authorize(candidate({}))).toEqual({ allow: true, expiresAt: 5000 });
  });

  it('are refused with the code of the profile', async () => {
    for (const [compat, code] of [
      ['emqx', Code.BadRequest],
      ['native', Code.Forbidden],
    ] as const) {
      const { logins } = await start({ authentication, compat, ...udp() }, { result: 'deny' });
      expect(await logins.authorize(candidate({}))).toEqual({
        allow: false,
        code,
        reason: 'Login Failed: not_authorized',
      });
    }
  });

  it('P-15: are refused and logged without the name of any secret when the service fails', async () => {
    const { logins, metrics, lines } = await start({ authentication, ...udp() }, ['hunter2']);
    expect(await logins.authorize(candidate({ password: 'hunter2' }))).toMatchObject({ allow: false });
    expect(metrics.snapshot()['logins.unavailable']).toBe(1);
    expect(lines.join('')).not.toContain('hunter2');
  });

  it('are asked of the own service of a listener, or of none', async () => {
    const own = { ...authentication, url: 'http://own.example/' };
    const { logins, urls } = await start({
      authentication,
      listeners: {
        udp: {
          a: { bind: 1, authentication: own, mountpoint: 'own/' },
          b: { bind: 2, enable_authn: false },
          c: { bind: 3 },
        },
      },
    });
    const verdicts = [];
    for (const listener of ['udp:a', 'udp:b', 'udp:c'])
      verdicts.push(await logins.authorize(candidate({ ep: 'e' }, { listener })));
    expect(urls).toEqual(['http://own.example/', 'http://auth.example/e/lwm2m%3Audp%3Ac']);
    expect(verdicts).toEqual(
      ['udp:a', 'udp:b', 'udp:c'].map((listener) => ({ allow: true, attributes: { listener } })),
    );
    expect(logins.mountOf(fakeRegistration('e', { attributes: { listener: 'udp:a' } }))).toBe('own/');
    expect(logins.mountOf(fakeRegistration('e', { attributes: { listener: 'udp:c' } }))).toBe('lwm2m/e/');
  });

  it('follow the access rules, the first that fits', async () => {
    const { logins, metrics } = await start(
      udp({ access_rules: ['allow 192.0.2.9', 'deny 192.0.2.0/24', 'deny 2001:db8::/32'] }),
    );
    const from = (host: string) =>
      logins.authorize(candidate({}, { peer: { key: 'k', address: { via: 'udp', host, port: 1 }, identity: nobody } }));
    const allowed = await Promise.all(
      ['192.0.2.9', '192.0.2.10', '::ffff:192.0.2.10', '198.51.100.1', '2001:db8::1'].map(from),
    );
    expect(allowed.map(({ allow }) => allow)).toEqual([true, false, false, true, false]);
    expect(metrics.snapshot()['logins.address_refused']).toBe(3);
  });

  it('are bounded in number, and a device that is registered may register again', async () => {
    const { logins, registered } = await start(udp({ max_connections: 2 }));
    for (const name of ['a', 'b']) {
      expect((await logins.authorize(candidate({ ep: name }))).allow).toBe(true);
      registered.add(name);
      logins.counted(fakeRegistration(name), 1);
    }
    expect(await logins.authorize(candidate({ ep: 'c' }))).toMatchObject({
      allow: false,
      code: Code.ServiceUnavailable,
    });
    expect((await logins.authorize(candidate({ ep: 'a' }))).allow).toBe(true);
    logins.counted(fakeRegistration('a'), -1);
    expect((await logins.authorize(candidate({ ep: 'c' }))).allow).toBe(true);
  });

  it('are bounded in one second', async () => {
    const { logins, clock } = await start(udp({ max_conn_rate: 2 }));
    const outcomes = [];
    for (let i = 0; i < 3; i += 1) outcomes.push((await logins.authorize(candidate({ ep: `${i}` }))).allow);
    expect(outcomes).toEqual([true, true, false]);
    await clock.advance(1000);
    expect((await logins.authorize(candidate({}))).allow).toBe(true);
  });

  it('P-01: of a name that fits no topic are refused', async () => {
    const { logins } = await start({ mountpoint: 'x/${endpoint_name}/', ...udp() });
    expect(await logins.authorize(candidate({ ep: '\ud800' }))).toMatchObject({ allow: false });
    expect(await logins.authorize(candidate({ ep: '/'.repeat(65_536) }))).toMatchObject({ allow: false });
  });
});
