import { makeAuthority, makeKey } from '@lapwing/dtls/testing';
import { encodeUtf8, toHex } from '@lapwing/kernel';
import type { InstanceValues } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { ObjectStore } from '../objects/store.ts';
import '../connect-secured.ts';
import { keyProblems, suspicionOf } from './key-problems.ts';
import { credentialsOf, readSecurity, SecurityObject } from './security.ts';

const authority = makeAuthority({ name: 'Authority' });
const key = makeKey('device');
const issued = authority.issue({ name: 'dev', key });
const pem = (label: string, der: Uint8Array): Uint8Array =>
  encodeUtf8(`-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`);

function recordOf(values: Partial<InstanceValues<typeof SecurityObject>>) {
  const store = new ObjectStore();
  const fixed = { lwm2mServerUri: 'coaps://h', bootstrapServer: false, securityMode: 0 };
  store.add(SecurityObject, 0, { ...fixed, ...values });
  return readSecurity(store.objects.get(0)?.instances.get(0)?.contents ?? new Map());
}

function problemsOf(values: Partial<InstanceValues<typeof SecurityObject>>, scheme = 'coaps') {
  const record = recordOf(values);
  return keyProblems(scheme, record, credentialsOf(record, []));
}

const certificate = {
  securityMode: 2,
  publicKeyOrIdentity: issued.certificate,
  secretKey: key.pkcs8,
  serverPublicKey: authority.certificate,
  certificateUsage: 2,
};
const raw = { securityMode: 1, publicKeyOrIdentity: key.spki, secretKey: key.pkcs8, serverPublicKey: key.spki };

describe('keys of object 0', () => {
  it.each([
    ['a pre-shared key', { publicKeyOrIdentity: encodeUtf8('dev'), secretKey: new Uint8Array(16).fill(1) }],
    ['raw public keys in DER', raw],
    [
      'raw public keys in PEM',
      { ...raw, publicKeyOrIdentity: pem('PUBLIC KEY', key.spki), secretKey: pem('PRIVATE KEY', key.pkcs8) },
    ],
    ['a certificate in DER', certificate],
    [
      'a certificate in PEM',
      {
        ...certificate,
        publicKeyOrIdentity: pem('CERTIFICATE', issued.certificate),
        secretKey: pem('PRIVATE KEY', key.pkcs8),
        serverPublicKey: pem('CERTIFICATE', authority.certificate),
      },
    ],
  ])('are taken as %s', (_what, values) => {
    expect(problemsOf(values)).toEqual([]);
  });

  it.each([
    ['an empty key', { publicKeyOrIdentity: encodeUtf8('dev') }, /^\/5 \(secret key\): .*empty/],
    ['no identity', { secretKey: new Uint8Array(16) }, /^\/3 .*empty/],
    ['NoSec', { securityMode: 3 }, /^\/2 .*NoSec, and coaps needs keys/],
    ['a mode of the future', { securityMode: 9 }, /^\/2 .*9 is not one/],
    [
      'a public key for the private one',
      { ...raw, secretKey: key.spki },
      /^\/5 .*public key.*private key was expected/,
    ],
    [
      'a private key in hexadecimal text',
      { ...certificate, secretKey: encodeUtf8(toHex(key.pkcs8)) },
      /^\/5 .*hexadecimal text: decode it/,
    ],
    [
      'a key for the certificate',
      { ...certificate, publicKeyOrIdentity: key.pkcs8 },
      /^\/3 .*private key.*certificate was expected/,
    ],
    ['the name of a file', { ...certificate, serverPublicKey: encodeUtf8('/etc/ca.pem') }, /^\/4 .*name of a file/],
  ])('are refused as %s, with the resource and the mend', (_what, values, expected) => {
    const problems = problemsOf(values);
    expect(problems.join('\n')).toMatch(new RegExp(expected.source, 'm'));
    expect(problems.join('\n')).not.toContain(toHex(key.pkcs8).slice(0, 40));
  });

  it('do not matter on a road without security', () => {
    expect(problemsOf({ securityMode: 3 }, 'coap')).toEqual([]);
  });

  it('look strange where a pre-shared key or its identity reads like hexadecimal text', () => {
    const hex = encodeUtf8('000102030405060708090a0b0c0d0e0f');
    expect(suspicionOf(recordOf({ secretKey: hex }))).toMatch(/32 bytes, not as the 16/);
    expect(suspicionOf(recordOf({ publicKeyOrIdentity: hex, secretKey: new Uint8Array(16) }))).toMatch(/identity/);
    expect(suspicionOf(recordOf({ secretKey: encodeUtf8('0123456789abcdeg') }))).toBeUndefined();
    expect(suspicionOf(recordOf({ securityMode: 1, secretKey: hex }))).toBeUndefined();
  });
});
