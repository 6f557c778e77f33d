// The enabler test cases on registration, by id, and how the version, the profile and the lifetime of a registration are found:
// a server and a device of ours on every road.
import { Code, encodeMessage, makeRequest, Option, OptionSet, Type } from '@lapwing/coap';
import { days, encodeUtf8, hours, minutes, seconds } from '@lapwing/kernel';
import { makeValue } from '@lapwing/lwm2m';
import { Server as ServerObject } from '@lapwing/lwm2m/objects/server';
import { NotRegisteredError } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { DeviceObject, Setting } from './objects.ts';
import { bindingOf, rows } from './rows.ts';
import { type ThingOptions, World } from './world.ts';

async function setUp(options: (typeof rows)[number]['options'] = {}, thingOptions: ThingOptions = {}) {
  const world = await World.make(options);
  const thing = await world.device('a', { lifetime: hours(24), version: '1.2', ...thingOptions });
  while (world.server.registration('a') === undefined) await world.pass(seconds(1));
  return { world, thing, device: world.server.device('a') };
}

/** Waits until something has come about, whatever the weather. */
async function until(world: World, condition: () => boolean): Promise<void> {
  for (let i = 0; i < 6000 && !condition(); i += 1) await world.pass(100);
  expect(condition()).toBe(true);
}

const list = '</>;rt="oma.lwm2m";ct="11544 112",</3/0>,</3303/0>,</1/0>';

describe.each(rows)('registration over $name', ({ options }) => {
  it('tells the server name, version, lifetime, binding, number and what there is (ETS int-101)', async () => {
    const { world } = await setUp(options, { smsNumber: '+4915112345678', parameters: { color: 'blue' } });
    await using _ = world;
    const letter = bindingOf(options);
    expect(world.server.registration('a')).toMatchObject({
      name: 'a',
      version: '1.2',
      lifetime: hours(24),
      binding: letter,
      queueMode: false,
    });
    const { parameters, objects } = world.server.registration('a') ?? expect.fail('nobody registered');
    expect(Object.fromEntries(parameters)).toEqual({
      ep: 'a',
      lwm2m: '1.2',
      lt: '86400',
      b: letter,
      sms: '+4915112345678',
      color: 'blue',
    });
    expect(objects.map(({ target }) => target)).toEqual(['/3/0', '/26241', '/3303', '/3303/0', '/1/0']);
  });

  it('is updated before its short lifetime ends, and ends with it (ETS int-102)', async () => {
    const { world, thing, device } = await setUp(options);
    await using _ = world;
    await world.during(device.write('/1/0/1', makeValue('integer', 20)));
    await until(world, () => world.server.registration('a')?.lifetime === seconds(20));
    const before = world.of('updated').length;
    await until(world, () => world.of('updated').length > before);
    world.darken(thing.host);
    await until(world, () => world.of('expired').length === 1);
    expect(world.server.registration('a')).toBeUndefined();
  });

  it('ends when the device leaves, as a server that disables itself makes it do (ETS int-103)', async () => {
    const { world, thing, device } = await setUp(options);
    await using _ = world;
    await world.during(device.write('/1/0/5', makeValue('integer', 3600)));
    const path = { kind: 'resource', object: 1, instance: 0, resource: 4 } as const;
    const [outcome] = await world.during(Promise.allSettled([device.perform({ op: 'execute', path })]));
    // Where its answer is late, the device has left before.
    if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(NotRegisteredError);
    else expect(outcome.value).toMatchObject({ kind: 'done', code: Code.Changed });
    await until(world, () => world.of('deregistered').length === 1);
    expect(world.server.registration('a')).toBeUndefined();
    await until(world, () => thing.client.phase() === 'disabled');
    await world.pass(minutes(55));
    expect(world.server.registration('a')).toBeUndefined();
    await until(world, () => world.server.registration('a') !== undefined);
  });

  it('is updated when the server wants it (ETS int-104)', async () => {
    const { world, device } = await setUp(options);
    await using _ = world;
    const path = { kind: 'resource', object: 1, instance: 0, resource: 8 } as const;
    await world.during(device.perform({ op: 'execute', path }));
    await until(world, () => world.of('updated').length === 1);
  });

  it('is made anew when the server does not know it any more (ETS int-105)', async () => {
    const { world, thing } = await setUp(options);
    await using _ = world;
    const before = world.server.registration('a')?.id;
    world.server.drop('a');
    thing.client.update();
    await until(world, () => world.of('registered').length === 2);
    expect(world.server.registration('a')?.id).not.toBe(before);
    // The Update that the server answered 4.04.
    expect(world.server.stats().outcomes['unknown']).toBeGreaterThan(0);
  });

  it('lives longer when the server extends its lifetime (ETS int-107)', async () => {
    const { world, device } = await setUp(options, { lifetime: minutes(5) });
    await using _ = world;
    await world.during(device.write('/1/0/1', makeValue('integer', 7200)));
    await until(world, () => world.server.registration('a')?.lifetime === hours(2));
    const { length } = world.of('updated');
    await world.pass(minutes(90));
    expect(world.of('updated')).toHaveLength(length);
    expect(world.server.registration('a')).toBeDefined();
  });

  it('says that the device is in queue mode, which is its own to say since 1.1 (ETS int-108)', async () => {
    const { world, device } = await setUp(options);
    await using _ = world;
    expect(world.server.registration('a')).toMatchObject({ queueMode: false, binding: bindingOf(options) });
    expect(await world.during(device.read(ServerObject, 0, 'binding'))).toBe(bindingOf(options));
    const write = device.write('/1/0/7', makeValue('string', `${bindingOf(options)}Q`));
    await expect(world.during(write)).rejects.toMatchObject({ status: Code.BadRequest });
    await world.device('sleeper', { version: '1.2', queueMode: true });
    await until(world, () => world.server.registration('sleeper') !== undefined);
    expect(world.server.registration('sleeper')).toMatchObject({ queueMode: true, binding: bindingOf(options) });
    expect(world.server.registration('sleeper')?.parameters.get('Q')).toBe('');
  });

  it('lets commands wait for a device in queue mode, I-21 (ETS int-109)', async () => {
    const { world, thing, device } = await setUp(options, { queueMode: true });
    await using _ = world;
    await world.pass(seconds(120));
    expect(world.server.isAwake('a')).toBe(false);
    const { sent } = world.network.counters();
    const zone = device.write(DeviceObject, 0, { timezone: 'Etc/UTC' });
    const read = device.read(DeviceObject, 0, 'timezone');
    const outcomes: string[] = [];
    zone.finally(() => outcomes.push('write')).catch(() => undefined);
    read.finally(() => outcomes.push('read')).catch(() => undefined);
    await world.pass(seconds(120));
    expect([world.network.counters().sent, outcomes]).toEqual([sent, []]);
    expect(thing.objects.get(DeviceObject, 0)?.get('timezone')).toBeUndefined();
    thing.client.update();
    await world.during(zone, hours(1));
    expect(await world.during(read, hours(1))).toBe('Etc/UTC');
  });

  it('says a profile instead of a list, to a server that knows it (ETS int-110)', async () => {
    const profiles = { 'urn:example:thermometer': list };
    const { world, device } = await setUp(
      { ...options, server: { profiles } },
      { profileId: 'urn:example:thermometer' },
    );
    await using _ = world;
    expect(world.server.registration('a')).toMatchObject({
      profileId: 'urn:example:thermometer',
      formats: [11_544, 112],
    });
    expect(world.server.registration('a')?.objects.map(({ target }) => target)).toEqual(['/3/0', '/3303/0', '/1/0']);
    expect(await world.during(device.read(DeviceObject, 0, 'manufacturer'))).toBe('Lapwing');
  });

  it('I-22: says a profile and the list, when the server does not know the profile (ETS int-111)', async () => {
    const { world, thing } = await setUp(options, { profileId: 'urn:example:nobody-knows' });
    await using _ = world;
    expect(world.server.registration('a')).toMatchObject({ profileId: 'urn:example:nobody-knows' });
    expect(world.server.registration('a')?.objects.map(({ target }) => target)).toContain('/3303/0');
    expect(world.server.stats().outcomes['unknown-profile']).toBeGreaterThan(0);
    await until(world, () => thing.client.phase() === 'registered');
  });
});

describe.each(rows.filter(({ options }) => bindingOf(options) !== 'T'))(
  'queue mode before 1.1 over $name',
  ({ options }) => {
    it('is turned on and off by what the server writes (ETS int-108)', async () => {
      const { world, thing, device } = await setUp(options, { version: '1.0' });
      await using _ = world;
      const letter = bindingOf(options);
      expect(world.server.registration('a')).toMatchObject({ queueMode: false, binding: letter });
      await world.during(device.write('/1/0/7', makeValue('string', `${letter}Q`)));
      await until(world, () => world.server.registration('a')?.queueMode === true);
      expect(world.of('updated')).toHaveLength(1);
      expect(await world.during(device.read(ServerObject, 0, 'binding'))).toBe(`${letter}Q`);
      await until(world, () => !world.server.isAwake('a'));
      const off = device.write('/1/0/7', makeValue('string', letter));
      thing.client.update();
      await world.during(off);
      await until(world, () => world.server.registration('a')?.queueMode === false);
      await world.pass(minutes(5));
      expect(world.server.isAwake('a')).toBe(true);
    });
  },
);

describe('a profile', () => {
  it('I-22: that another device has told is believed of nobody else', async () => {
    const world = await World.make();
    await using _ = world;
    const known = { version: '1.2', profileId: 'urn:example:p' } as const;
    const liar = await world.device('liar', known);
    await world.pass(seconds(1));
    liar.objects.add(Setting, 60_000, { label: 'x' });
    await world.pass(seconds(1));
    await world.device('honest', known);
    await world.pass(seconds(1));
    expect(world.server.stats().outcomes['unknown-profile']).toBe(2);
    expect(world.server.registration('honest')?.objects.map(({ target }) => target)).not.toContain('/26241/60000');
  });

  it('is not spoken of before 1.2', async () => {
    const { world } = await setUp({}, { version: '1.1', profileId: 'urn:example:p' });
    await using _ = world;
    expect(world.server.registration('a')?.profileId).toBeUndefined();
    expect(world.server.registration('a')?.parameters.has('pid')).toBe(false);
  });
});

describe('the version of a registration', () => {
  /** A server that answers every version but some with 4.12. */
  async function withServerOf(versions: readonly string[]) {
    const world = await World.make({
      server: {
        authorize: ({ version }) =>
          Promise.resolve(
            versions.includes(version) ? { allow: true } : { allow: false, code: Code.PreconditionFailed },
          ),
      },
    });
    const thing = await world.device('a', { version: '1.2' });
    await world.pass(seconds(2));
    return { world, thing };
  }

  it.each([
    ['1.2', ['1.2', '1.1', '1.0']],
    ['1.1', ['1.1', '1.0']],
    ['1.0', ['1.0']],
  ])('is %s at a server that speaks %o', async (version, spoken) => {
    const { world, thing } = await withServerOf(spoken);
    await using _ = world;
    expect(world.server.registration('a')?.version).toBe(version);
    expect(thing.client.version()).toBe(version);
    expect(world.server.registration('a')?.formats.length === 0).toBe(version === '1.0');
    expect(await world.during(world.server.device('a').read(DeviceObject, 0, 'manufacturer'))).toBe('Lapwing');
  });

  it('is tried from the newest again when the server speaks none', async () => {
    const { world, thing } = await withServerOf([]);
    await using _ = world;
    expect(world.server.registration('a')).toBeUndefined();
    expect(thing.client.phase()).toBe('waiting');
    expect(thing.client.version()).toBe('1.2');
  });

  it('decides which operations there are', async () => {
    const { world } = await withServerOf(['1.0']);
    await using _ = world;
    const device = world.server.device('a');
    await expect(device.readComposite(['/3/0/0'])).rejects.toMatchObject({ code: 'LWM2M_UNSUPPORTED' });
    await expect(device.discover('/3', { depth: 1 })).rejects.toMatchObject({ code: 'LWM2M_UNSUPPORTED' });
    const newer = world.during(device.writeAttributes('/3303/0/5700', { con: 1 }));
    await expect(newer).rejects.toMatchObject({ status: Code.BadRequest });
    const passedOver = { op: 'observe', path: { kind: 'object', object: 3 }, attributes: { pmin: 1 } } as const;
    expect(await world.during(device.perform(passedOver))).toMatchObject({ kind: 'content' });
  });
});

describe('a lifetime without an end', () => {
  it.each([
    ['1.2', '0'],
    ['1.1', '0'],
    ['1.0', '4294967295'],
  ] as const)('is asked for in %s as lt=%s', async (version, lt) => {
    const server = { lifetime: { max: Number.POSITIVE_INFINITY } };
    const { world } = await setUp({ server }, { version, lifetime: Number.POSITIVE_INFINITY });
    await using _ = world;
    expect(world.server.registration('a')?.parameters.get('lt')).toBe(lt);
    await world.pass(days(30));
    expect(world.server.registration('a')).toBeDefined();
    expect(world.of('updated')).toEqual([]);
  });

  it('I-14: is as long as the policy allows, and in 1.0 no lifetime at all', async () => {
    const world = await World.make();
    await using _ = world;
    for (const version of ['1.0', '1.1', '1.2'] as const) {
      const transport = world.network.transport(`10.9.0.${version.slice(2)}`);
      await transport.open({ receive: () => undefined, lost: () => undefined });
      const query = [`ep=${version}`, `lwm2m=${version}`, 'lt=0'].map((part) => [Option.UriQuery, part] as const);
      const register = makeRequest(Code.Post, OptionSet.of([Option.UriPath, 'rd'], ...query), encodeUtf8('</3/0>'));
      const peer = await transport.connect({ via: 'udp', host: '10.0.0.1', port: 5683 });
      transport.send(peer, encodeMessage({ ...register, type: Type.Con, id: 1, token: Uint8Array.of(1) }));
      await world.pass(seconds(1));
      const expected = version === '1.0' ? seconds(15) : days(365);
      expect(world.server.registration(version)?.lifetime).toBe(expected);
    }
  });
});

describe('a name that is not said', () => {
  it('is the one of the credentials', async () => {
    const { world } = await setUp({ road: 'dtls-psk' }, { omitName: true });
    await using _ = world;
    expect(world.server.registration('a')?.name).toBe('a');
  });
});
