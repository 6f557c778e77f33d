import { makeAuthority, makeKey } from '@lapwing/dtls/testing';
import { encodeUtf8, Secret, seconds } from '@lapwing/kernel';
import { type InstanceValues, makeValue } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { checkCredentials } from '../connect-secured.ts';
import { ObjectStore } from '../objects/store.ts';
import type { Contents } from '../objects/tree.ts';
import { credentialsOf, readSecurity, SecurityMode, SecurityObject, securityKeys } from './security.ts';

function contentsOf(values: Partial<InstanceValues<typeof SecurityObject>>): Contents {
  const store = new ObjectStore();
  store.add(SecurityObject, 0, { lwm2mServerUri: 'coaps://h', bootstrapServer: false, securityMode: 0, ...values });
  return store.objects.get(0)?.instances.get(0)?.contents ?? new Map();
}

const authority = makeAuthority({ name: 'Authority' });
const key = makeKey('device');

describe('an instance of object 0', () => {
  it('is read with the defaults of the specification', () => {
    expect(readSecurity(contentsOf({}))).toMatchObject({
      uri: 'coaps://h',
      mode: SecurityMode.PreSharedKey,
      shortServerId: undefined,
      holdOff: 0,
      accountTimeout: Number.POSITIVE_INFINITY,
      matchingType: 0,
      certificateUsage: 3,
      cipherSuites: [],
      oscore: undefined,
    });
    const some = contentsOf({
      clientHoldOffTime: 5,
      bootstrapServerAccountTimeout: 60,
      dtlsTlsCiphersuite: new Map([[0, 0xc0a8]]),
      oscoreSecurityMode: { object: 0xffff, instance: 0xffff },
    });
    expect(readSecurity(some)).toMatchObject({
      holdOff: seconds(5),
      accountTimeout: seconds(60),
      cipherSuites: [0xc0a8],
      oscore: undefined,
    });
  });

  it('says a pre-shared key as it was given', () => {
    const given = {
      kind: 'psk',
      identity: encodeUtf8('dev'),
      key: new Secret(encodeUtf8('0123456789abcdef')),
    } as const;
    const read = credentialsOf(readSecurity(contentsOf(securityKeys(given))), []);
    expect(read).toMatchObject({ kind: 'psk', identity: given.identity });
    expect(read?.kind === 'psk' ? read.key.reveal() : undefined).toEqual(given.key.reveal());
  });

  it('says raw public keys that a handshake can be made with', () => {
    const values = {
      securityMode: 1,
      publicKeyOrIdentity: key.spki,
      secretKey: key.pkcs8,
      serverPublicKey: makeKey('server').spki,
    };
    const credentials = credentialsOf(readSecurity(contentsOf(values)), []);
    expect(credentials?.kind).toBe('rpk');
    if (credentials === undefined) return;
    checkCredentials('coaps', credentials);
    expect(() => checkCredentials('coaps+tcp', credentials)).toThrow(/no raw public keys/);
  });

  it.each([0, 1, 2, 3])('says a certificate that a handshake can be made with, usage %i', (certificateUsage) => {
    const issued = authority.issue({ name: 'dev', key });
    const values = {
      securityMode: 2,
      publicKeyOrIdentity: issued.certificate,
      secretKey: key.pkcs8,
      serverPublicKey: authority.certificate,
      certificateUsage,
      sni: 'server.example',
    };
    const credentials = credentialsOf(readSecurity(contentsOf(values)), [authority.certificate]);
    expect(credentials).toMatchObject({ kind: 'x509', trust: { usage: certificateUsage, hostName: 'server.example' } });
    if (credentials !== undefined) checkCredentials('coaps', credentials);
  });

  it('says nothing for roads without security, or with one that nobody knows', () => {
    expect(credentialsOf(readSecurity(contentsOf({ securityMode: 3 })), [])).toBeUndefined();
    expect(credentialsOf(readSecurity(contentsOf({ securityMode: 9 })), [])).toBeUndefined();
    expect(securityKeys(undefined)).toEqual({ securityMode: 3 });
  });

  it('keeps what credentials have beyond it out of it', () => {
    const x509 = securityKeys({ kind: 'x509', trust: { roots: ['PEM'] } });
    expect(x509).toMatchObject({ securityMode: 2, publicKeyOrIdentity: new Uint8Array(0) });
    const rpk = securityKeys({ kind: 'rpk', privateKey: '-----PEM', trusted: [key.spki] });
    expect(rpk).toMatchObject({ secretKey: encodeUtf8('-----PEM'), serverPublicKey: key.spki });
    expect(makeValue('opaque', rpk.secretKey).type).toBe('opaque');
  });
});
