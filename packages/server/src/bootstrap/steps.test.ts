import { decodeUtf8, encodeUtf8, FormatError, fromHex, hours, noBytes, Secret, seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import {
  type BootstrapLinks,
  type Entry,
  formatPath,
  instancePath,
  makeValue,
  objectPath,
  type PathText,
  parsePath,
  resourcePath,
} from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { packOf } from './pack.ts';
import type { Plan, PlannedServer } from './plan.ts';
import { problemsOf, type Steps, stepsOf } from './steps.ts';

const variable = (name: string): string => `$\{${name}}`;
const open: PlannedServer = { shortServerId: 101, uri: 'coap://192.0.2.1', security: { mode: 'none' } };

interface There {
  readonly [path: string]: { readonly ssid?: number; readonly uri?: string };
}

function linksOf(there: There): BootstrapLinks {
  const places = Object.entries(there).map(([text, { ssid, uri }]) => {
    const path = parsePath(text);
    if (path.kind !== 'instance' && path.kind !== 'object') throw new Error(text);
    return {
      path,
      ...(ssid === undefined ? {} : { shortServerId: ssid }),
      ...(uri === undefined ? {} : { uri }),
    };
  });
  return { version: '1.1', places };
}

function plan(wanted: Partial<Plan>, there?: There): Steps {
  const links = there === undefined ? undefined : linksOf(there);
  return stepsOf({ servers: [open], ...wanted }, { endpoint: 'dev-1', links, random: new SeededRandom(1) });
}

const pathsOf = ({ writes }: Steps): string[] => writes.map(({ path }) => formatPath(path));
const valueAt = ({ writes }: Steps, text: PathText): unknown =>
  writes.flatMap(({ entries }) => entries).find(({ path }) => formatPath(path) === text)?.value?.value;

it.each([
  [{ servers: [{ ...open, uri: 'http://x' }] }, /URI has to begin with coap/],
  [{ servers: [{ ...open, binding: 'T' }] }, /server 101 has the binding T, and a URI of binding U/],
  [{ servers: [{ ...open, uri: 'coaps+tcp://h', binding: 'U' }] }, /binding U, and a URI of binding T/],
  [
    {
      servers: [open],
      writes: [{ path: '/3303/0', entries: [{ path: resourcePath(3304, 0, 1), value: makeValue('string', 'x') }] }],
    },
    /a write of \/3303\/0 has \/3304\/0\/1 in it/,
  ],
  [{ servers: [{ ...open, uri: 'mqtt://h', binding: 'U' }] }, /URI has to begin with coap/],
  [{ servers: [open], bootstrap: { ...open, uri: 'https://h' } }, /URI has to begin with coap/],
  [{ servers: [{ ...open, uri: 'tel:+15105550101', binding: 'U' }] }, /binding U, and a URI of binding S/],
] as const)('a plan that cannot be meant is told: %j', (wanted, problem) => {
  expect(problemsOf(wanted).join()).toMatch(problem);
});

const at = (path: PathText, value: Entry['value'] & object): Entry => ({ path: parsePath(path), value });
const integer = (path: PathText, value: number): Entry => at(path, makeValue('integer', value));
const text = (path: PathText, value: string): Entry => at(path, makeValue('string', value));
/** A second road to server 101. */
const road = (uri: string) =>
  ({ path: '/0/7', entries: [text('/0/7/0', uri), integer('/0/7/2', 3), integer('/0/7/10', 101)] }) as const;
/** An account in the words of the device. */
const account = (uri: string, binding: string) =>
  [
    { path: '/0/7', entries: [text('/0/7/0', uri), integer('/0/7/2', 3), integer('/0/7/10', 7)] },
    { path: '/1/7', entries: [integer('/1/7/0', 7), text('/1/7/7', binding)] },
  ] as const;

it.each<[string, Partial<Plan>]>([
  ['a text message is written as others do', { servers: [{ ...open, uri: 'coap+sms://+15105550101', binding: 'S' }] }],
  ['a road is none of IP', { servers: [{ ...open, uri: 'nidd://iot.example', binding: 'N' }] }],
  ['a road is MQTT (LwM2M 1.2)', { servers: [{ ...open, uri: 'mqtts://broker.example', binding: 'M' }] }],
  ['a road is HTTP (LwM2M 1.2)', { servers: [{ ...open, uri: 'https://h.example', binding: 'UH' }] }],
  [
    'a server has two roads and goes by the second',
    { writes: [road('coap+tcp://192.0.2.1')], servers: [{ ...open, binding: 'T' }] },
  ],
  ['a server is written as the device has it', { servers: [], writes: account('coaps+tcp://h', 'T') }],
  ['such a server is MQTT', { servers: [], writes: account('mqtt://h', 'M') }],
  ['a road is written to a server that the device has', { servers: [], writes: [road('mqtt://h')] }],
  [
    'scheme and binding are variables',
    {
      variables: { scheme: 'COAP+TCP', way: 'T' },
      servers: [{ ...open, uri: `${variable('scheme')}://h`, binding: variable('way') }],
    },
  ],
])('a plan has no problems where %s', (_, wanted) => {
  expect(problemsOf({ servers: [open], ...wanted })).toEqual([]);
});

it.each(['U', 'UQ', 'UT', 'US'])('a plan with binding %s and a URI of UDP has no problems', (binding) => {
  expect(problemsOf({ servers: [{ ...open, binding }] })).toEqual([]);
});

describe('a plan for a device', () => {
  it('takes away what is there, and keeps off the instance of the bootstrap account', () => {
    const factory = plan({}, { '/0/0': {}, '/3/0': {} });
    expect(factory.deletes).toEqual([objectPath(0)]);
    expect(pathsOf(factory)).toEqual(['/0/1', '/1/0']);
    const elsewhere = plan({}, { '/0/1': {}, '/0/2': { ssid: 7, uri: 'coap://h' }, '/1/0': { ssid: 7 } });
    expect(elsewhere.deletes).toEqual([objectPath(0), objectPath(1)]);
    expect(pathsOf(elsewhere)).toEqual(['/0/0', '/1/0']);
  });

  it('assumes what devices have where one does not answer', () => {
    const steps = plan({});
    expect(steps.deletes).toEqual([objectPath(0), objectPath(1)]);
    expect(pathsOf(steps)).toEqual(['/0/1', '/1/0']);
  });

  it('deletes what it says and nothing else', () => {
    expect(plan({ deletes: ['/'] }, { '/0/0': {} }).deletes).toEqual([{ kind: 'root' }]);
    expect(plan({ deletes: ['/3303/0', '/5'] }, { '/0/0': {}, '/3303/0': {} }).deletes).toEqual([
      instancePath(3303, 0),
    ]);
    expect(() => plan({ deletes: ['/3/0/1'] })).toThrow(FormatError);
  });

  it('writes a server where it is already when nothing is deleted, else where there is room', () => {
    const there = {
      '/0/0': {},
      '/0/1': { ssid: 9, uri: 'coap://h' },
      '/0/5': { ssid: 101, uri: 'coap://h' },
      '/1/0': { ssid: 9 },
      '/1/3': { ssid: 101 },
    };
    expect(pathsOf(plan({ deletes: [] }, there))).toEqual(['/0/5', '/1/3']);
    expect(pathsOf(plan({ deletes: [], servers: [{ ...open, shortServerId: 8 }] }, there))).toEqual(['/0/2', '/1/1']);
  });

  it('fills in what the device is called, chance and its own variables', () => {
    const steps = plan({
      variables: { site: 'west' },
      servers: [{ ...open, uri: `coap://${variable('site')}.example/${variable('endpoint')}` }],
      writes: [
        { path: '/3/0', entries: [{ path: resourcePath(3, 0, 15), value: makeValue('string', variable('random')) }] },
      ],
    });
    expect(valueAt(steps, '/0/1/0')).toBe('coap://west.example/dev-1');
    expect(valueAt(steps, '/3/0/15')).toMatch(/^[0-9a-f]{16}$/);
    expect(() => plan({ servers: [{ ...open, uri: variable('nobody') }] })).toThrow(/nobody says what/);
  });

  it.each([
    ['coaps://h', 'U'],
    ['coap+tcp://h', 'T'],
    ['coaps+ws://h', 'T'],
    ['tel:+15105550101', 'S'],
  ])('tells the device of a server at %s to use binding %s', (uri, binding) => {
    expect(valueAt(plan({ servers: [{ ...open, uri }] }), '/1/0/7')).toBe(binding);
  });

  it('makes fresh keys that it tells', () => {
    const identity = `${variable('endpoint')}/${variable('random')}`;
    const security = { mode: 'psk', identity, key: { random: 16 } } as const;
    const steps = plan({ servers: [{ ...open, uri: 'coaps://h', security }] });
    const [fresh] = steps.fresh.flatMap((each) => (each.kind === 'psk' ? [each] : []));
    expect([decodeUtf8(fresh?.identity ?? noBytes), fresh?.key.length, steps.hasSecrets]).toEqual([
      expect.stringMatching(/^dev-1\/[0-9a-f]{16}$/),
      16,
      true,
    ]);
    expect(valueAt(steps, '/0/1/5')).toEqual(fresh?.key.reveal());
    expect(valueAt(steps, '/0/1/2')).toBe(0);
    expect(() => plan({ servers: [{ ...open, security: { ...security, key: { random: 4 } } }] })).toThrow(FormatError);
  });

  it('tells the management server nothing of keys that are for the bootstrap server itself', () => {
    const key = new Secret(fromHex('00112233'));
    const own = { uri: 'coaps://bs', security: { mode: 'psk', identity: 'own', key } } as const;
    expect(plan({ servers: [open], bootstrap: own }).handedOut).toEqual([]);
  });

  it('hands on keys that are given', () => {
    const key = new Secret(fromHex('00112233'));
    const psk = plan({ servers: [{ ...open, security: { mode: 'psk', identity: 'i', key } }] });
    expect([psk.fresh, valueAt(psk, '/0/1/5')]).toEqual([[], key.reveal()]);
    expect(psk.handedOut).toEqual([{ kind: 'psk', identity: encodeUtf8('i'), key }]);
    const parts = { privateKey: key, publicKey: fromHex('01'), serverPublicKey: fromHex('02') };
    const rpk = plan({ servers: [{ ...open, security: { mode: 'rpk', ...parts } }] });
    expect(['/0/1/2', '/0/1/3', '/0/1/4'].map((path) => valueAt(rpk, path as PathText))).toEqual([
      1,
      fromHex('01'),
      fromHex('02'),
    ]);
    const x509 = plan({
      servers: [
        {
          ...open,
          security: {
            mode: 'x509',
            certificate: fromHex('03'),
            privateKey: key,
            serverCertificate: fromHex('04'),
            usage: 2,
          },
        },
      ],
    });
    expect(['/0/1/2', '/0/1/4', '/0/1/15'].map((path) => valueAt(x509, path as PathText))).toEqual([
      2,
      fromHex('04'),
      2,
    ]);
    expect(plan({}).hasSecrets).toBe(false);
  });

  it('writes what objects 0 and 1 can say', () => {
    const steps = plan({
      servers: [
        {
          ...open,
          lifetime: Number.POSITIVE_INFINITY,
          binding: 'UQ',
          defaultMinimumPeriod: 1,
          defaultMaximumPeriod: 60,
          disableTimeout: hours(1),
          notificationStoring: false,
          bootstrapOnRegistrationFailure: false,
          registration: { priority: 7, initialDelay: seconds(30), failureBlocks: true },
          retry: { retryCount: 3, retryTimer: seconds(20), sequenceDelay: hours(1), sequenceCount: 2 },
          serverName: 'server.example',
          cipherSuites: [0xc0a8, 0xc0a4],
          holdOff: seconds(5),
        },
      ],
      bootstrap: { uri: 'coap://192.0.2.9', security: { mode: 'none' }, accountTimeout: hours(2) },
    });
    const said = (path: string): unknown => valueAt(steps, path as PathText);
    expect(['/0/0/0', '/0/0/1', '/0/0/12', '/0/1/1', '/0/1/10', '/0/1/11', '/0/1/14', '/0/1/16/1'].map(said)).toEqual([
      'coap://192.0.2.9',
      true,
      7200,
      false,
      101,
      5,
      'server.example',
      0xc0a4,
    ]);
    expect([1, 2, 3, 5, 6, 7, 13, 14, 15, 16, 17, 18, 19, 20].map((id) => said(`/1/0/${id}`))).toEqual([
      0,
      1,
      60,
      3600,
      false,
      'UQ',
      7,
      30,
      true,
      false,
      3,
      20,
      3600,
      2,
    ]);
  });

  it('writes who may do what, and contexts of OSCORE before what points to them', () => {
    const oscore = {
      masterSecret: new Secret(fromHex('00112233')),
      senderId: fromHex('01'),
      recipientId: fromHex('02'),
      aeadAlgorithm: 10,
      hmacAlgorithm: -10,
      masterSalt: fromHex('03'),
      idContext: fromHex('04'),
    };
    const steps = plan(
      {
        servers: [{ ...open, oscore }],
        access: [{ object: 3303, instance: 0, owner: 101, rights: { 0: 1, 101: 15 } }],
      },
      { '/0/0': {}, '/21/0': {} },
    );
    expect(pathsOf(steps)).toEqual(['/21/1', '/0/1', '/1/0', '/2/0']);
    expect(valueAt(steps, '/0/1/17')).toEqual({ object: 21, instance: 1 });
    expect([valueAt(steps, '/21/1/3'), valueAt(steps, '/21/1/6')]).toEqual([10, fromHex('04')]);
    expect([valueAt(steps, '/2/0/2/101'), valueAt(steps, '/2/0/3'), steps.hasSecrets]).toEqual([15, 101, true]);
  });

  it('can be looked at before a device comes', () => {
    expect(problemsOf({ servers: [open] })).toEqual([]);
    expect(problemsOf({ servers: [open, open] })[0]).toMatch(/one short server id/);
    const ids = { senderId: fromHex('01'), recipientId: fromHex('02') };
    const written = { ...open, oscore: { ...ids, masterSecret: new Secret(fromHex('0102')) } };
    expect(problemsOf({ servers: [written, { ...written, shortServerId: 2 }] })[0]).toMatch(/one master secret/);
    expect(problemsOf({ servers: [written], bootstrap: written })[0]).toMatch(/one master secret/);
    const made = { ...open, oscore: { ...ids, masterSecret: { random: 16 }, senderId: { random: 7 } } };
    expect(problemsOf({ servers: [made, { ...made, shortServerId: 2 }] })).toEqual([]);
    expect(problemsOf({ servers: [{ ...open, shortServerId: 0 }] })[0]).toMatch(/no short server id/);
    expect(problemsOf({ servers: [open], writes: [{ path: '/3/0/1', entries: [] }] })[0]).toMatch(
      /an object or an instance/,
    );
    expect(problemsOf({ servers: [open], reads: ['/'] })[0]).toMatch(/cannot be read back/);
  });

  it('makes no key in the place of one that the device may still have, and no two under one name', () => {
    const problem = (...servers: readonly Partial<PlannedServer>[]) =>
      problemsOf({ servers: servers.map((each, i) => ({ ...open, shortServerId: i + 1, ...each })) })[0];
    const psk = (identity: string, key: Secret | { readonly random: number }) =>
      ({ security: { mode: 'psk', identity, key } }) as const;
    const made = { random: 16 };
    expect(problem(psk(variable('endpoint'), made))).toMatch(/Put \$\{random\} into the identity/);
    expect(problem(psk(`a ${variable('random')}`, made), psk(`a ${variable('random')}`, made))).toBeUndefined();
    const [one, two] = [new Secret(fromHex('01')), new Secret(fromHex('02'))];
    expect(problem(psk('a', one), psk('a', one))).toBeUndefined();
    expect(problem(psk('a', one), psk('a', two))).toMatch(/one PSK identity and two keys/);
    expect(problem(psk('a', one), { ...psk('a', two), foreign: true })).toBeUndefined();
    expect(problem({ ...psk(`a ${variable('random')}`, made), foreign: true })).toMatch(/nobody would know/);
    const oscore = { senderId: fromHex('01'), recipientId: fromHex('02') };
    expect(problem({ oscore: { ...oscore, masterSecret: made } })).toMatch(/make the sender id at random/);
    expect(problem({ oscore: { ...oscore, masterSecret: one } }, { oscore: { ...oscore, masterSecret: two } })).toMatch(
      /one Sender ID of OSCORE and two secrets/,
    );
    const theirs = { oscore: { ...oscore, masterSecret: two }, foreign: true } as const;
    expect(problem({ oscore: { ...oscore, masterSecret: one } }, theirs)).toBeUndefined();
    expect(problem({ oscore: { ...oscore, senderId: { random: 7 }, masterSecret: made }, foreign: true })).toMatch(
      /nobody would know/,
    );
  });

  it('tells the management server nothing of keys for servers of others', () => {
    const security = { mode: 'psk', identity: 'imei', key: new Secret(fromHex('01')) } as const;
    const oscore = { senderId: fromHex('01'), recipientId: fromHex('02'), masterSecret: new Secret(fromHex('02')) };
    const steps = plan({ servers: [open, { ...open, shortServerId: 2, security, oscore, foreign: true }] });
    expect([steps.handedOut, steps.fresh, steps.hasSecrets]).toEqual([[], [], true]);
    expect(valueAt(steps, '/0/2/5')).toEqual(fromHex('01'));
  });

  it('names servers that its lists of access mention and it does not have', () => {
    const access = (rights: Readonly<Record<number, number>>, owner = 101) => [
      { object: 3303, instance: 0, owner, rights },
    ];
    const problem = (wanted: Partial<Plan>) => problemsOf({ servers: [open], ...wanted })[0];
    expect(problem({ access: access({ 0: 1, 101: 15 }) })).toBeUndefined();
    expect(problem({ access: access({ 0: 1 }, 65_535) })).toBeUndefined();
    expect(problem({ access: access({ 102: 1 }) })).toMatch(/access to \/3303\/0 is for server 102/);
    expect(problem({ access: access({}, 7) })).toMatch(/is for server 7, which the plan does not have/);
    expect(problem({ access: access({ 102: 1 }), deletes: ['/'] })).toMatch(/server 102/);
    // The device may have it already.
    expect(problem({ access: access({ 102: 1 }), deletes: ['/0/1'] })).toBeUndefined();
    // Written in the words of the device.
    expect(problem({ access: access({ 7: 1 }, 7), servers: [], writes: account('coap://h', 'U') })).toBeUndefined();
    expect(problem({ access: access({ 8: 1 }, 7), servers: [], writes: account('coap://h', 'U') })).toMatch(/server 8/);
    const staying = { deletes: [], access: access({ 9: 1 }) } as const;
    // Which server it is of the device has not said.
    expect(pathsOf(plan(staying, { '/0/0': {}, '/1/3': {} }))).toContain('/2/0');
    expect(pathsOf(plan(staying, { '/0/0': {}, '/1/3': { ssid: 9 } }))).toContain('/2/0');
    expect(() => plan(staying, { '/0/0': {}, '/1/3': { ssid: 8 } })).toThrow(/server 9/);
  });

  it('is one list of entries in a pack, object by object', () => {
    const steps = plan({ servers: [open, { ...open, shortServerId: 102 }] });
    const objects = packOf(steps).map(({ path }: Entry) => (path.kind === 'root' ? -1 : path.object));
    expect(objects).toEqual([...objects].sort((a, b) => a - b));
    expect(new Set(objects)).toEqual(new Set([0, 1]));
  });
});
