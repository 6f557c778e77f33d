// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of plans.
import { generateKeyPairSync } from 'node:crypto';
import { Secret } from '@lapwing/kernel';
import { makeValue, resourcePath } from '@lapwing/lwm2m';
import { type Plan, planProblems } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { issueText } from '../config-issues.ts';
import { serverCertificate, serverKey } from '../testing/server-certificate.ts';
import { planSchema } from './plan-schema.ts';

const planOf = (written: unknown): Plan => planSchema.parse(written);
const problemsOf = (written: unknown): string => {
  const result = planSchema.safeParse(written, { reportInput: true });
  return result.success ? '' : result.error.issues.flatMap((issue) => issueText(issue)).join('\n');
};
const server = { short_server_id: 101, uri: 'coaps://gw.example' };

describe('a written plan', () => {
  it('with the least in it makes a key for the device, each time under a name that is new', () => {
    const security = { mode: 'psk', identity: '${endpoint}/${random}', key: { random: 16 } };
    expect(planOf({ servers: [{ ...server, psk: {} }] })).toMatchObject({
      servers: [{ shortServerId: 101, security }],
    });
    expect(planOf({ servers: [{ ...server, psk: { key: '0a' } }] })).toMatchObject({
      servers: [{ security: { mode: 'psk', identity: '${endpoint}' } }],
    });
    expect(planOf({ servers: [server] }).servers[0]?.security).toEqual({ mode: 'none' });
  });

  it('gives a foreign server keys that somebody knows', () => {
    const foreign = (psk: object) =>
      planOf({ servers: [server, { ...server, short_server_id: 102, foreign: true, psk }] });
    expect(foreign({ key: '0a' }).servers[1]).toMatchObject({ foreign: true });
    expect(planProblems(foreign({ key: '0a' }))).toEqual([]);
    expect(planProblems(foreign({}))[0]).toMatch(/nobody would know it but the device/);
  });

  it('with everything in it is that plan', () => {
    const plan = planOf({
      servers: [
        {
          ...server,
          psk: { identity: 'a', key: '000102' },
          oscore: { sender_id: '01', recipient_id: '', master_secret: '0b', master_salt: '0a', aead: 10 },
          lifetime: '1h',
          binding: 'U',
          default_pmin: 5,
          disable_timeout: '1d',
          notification_storing: false,
          bootstrap_on_registration_failure: true,
          hold_off: '10s',
          cipher_suites: [0xc0a8],
          server_name: 'gw',
          registration: { priority: 1, initial_delay: '10s', failure_blocks: true },
          retry: { count: 2, timer: '30s', sequence_delay: '1h', sequence_count: 3 },
        },
        { ...server, short_server_id: 102, lifetime: 'infinity' },
      ],
      bootstrap: { uri: 'coaps://bs.example', psk: { key: '0a' }, account_timeout: '1h' },
      deletes: ['/'],
      access: [{ object: 3303, instance: 0, owner: 101, rights: { 102: 1 } }],
      writes: [{ path: '/3303/0', content: [{ path: '/3303/0/5750', type: 'String', value: 'of ${endpoint}' }] }],
      reads: ['/1'],
      variables: { site: 'west' },
    });
    expect(plan).toEqual({
      servers: [
        {
          uri: 'coaps://gw.example',
          shortServerId: 101,
          security: { mode: 'psk', identity: 'a', key: new Secret(Uint8Array.of(0, 1, 2)) },
          oscore: {
            masterSecret: new Secret(Uint8Array.of(11)),
            senderId: Uint8Array.of(1),
            recipientId: new Uint8Array(0),
            masterSalt: Uint8Array.of(10),
            aeadAlgorithm: 10,
          },
          ...{ lifetime: 3_600_000, binding: 'U', defaultMinimumPeriod: 5, disableTimeout: 86_400_000 },
          ...{ notificationStoring: false, bootstrapOnRegistrationFailure: true, holdOff: 10_000 },
          ...{ cipherSuites: [0xc0a8], serverName: 'gw' },
          registration: { priority: 1, initialDelay: 10_000, failureBlocks: true },
          retry: { retryCount: 2, retryTimer: 30_000, sequenceDelay: 3_600_000, sequenceCount: 3 },
        },
        {
          uri: 'coaps://gw.example',
          shortServerId: 102,
          security: { mode: 'none' },
          cipherSuites: [],
          lifetime: Number.POSITIVE_INFINITY,
        },
      ],
      bootstrap: {
        uri: 'coaps://bs.example',
        security: { mode: 'psk', identity: '${endpoint}', key: new Secret(Uint8Array.of(10)) },
        cipherSuites: [],
        accountTimeout: 3_600_000,
      },
      deletes: ['/'],
      access: [{ object: 3303, instance: 0, owner: 101, rights: { 102: 1 } }],
      writes: [
        {
          path: '/3303/0',
          entries: [{ path: resourcePath(3303, 0, 5750), value: makeValue('string', 'of ${endpoint}') }],
        },
      ],
      reads: ['/1'],
      variables: { site: 'west' },
    });
    const [first, ...others] = plan.servers;
    if (first?.security.mode !== 'psk' || !(first.security.key instanceof Secret)) throw new Error('no key');
    expect(Buffer.from(first.security.key.reveal()).toString('hex')).toBe('000102');
    expect([others.length, planProblems(plan)]).toEqual([1, []]);
  });

  it('takes raw keys and certificates in PEM and in base64', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const rpk = { public_key: spki, private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
    const plan = planOf({
      servers: [
        { ...server, rpk: { ...rpk, server_public_key: publicKey.export({ type: 'spki', format: 'pem' }) } },
        {
          ...server,
          short_server_id: 102,
          x509: { certificate: serverCertificate, private_key: serverKey, server_certificate: serverCertificate },
        },
      ],
    });
    const [raw, chain] = plan.servers.map(({ security }) => security);
    expect(raw?.mode === 'rpk' && Buffer.from(raw.publicKey).toString('base64')).toBe(spki);
    expect(raw?.mode === 'rpk' && raw.serverPublicKey).toEqual(raw?.mode === 'rpk' && raw.publicKey);
    expect(chain).toMatchObject({ mode: 'x509', usage: 3 });
  });

  it.each([
    [{}, 'servers: is missing'],
    [{ servers: [{ uri: 'x' }] }, 'servers[0].short_server_id: is missing'],
    [{ servers: [{ ...server, short_server_id: 65_535 }] }, 'servers[0].short_server_id: must be a whole number'],
    [{ servers: [{ ...server, psk: { key: 'hunter2' } }] }, 'servers[0].psk.key'],
    [{ servers: [{ ...server, psk: { key: { random: 8 } } }] }, 'servers[0].psk.key.random'],
    [{ servers: [{ ...server, rpk: { public_key: 'hunter2' } }] }, 'servers[0].rpk.public_key: is no public key'],
    [{ servers: [{ ...server, livetime: 1 }] }, 'servers[0].livetime: unknown key; did you mean lifetime?'],
    [{ servers: [], bootstrap: { uri: 'x', psk: {} } }, 'bootstrap.psk.key: is missing'],
    [{ servers: [], reads: ['1/x'] }, 'reads[0]'],
    [
      { servers: [], writes: [{ path: '/3', content: [{ path: '/3/0/1', type: 'Integer', value: 'hunter2' }] }] },
      'writes[0].content[0].value: is none of that type',
    ],
  ])('that is wrong says where, and repeats no value: %j', (written, problem) => {
    expect(problemsOf(written)).toContain(problem);
    expect(problemsOf(written)).not.toContain('hunter2');
  });

  it('takes one proof for each server', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = publicKey.export({ type: 'spki', format: 'pem' });
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const rpk = { public_key: spki, private_key: pkcs8, server_public_key: spki };
    expect(problemsOf({ servers: [{ ...server, psk: {}, rpk }] })).toContain('takes one of psk, rpk and x509');
  });
});
