import { ConfigError } from '@lapwing/kernel';
import { makeValue, type Value } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import type { Content, Contents } from '../objects/tree.ts';
import { checkOscore } from '../protection.ts';
import { type Configuration, type ConsistencyRules, findingsOf } from './consistency.ts';

const bytes = (length: number): Value => makeValue('opaque', new Uint8Array(length));
const contents = (values: Readonly<Record<number, Content>>): Contents =>
  new Map(Object.entries(values).map(([id, value]) => [Number(id), value]));

interface Road {
  readonly uri?: string;
  readonly mode?: number;
  readonly ssid?: number;
  readonly bootstrap?: boolean;
  readonly key?: number;
  readonly link?: Value;
}

function security({ uri = 'coaps://h', mode = 0, ssid = 1, bootstrap = false, key = 16, link }: Road = {}): Contents {
  return contents({
    0: makeValue('string', uri),
    1: makeValue('boolean', bootstrap),
    2: makeValue('integer', mode),
    3: bytes(4),
    4: bytes(4),
    5: bytes(key),
    ...(bootstrap ? {} : { 10: makeValue('integer', ssid) }),
    ...(link === undefined ? {} : { 17: link }),
  });
}

const link = makeValue('objlnk', { object: 21, instance: 0 });
const context = (changes: Readonly<Record<number, Content>> = {}): Contents =>
  contents({ 0: bytes(16), 1: bytes(1), 2: bytes(2), ...changes });

const server = (ssid = 1): Contents => contents({ 0: makeValue('integer', ssid), 1: makeValue('integer', 60) });

function configuration(objects: Readonly<Record<number, readonly Contents[]>>): Configuration {
  return { instancesOf: (object) => new Map((objects[object] ?? []).map((each, id) => [id, each])) };
}

const rules: ConsistencyRules = {
  schemes: new Set(['coap', 'coaps']),
  downgrade: 'refuse',
  checkKeys: () => undefined,
  checkContext: checkOscore,
};
const nothing = configuration({});
const problemsOf = (objects: Readonly<Record<number, readonly Contents[]>>, more: Partial<ConsistencyRules> = {}) =>
  findingsOf(nothing, configuration(objects), { ...rules, ...more }).problems;

describe('a configuration', () => {
  it('is good when every server has a road and every road a server', () => {
    expect(problemsOf({ 0: [security({ bootstrap: true }), security()], 1: [server()] })).toEqual([]);
    expect(
      problemsOf({
        0: [security(), security({ ssid: 2, uri: 'coap://h', mode: 3, key: 0 })],
        1: [server(2), server()],
      }),
    ).toEqual([]);
  });

  it.each([
    ['J-04: nothing at all', {}, /no server to register at/],
    ['J-04: a road without a server', { 0: [security()] }, /server 1 has no instance of object 1/],
    [
      'J-04: a server without a road',
      { 0: [security()], 1: [server(), server(2)] },
      /\/1\/1 has no instance of object 0/,
    ],
    [
      'J-04: short server ids that do not match',
      { 0: [security({ ssid: 2 })], 1: [server()] },
      /\/1\/0 has no instance/,
    ],
    ['J-04: one short server id twice in object 0', { 0: [security(), security()], 1: [server()] }, /id of another/],
    ['J-04: one short server id twice in object 1', { 0: [security()], 1: [server(), server()] }, /id of another/],
    ['a short server id that is none', { 0: [security({ ssid: 65_535 })], 1: [server(65_535)] }, /no short server id/],
    [
      'J-04: two bootstrap accounts',
      { 0: [security({ bootstrap: true }), security({ bootstrap: true }), security()], 1: [server()] },
      /two bootstrap accounts/,
    ],
    ['J-04: a URI that is none', { 0: [security({ uri: 'nowhere' })], 1: [server()] }, /makes no sense/],
    ['J-04: a scheme that is not spoken', { 0: [security({ uri: 'coaps+ws://h' })], 1: [server()] }, /coaps\+ws/],
    ['J-04: keys for a road without security', { 0: [security({ uri: 'coap://h' })], 1: [server()] }, /contradict/],
    ['J-04: no keys for a road with security', { 0: [security({ mode: 3 })], 1: [server()] }, /contradict/],
    ['J-04: an empty key', { 0: [security({ key: 0 })], 1: [server()] }, /identity or key missing/],
    ['a raw public key without its secret', { 0: [security({ mode: 1, key: 0 })], 1: [server()] }, /key is missing/],
    ['a certificate without its secret', { 0: [security({ mode: 2, key: 0 })], 1: [server()] }, /key missing/],
    ['EST', { 0: [security({ mode: 4 })], 1: [server()] }, /mode 4 is not spoken/],
    [
      'an OSCORE link to nowhere',
      { 0: [security({ link: makeValue('objlnk', { object: 21, instance: 0 }) })], 1: [server()] },
      /leads nowhere/,
    ],
    [
      'an OSCORE link to another object',
      { 0: [security({ link: makeValue('objlnk', { object: 3, instance: 0 }) })], 1: [server()], 21: [context()] },
      /leads nowhere/,
    ],
    [
      'OSCORE without a secret',
      { 0: [security({ link })], 1: [server()], 21: [context({ 0: bytes(0) })] },
      /\/21\/0: oscore\.masterSecret: empty/,
    ],
    [
      'OSCORE with ids that are the same',
      { 0: [security({ link })], 1: [server()], 21: [context({ 2: bytes(1) })] },
      /\/21\/0: oscore\.recipientId: the same/,
    ],
    [
      'OSCORE with an id that is too long for its cipher',
      { 0: [security({ link })], 1: [server()], 21: [context({ 1: bytes(8) })] },
      /\/21\/0: oscore\.senderId: 8 bytes/,
    ],
    [
      'OSCORE with a cipher that nobody knows',
      { 0: [security({ link })], 1: [server()], 21: [context({ 3: makeValue('integer', 99) })] },
      /\/21\/0: oscore\.aead: no algorithm 99/,
    ],
    [
      'OSCORE with an HMAC that nobody knows',
      { 0: [security({ link })], 1: [server()], 21: [context({ 4: makeValue('integer', 4) })] },
      /\/21\/0: oscore\.hkdf: no algorithm 4/,
    ],
    [
      'one OSCORE context for two servers',
      { 0: [security({ link }), security({ ssid: 2, link })], 1: [server(), server(2)], 21: [context()] },
      /context is that of another/,
    ],
    [
      'one master secret of OSCORE for two servers',
      {
        0: [security({ link }), security({ ssid: 2, link: makeValue('objlnk', { object: 21, instance: 1 }) })],
        1: [server(), server(2)],
        21: [context(), context({ 1: bytes(3) })],
      },
      /\/21\/1: its master secret is that of another/,
    ],
    [
      'J-13: rights of a server that is not there',
      {
        0: [security()],
        1: [server()],
        2: [contents({ 2: new Map([[7, makeValue('integer', 1)]]), 3: makeValue('integer', 1) })],
      },
      /7 is no server/,
    ],
    [
      'an owner that is not there',
      { 0: [security()], 1: [server()], 2: [contents({ 3: makeValue('integer', 9) })] },
      /owner is no server/,
    ],
    ['a server without a lifetime', { 0: [security()], 1: [contents({ 0: makeValue('integer', 1) })] }, /no lifetime/],
  ] as const)('is refused for %s', (_what, objects, problem) => {
    expect(problemsOf(objects).join('\n')).toMatch(problem);
  });

  it('J-04: is refused for keys that no handshake can be made with, and says what is wrong with them', () => {
    const checkKeys = (): never => {
      throw new ConfigError(['privateKey: damaged']);
    };
    const objects = { 0: [security({ mode: 2 })], 1: [server()] };
    expect(problemsOf(objects, { checkKeys })).toEqual(['/0/0: privateKey: damaged']);
  });

  it('is good with OSCORE, alone and over a secured road, with the algorithms that object 21 can name', () => {
    for (const algorithms of [{}, { 3: 10, 4: -10 }, { 3: 1, 4: 5 }, { 3: 30, 4: 7 }]) {
      const named = Object.fromEntries(Object.entries(algorithms).map(([id, n]) => [id, makeValue('integer', n)]));
      for (const road of [{ link }, { link, uri: 'coap://h', mode: 3 }])
        expect(problemsOf({ 0: [security(road)], 1: [server()], 21: [context(named)] })).toEqual([]);
    }
  });

  it('is not asked again what it was made of before', () => {
    const same = security({ uri: 'nowhere' });
    const before = configuration({ 0: [same] });
    expect(findingsOf(before, configuration({ 0: [same], 1: [server()] }), rules).problems).toEqual([]);
  });

  const modes = [0, 1, 2, 3, 4];
  const strength = [1, 2, 3, 0, 3];
  const pairs = modes.flatMap((from) => modes.map((to) => [from, to] as const));
  it.each(pairs)('J-07: from security mode %i to %i is no weaker road unless that is allowed', (from, to) => {
    const uriOf = (mode: number): string => (mode === 3 ? 'coap://h' : 'coaps://h');
    const before = configuration({ 0: [security({ mode: from, uri: uriOf(from) })], 1: [server()] });
    const after = configuration({ 0: [security({ mode: to, uri: uriOf(to) })], 1: [server()] });
    const isWeaker = (strength[to] ?? 0) < (strength[from] ?? 0);
    const strict = findingsOf(before, after, rules);
    expect(strict.downgrades).toHaveLength(isWeaker ? 1 : 0);
    expect(strict.problems.some((problem) => problem.includes('instead of'))).toBe(isWeaker);
    const lenient = findingsOf(before, after, { ...rules, downgrade: 'accept' });
    expect(lenient.downgrades).toHaveLength(isWeaker ? 1 : 0);
    expect(lenient.problems.some((problem) => problem.includes('instead of'))).toBe(false);
  });

  it('J-07: OSCORE is no weaker than a pre-shared key, and a road without it is weaker than the same road with it', () => {
    const open = { uri: 'coap://h', mode: 3 };
    const kinds = { open, oscore: { ...open, link }, psk: {}, both: { link }, certificate: { mode: 2 } };
    const weaker = (from: keyof typeof kinds, to: keyof typeof kinds): readonly string[] => {
      const of = (kind: Road) => configuration({ 0: [security(kind)], 1: [server()], 21: [context()] });
      return findingsOf(of(kinds[from]), of(kinds[to]), rules).downgrades.map((each) => `${each.from} > ${each.to}`);
    };
    expect(weaker('oscore', 'open')).toEqual(['OSCORE > no security']);
    expect(weaker('both', 'psk')).toEqual(['pre-shared key and OSCORE > pre-shared key']);
    expect(weaker('certificate', 'oscore')).toEqual(['certificate > OSCORE']);
    for (const [from, to] of [
      ['open', 'oscore'],
      ['psk', 'oscore'],
      ['oscore', 'psk'],
      ['psk', 'both'],
      ['both', 'oscore'],
      ['both', 'certificate'],
    ] as const)
      expect(weaker(from, to)).toEqual([]);
  });
});
