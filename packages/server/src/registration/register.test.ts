import { Code, Option } from '@lapwing/coap';
import { days, encodeUtf8, hours, type Identity, minutes, nobody, type Peer, Secret, seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import type { Verdict } from '../options.ts';
import { MemorySecurityStore } from '../security/memory-store.ts';
import { peerOf, psk, Wire } from '../testing/wire.ts';

const a = peerOf('a');

describe('Register', () => {
  it('I-06: takes the name from the credential where the device gives none, and refuses it in NoSec', async () => {
    const wire = await Wire.open();
    expect((await wire.register(peerOf('k', psk('dev-7')), ['lwm2m=1.1'])).code).toBe(Code.Created);
    expect(wire.server.registration('dev-7')).toBeDefined();
    expect((await wire.register(a, ['lwm2m=1.1'])).code).toBe(Code.BadRequest);
    const nameless: Identity = { kind: 'psk', id: Uint8Array.of(0xff, 0xfe) };
    expect((await wire.register(peerOf('n', nameless), ['lwm2m=1.1'])).code).toBe(Code.BadRequest);
    expect((await wire.register(peerOf('m', psk('a\nb')), ['lwm2m=1.1'])).code).toBe(Code.BadRequest);
  });

  it('I-05: leaves the decision to the application, and forwards nothing before it', async () => {
    const asked: unknown[] = [];
    const wire = await Wire.open({
      authorize: (candidate) => {
        asked.push([candidate.name, candidate.listener, candidate.lifetime, candidate.parameters.get('x')]);
        return Promise.resolve<Verdict>(
          candidate.peer.identity.kind === 'none'
            ? { allow: false, code: Code.Forbidden }
            : { allow: true, attributes: { tenant: 't' } },
        );
      },
    });
    expect((await wire.register(a, ['ep=dev', 'lwm2m=1.1', 'lt=60', 'x=y'])).code).toBe(Code.Forbidden);
    expect(wire.server.registration('dev')).toBeUndefined();
    expect((await wire.register(peerOf('k', psk('dev')), ['ep=dev', 'lwm2m=1.1'])).code).toBe(Code.Created);
    expect(wire.server.registration('dev')?.attributes).toEqual({ tenant: 't' });
    expect(asked[0]).toEqual(['dev', 'listener-1', seconds(60), 'y']);
    expect(wire.events).toEqual(['registered dev']);
    for (const path of ['/dp', '/rd/x', '/3/0', '/'])
      expect((await wire.ask(a, Code.Post, path)).code).toBe(Code.NotFound);
  });

  it('I-25: fails closed with 5.03 when nobody can say, while those who are in stay in', async () => {
    let works = true;
    const wire = await Wire.open({
      authorize: () => (works ? Promise.resolve({ allow: true }) : Promise.reject(new Error('down'))),
    });
    const location = await wire.location(a, 'dev');
    works = false;
    const refused = await wire.register(peerOf('b'), ['ep=other', 'lwm2m=1.1']);
    expect(refused.code).toBe(Code.ServiceUnavailable);
    expect(refused.options.uint(Option.MaxAge)).toBeGreaterThan(0);
    expect(refused.payload).toHaveLength(0);
    expect((await wire.ask(a, Code.Post, location)).code).toBe(Code.Changed);
    expect(wire.server.stats().outcomes).toMatchObject({ unjudged: 1 });
  });

  it('I-01, I-05: refuses credentials that speak for another name, and a name that has credentials without them', async () => {
    const identity = encodeUtf8('key-1');
    const key = new Secret(Uint8Array.of(1, 2, 3, 4));
    const security = new MemorySecurityStore([{ endpoint: 'dev', credential: { kind: 'psk', identity, key } }]);
    const wire = await Wire.open({ security });
    const owner = peerOf('k', psk('key-1'));
    const refused: string[] = [];
    wire.server.events.on('not-owner', ({ name, peer }) => refused.push(`${name} of ${peer.key}`));
    const location = await wire.location(owner, 'dev');
    expect((await wire.register(owner, ['ep=other', 'lwm2m=1.1'])).code).toBe(Code.Forbidden);
    expect((await wire.register(a, ['ep=dev', 'lwm2m=1.1'])).code).toBe(Code.Forbidden);
    expect((await wire.register(peerOf('x', psk('dev')), ['ep=dev', 'lwm2m=1.1'])).code).toBe(Code.Forbidden);
    expect((await wire.register(owner, ['lwm2m=1.1'])).code).toBe(Code.Created);
    expect((await wire.ask(owner, Code.Post, location)).code).toBe(Code.NotFound);
    expect(wire.events).toEqual(['registered dev', 'registered dev']);
    expect(wire.server.stats().outcomes).toMatchObject({ 'not-owner': 3 });
    expect(refused).toEqual(['other of k', `dev of ${a.key}`, 'dev of x']);
  });

  it('I-25: fails closed with 5.03 when the credentials cannot be looked up', async () => {
    const security = new MemorySecurityStore();
    security.byPskIdentity = () => {
      throw new Error('down');
    };
    const wire = await Wire.open({ security });
    const peer = peerOf('k', psk('key-1'));
    for (const query of [['ep=dev'], []])
      expect((await wire.register(peer, [...query, 'lwm2m=1.1'])).code).toBe(Code.ServiceUnavailable);
  });

  it('ends with the permission, also when the device updates after it was given', async () => {
    const wire = await Wire.open({
      authorize: () => Promise.resolve({ allow: true, expiresAt: 1_767_225_600_000 + minutes(10) }),
    });
    const location = await wire.location(a, 'dev', 'lt=86400');
    await wire.clock.advance(minutes(5));
    expect((await wire.ask(a, Code.Post, location)).code).toBe(Code.Changed);
    await wire.clock.advance(minutes(5) + seconds(1));
    expect(wire.events).toEqual(['registered dev', 'updated dev', 'expired dev']);
  });

  it('counts the later of two that are judged at once, in whatever order the judgements come', async () => {
    const open: ((verdict: Verdict) => void)[] = [];
    const wire = await Wire.open({ authorize: () => new Promise((resolve) => open.push(resolve)) });
    const first = wire.register(a, ['ep=dev', 'lwm2m=1.1', 'n=1']).catch(() => undefined);
    const second = wire.register(peerOf('b'), ['ep=dev', 'lwm2m=1.1', 'n=2']).catch(() => undefined);
    await Promise.all([first, second]);
    open[1]?.({ allow: true });
    await wire.clock.advance(0);
    open[0]?.({ allow: true });
    await wire.clock.advance(0);
    expect(wire.server.registration('dev')?.parameters.get('n')).toBe('2');
    expect(wire.server.stats()).toMatchObject({ registrations: 1, outcomes: { overtaken: 1 } });
  });

  it('I-08: gives out places that nobody guesses', async () => {
    const wire = await Wire.open();
    const places = new Set<string>();
    for (let i = 0; i < 200; i += 1) places.add(await wire.location(a, `d${i}`));
    expect(places.size).toBe(200);
    for (const place of places) expect(place).toMatch(/^rd\/[\w-]{16}$/);
    const random = new SeededRandom(7);
    for (let i = 0; i < 1000; i += 1) {
      const guess = `rd/${Buffer.from(random.bytes(12)).toString('base64url')}`;
      expect((await wire.ask(peerOf('x'), Code.Post, guess)).code).toBe(Code.NotFound);
    }
  });

  it.each([
    ['lt=0', days(365)],
    ['lt=1', seconds(15)],
    ['lt=2147484', seconds(2_147_484)],
    ['lt=2592000', days(30)],
    ['lt=4294967296', days(365)],
  ])('I-14: moves the lifetime of %s into its bounds', async (lt, lifetime) => {
    const wire = await Wire.open();
    await wire.location(a, 'dev', lt);
    expect(wire.server.registration('dev')?.lifetime).toBe(lifetime);
    await wire.clock.advance(Math.min(lifetime, days(29)) - 1);
    expect(wire.server.registration('dev')).toBeDefined();
  });

  it.each([
    ['1.0', {}, seconds(15)],
    ['1.0', { zero: days(1) }, days(1)],
    ['1.0', { zero: days(1), max: minutes(5) }, minutes(5)],
    ['1.1', { zero: days(1) }, days(365)],
  ])('I-14: takes lt=0 of LwM2M %s, with the lifetimes %j, for %d ms', async (version, lifetime, expected) => {
    const wire = await Wire.open({ lifetime });
    expect((await wire.register(a, ['ep=dev', `lwm2m=${version}`, 'lt=0'])).code).toBe(Code.Created);
    expect(wire.server.registration('dev')?.lifetime).toBe(expected);
  });

  it('tells whom it refuses for what they say, and of nobody else', async () => {
    const wire = await Wire.open({ authorize: async () => ({ allow: false, code: Code.Forbidden }) });
    const told: unknown[] = [];
    wire.server.events.on('register-refused', ({ name, peer, reason }) =>
      told.push(`${name} at ${peer.key}: ${reason}`),
    );
    for (const query of [
      ['ep=dev', 'lwm2m=1.0', 'b=UX'],
      ['ep=dev', 'lwm2m=3.0'],
      ['lwm2m=1.1'],
      ['ep=dev', 'lwm2m=1.1'],
    ])
      await wire.register(a, query);
    await wire.register(a, ['ep=dev', 'lwm2m=1.1'], '</65536>');
    await wire.clock.advance(0);
    expect(told).toEqual([
      `dev at ${a.key}: 4.00 BadRequest: b malformed`,
      `dev at ${a.key}: 4.12 PreconditionFailed: lwm2m unsupported`,
      `undefined at ${a.key}: 4.00 BadRequest: ep missing`,
      `dev at ${a.key}: 4.00 BadRequest: object list malformed`,
    ]);
  });

  it.each(['lt=-1', 'lt=1e99', 'lt=60abc', 'lt='])('I-14: refuses %s', async (lt) => {
    const wire = await Wire.open();
    expect((await wire.register(a, ['ep=dev', 'lwm2m=1.1', lt])).code).toBe(Code.BadRequest);
  });

  it('I-14: lets a lifetime be endless only where the operator lets it', async () => {
    const wire = await Wire.open({ lifetime: { max: Number.POSITIVE_INFINITY } });
    await wire.location(a, 'dev', 'lt=0');
    await wire.clock.advance(days(3650));
    expect(wire.server.registration('dev')?.lifetime).toBe(Number.POSITIVE_INFINITY);
  });

  it('I-14: has an end of its own for endless lifetimes, whatever the longest of the others is', async () => {
    const wire = await Wire.open({ lifetime: { max: days(1), endless: Number.POSITIVE_INFINITY } });
    await wire.location(a, 'dev', 'lt=0');
    await wire.location(a, 'other', 'lt=4294967295');
    expect(wire.server.registration('other')?.lifetime).toBe(days(1));
    await wire.clock.advance(days(3650));
    expect(wire.server.registration('dev')?.lifetime).toBe(Number.POSITIVE_INFINITY);
  });

  it('I-15: refuses object lists that are none, passes over what is nobody’s business', async () => {
    const wire = await Wire.open();
    const codeOf = async (payload: string): Promise<number> =>
      (await wire.register(a, ['ep=dev', 'lwm2m=1.1'], payload)).code;
    expect(await codeOf('3/0>')).toBe(Code.BadRequest);
    expect(await codeOf('</65536>')).toBe(Code.BadRequest);
    expect(await codeOf('</-1>')).toBe(Code.BadRequest);
    expect(await codeOf('</1e3>')).toBe(Code.BadRequest);
    expect(wire.server.registration('dev')).toBeUndefined();
    expect(await codeOf('</0/0>,</21/0>,</23/0>,</3/0>,</3/0>')).toBe(Code.Created);
    expect(wire.server.registration('dev')?.objects.map(({ target }) => target)).toEqual(['/3/0']);
  });

  it.each(['lwm2m=0.9', 'lwm2m=1.3', 'lwm2m=9', 'lwm2m=', 'b=XYZ', 'b=UQSQT', 'b=Q', `b=${'U'.repeat(200)}`])(
    'I-16: refuses %s',
    async (parameter) => {
      const wire = await Wire.open();
      const query = parameter.startsWith('lwm2m') ? ['ep=dev', parameter] : ['ep=dev', 'lwm2m=1.1', parameter];
      expect([Code.BadRequest, Code.PreconditionFailed]).toContain((await wire.register(a, query)).code);
      expect(wire.server.stats()).toMatchObject({ registrations: 0, outcomes: { malformed: 1 } });
    },
  );

  const names = [
    '"',
    "'",
    '<script>',
    '/',
    '+',
    '#',
    '*',
    '$SYS',
    '..',
    '%',
    '%zz',
    '\u202eabc',
    '🐦',
    'x'.repeat(252),
  ];
  const prototypeNames = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];
  it.each([...names, ...prototypeNames])('I-17, L-20: keeps the name %j byte for byte', async (name) => {
    const wire = await Wire.open();
    const location = await wire.location(a, name, '__proto__=x', 'toString=y');
    const registration = wire.server.registration(name);
    expect(registration?.name).toBe(name);
    expect(registration?.parameters.get('ep')).toBe(name);
    expect(registration?.parameters.get('__proto__')).toBe('x');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    expect((await wire.ask(a, Code.Delete, location)).code).toBe(Code.Deleted);
    expect(wire.server.registration(name)).toBeUndefined();
  });

  it.each(['', 'a\nb', 'a\u001b[0m', 'a\0', 'a\u0085'])('I-17: refuses the name %j', async (name) => {
    const wire = await Wire.open();
    expect((await wire.register(a, [`ep=${name}`, 'lwm2m=1.1'])).code).toBe(Code.BadRequest);
  });

  it('I-18: refuses two names, and knows ep only in small letters and in the query', async () => {
    const wire = await Wire.open();
    expect((await wire.register(a, ['ep=x', 'ep=y', 'lwm2m=1.1'])).code).toBe(Code.BadRequest);
    expect((await wire.register(a, ['EP=x', 'lwm2m=1.1'])).code).toBe(Code.BadRequest);
    expect((await wire.register(a, ['lwm2m=1.1'], 'ep=x')).code).toBe(Code.BadRequest);
    expect(wire.server.stats().registrations).toBe(0);
  });

  it('L-28: refuses an object list in another format, and takes one called text or nothing', async () => {
    const wire = await Wire.open();
    for (const [format, code] of [
      [11_542, Code.UnsupportedContentFormat],
      [50, Code.UnsupportedContentFormat],
      [0, Code.Created],
      [40, Code.Created],
    ] as const) {
      const query = ['ep=dev', 'lwm2m=1.1'];
      const answer = await wire.ask(a, Code.Post, '/rd', query, '</3/0>', [[Option.ContentFormat, format]]);
      expect([format, answer.code]).toEqual([format, code]);
    }
  });

  it('I-12: of one name a thousand times a second is answered 4.29 with a time to come back, and there is one', async () => {
    const wire = await Wire.open({ limits: {} });
    const codes = new Map<number, number>();
    for (let i = 0; i < 1000; i += 1) {
      const { code, options } = await wire.register(a, ['ep=dev', 'lwm2m=1.1', 'lt=31536000']);
      codes.set(code, (codes.get(code) ?? 0) + 1);
      if (code === Code.TooManyRequests) expect(options.uint(Option.MaxAge)).toBe(10);
      await wire.clock.advance(1);
    }
    expect(codes.get(Code.Created)).toBeLessThanOrEqual(6);
    expect(wire.server.stats().registrations).toBe(1);
  });

  it('I-13: beyond the limit is answered 5.03, but not for those who are in', async () => {
    const wire = await Wire.open({ limits: { registrations: 2 } });
    await wire.location(a, 'x');
    await wire.location(a, 'y');
    expect((await wire.register(a, ['ep=z', 'lwm2m=1.1'])).code).toBe(Code.ServiceUnavailable);
    expect((await wire.register(a, ['ep=y', 'lwm2m=1.1'])).code).toBe(Code.Created);
    expect(wire.server.stats().registrations).toBe(2);
  });
});

describe('Update and Deregister', () => {
  it('I-07, I-10: of another device’s place are 4.04, as of one that is not there', async () => {
    const wire = await Wire.open();
    const location = await wire.location(a, 'dev');
    const before = wire.server.registration('dev');
    for (const code of [Code.Post, Code.Delete, Code.Get]) {
      expect((await wire.ask(peerOf('b'), code, location)).code).toBe(Code.NotFound);
      expect((await wire.ask(peerOf('b'), code, '/rd/000000000000000000000000')).code).toBe(Code.NotFound);
    }
    expect((await wire.ask(a, Code.Post, `${location}/x`)).code).toBe(Code.NotFound);
    expect((await wire.ask(a, Code.Get, location)).code).toBe(Code.MethodNotAllowed);
    expect(wire.server.registration('dev')).toBe(before);
  });

  it('I-09: with the same credential from elsewhere are accepted, with another one 4.04', async () => {
    const wire = await Wire.open();
    const location = await wire.location(peerOf('s1', psk('dev')), 'dev');
    const moved = peerOf('s2', psk('dev'), '198.51.100.7');
    expect((await wire.ask(moved, Code.Post, location)).code).toBe(Code.Changed);
    expect(wire.server.registration('dev')?.peer).toBe(moved);
    expect((await wire.ask(peerOf('s3', psk('other')), Code.Post, location)).code).toBe(Code.NotFound);
    expect((await wire.ask(peerOf('s3'), Code.Delete, location)).code).toBe(Code.Forbidden);
    const rpk = peerOf('s4', { kind: 'rpk', publicKey: encodeUtf8('dev') });
    expect((await wire.ask(rpk, Code.Delete, location)).code).toBe(Code.NotFound);
    expect((await wire.ask(moved, Code.Delete, location)).code).toBe(Code.Deleted);
  });

  it('I-11: that came over DTLS cannot be updated or ended without it, from the same host and port, over UDP or TCP', async () => {
    const wire = await Wire.open();
    const location = await wire.location(peerOf('dtls1', psk('dev')), 'dev', 'lt=60');
    const before = wire.server.registration('dev');
    const bare = peerOf('192.0.2.1:5683');
    const stream: Peer = { key: 'tcp1', address: { via: 'tcp', host: '192.0.2.1', port: 5683 }, identity: nobody };
    for (const peer of [bare, stream]) {
      for (const code of [Code.Post, Code.Delete])
        expect((await wire.ask(peer, code, location, ['lt=86400'])).code).toBe(Code.Forbidden);
      expect((await wire.ask(peer, Code.Post, '/rd/elsewhere')).code).toBe(Code.NotFound);
    }
    expect(wire.server.registration('dev')).toBe(before);
    expect(wire.server.stats().outcomes).toMatchObject({ 'wrong-peer': 4 });
  });

  it('follow a connection whose address has changed under the same key', async () => {
    const wire = await Wire.open();
    const location = await wire.location(peerOf('cid', psk('dev')), 'dev');
    const moved = peerOf('cid', psk('dev'), '198.51.100.7');
    await wire.ask(moved, Code.Post, location);
    expect(wire.server.registration('dev')?.peer.address).toEqual(moved.address);
  });

  it('change what they name and leave the rest', async () => {
    const wire = await Wire.open();
    const location = await wire.location(a, 'dev', 'lt=600', 'b=U', 'Q', 'own=1');
    expect(wire.server.registration('dev')).toMatchObject({ queueMode: true, binding: 'U' });
    await wire.clock.advance(seconds(10));
    expect((await wire.ask(a, Code.Post, location, ['lt=900', 'b=U', 'ep=other', 'lwm2m=1.0'])).code).toBe(
      Code.Changed,
    );
    const { name, version, lifetime, queueMode, parameters, registeredAt, updatedAt, objects } =
      wire.server.registration('dev') ?? expect.fail('gone');
    expect({ name, version, lifetime, queueMode }).toEqual({
      name: 'dev',
      version: '1.1',
      lifetime: seconds(900),
      queueMode: false,
    });
    expect(Object.fromEntries(parameters)).toEqual({ ep: 'dev', lwm2m: '1.1', lt: '900', b: 'U', own: '1' });
    expect([updatedAt - registeredAt, objects.length]).toEqual([seconds(10), 1]);
    expect((await wire.ask(a, Code.Post, location, [], '</3303/0>')).code).toBe(Code.Changed);
    expect(wire.server.registration('dev')?.objects.map(({ target }) => target)).toEqual(['/3303/0']);
    expect((await wire.ask(a, Code.Post, location, ['lt=x'])).code).toBe(Code.BadRequest);
    expect((await wire.ask(a, Code.Post, location, [], 'rubbish')).code).toBe(Code.BadRequest);
  });

  it('I-23: at the very instant of the end are either in time or 4.04, never both', async () => {
    for (let offset = -3; offset <= 3; offset += 1) {
      const wire = await Wire.open();
      const location = await wire.location(a, 'dev', 'lt=60');
      await wire.clock.advance(seconds(60) + offset);
      const { code } = await wire.ask(a, Code.Post, location);
      expect([Code.Changed, Code.NotFound]).toContain(code);
      expect(wire.events).toEqual(
        code === Code.Changed ? ['registered dev', 'updated dev'] : ['registered dev', 'expired dev'],
      );
      expect(wire.server.registration('dev') === undefined).toBe(code === Code.NotFound);
    }
  });

  it('I-26: expire by the time that passes, whatever the wall clock says', async () => {
    const wire = await Wire.open();
    await wire.location(a, 'dev', 'lt=3600');
    for (const jump of [days(3650), -days(7300), hours(1)]) {
      wire.clock.shiftWall(jump);
      await wire.clock.advance(minutes(10));
      expect(wire.server.registration('dev')).toBeDefined();
    }
    await wire.clock.advance(minutes(31));
    expect(wire.events).toEqual(['registered dev', 'expired dev']);
  });

  it('I-24: of a population that ends in one second are all told', async () => {
    const wire = await Wire.open();
    for (let i = 0; i < 2000; i += 1) await wire.location(a, `d${i}`, 'lt=3600');
    await wire.clock.advance(hours(1) + seconds(1));
    expect(wire.events.filter((event) => event.startsWith('expired'))).toHaveLength(2000);
    expect(wire.server.stats().registrations).toBe(0);
  });

  it('INV-9: say nothing but a code to those who have proved nothing', async () => {
    const wire = await Wire.open();
    for (const query of [['ep=x'], ['lwm2m=1.1'], ['ep=\n', 'lwm2m=1.1']])
      expect((await wire.register(a, query)).payload).toHaveLength(0);
  });

  it('a listener that throws is counted and heard of, and changes nothing', async () => {
    const wire = await Wire.open();
    const failed: unknown[] = [];
    wire.server.events.on('registered', () => {
      throw new Error('mine');
    });
    wire.server.events.on('listener-failed', ({ event }) => {
      failed.push(event);
      throw new Error('again');
    });
    const location = await wire.location(a, 'dev');
    expect((await wire.ask(a, Code.Post, location)).code).toBe(Code.Changed);
    expect(failed).toEqual(['registered']);
    expect(wire.server.stats().listenerErrors).toBe(2);
  });

  it('leave nothing behind of a name that registers anew all the time', async () => {
    const wire = await Wire.open();
    for (let i = 0; i < 500; i += 1) await wire.location(a, 'dev', 'lt=31536000');
    const wheel = (wire.server as unknown as { expiry: { size: number } }).expiry;
    expect(wheel.size).toBe(1);
  });
});
