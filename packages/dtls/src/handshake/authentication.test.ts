import { ConfigError, encodeUtf8, Secret, toHex } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { AlertDescription } from '../alert.ts';
import type { CredentialStore } from '../credentials.ts';
import { makeAuthority, makeKey, makeSelfSigned, pem } from '../testing/certificates.ts';
import {
  CertificateType,
  ClientCertificateType,
  clientChoice,
  type HelloWishes,
  judgeServerKey,
  loadCertificate,
  loadCredentials,
  loadRawKey,
  serverAuthentication,
} from './authentication.ts';
import { offeredSchemes } from './signatures.ts';

const { x509, rawPublicKey } = CertificateType;
const root = makeAuthority();
const ecdsa = root.issue({ name: 'gateway.example' });
const rsa = root.issue({ name: 'gateway.example', key: makeKey('rsa-1', 'rsa') });
const ownKey = { privateKey: new Secret(makeKey('server').pkcs8) };
const anyHello: HelloWishes = { groups: [23, 24, 29], signatureSchemes: offeredSchemes };

const accepting = {
  acceptRawPublicKey: () => true,
  acceptCertificate: { trust: { roots: [root.certificate] } },
} satisfies CredentialStore;
const whole: CredentialStore = { ...accepting, psk: () => undefined, certificate: () => ecdsa, rawPublicKey: ownKey };

describe('what a server can do for a hello', () => {
  it('is PSK and a certificate at once where it has both (dtls E 81)', () => {
    const possible = serverAuthentication(whole, anyHello);
    expect(possible).toMatchObject({ psk: true, refusal: undefined, request: { type: x509, required: true } });
    expect(possible.choices).toHaveLength(1);
    expect(possible.choices[0]).toMatchObject({ keyExchange: 'ecdhe_ecdsa', scheme: 0x0403, shown: { type: x509 } });
  });

  it('is only what there are credentials for (dtls E 81)', () => {
    expect(serverAuthentication({ psk: () => undefined }, anyHello)).toMatchObject({ psk: true, choices: [] });
    expect(serverAuthentication({ ...accepting, certificate: () => rsa }, anyHello)).toMatchObject({
      psk: false,
      choices: [{ keyExchange: 'ecdhe_rsa', scheme: 0x0804 }],
    });
    expect(serverAuthentication(accepting, anyHello)).toMatchObject({
      psk: false,
      choices: [],
      refusal: { alert: AlertDescription.HandshakeFailure, reason: expect.stringMatching(/neither a certificate nor/) },
    });
  });

  it('follows the certificate types of the client, both ways and in its order (dtls E 89)', () => {
    const types = (server: number[] | undefined, client: number[] | undefined) => {
      const { choices, request } = serverAuthentication(whole, {
        ...anyHello,
        serverCertificateTypes: server,
        clientCertificateTypes: client,
      });
      return [choices.map((choice) => choice.shown.type), request?.type];
    };
    expect(types(undefined, undefined)).toEqual([[x509], x509]);
    expect(types([rawPublicKey], [rawPublicKey])).toEqual([[rawPublicKey], rawPublicKey]);
    expect(types([rawPublicKey, x509], [x509, rawPublicKey])).toEqual([[rawPublicKey, x509], x509]);
    expect(types([7, x509, x509], [7, rawPublicKey])).toEqual([[x509], rawPublicKey]);
  });

  it('refuses a client of raw keys at a server of certificates, and the reverse (dtls E 89, dtls E 100)', () => {
    const certificates: CredentialStore = { ...accepting, certificate: () => ecdsa };
    const rawKeys: CredentialStore = { ...accepting, rawPublicKey: ownKey };
    const cases: readonly [CredentialStore, HelloWishes, RegExp][] = [
      [
        certificates,
        { ...anyHello, serverCertificateTypes: [rawPublicKey] },
        /takes raw public keys from its server, but all that this server has is a certificate/,
      ],
      [
        rawKeys,
        anyHello,
        /takes X.509 certificates only from its server, but all that this server has is a raw public key/,
      ],
      [rawKeys, { ...anyHello, serverCertificateTypes: [x509] }, /but all that this server has is a raw public key/],
      [
        { certificate: () => ecdsa, acceptRawPublicKey: () => true },
        anyHello,
        /client can show X.509 certificates, this server accepts raw public keys/,
      ],
      [
        { certificate: () => ecdsa, acceptCertificate: accepting.acceptCertificate },
        { ...anyHello, clientCertificateTypes: [rawPublicKey] },
        /client can show raw public keys, this server accepts X.509 certificates/,
      ],
    ];
    for (const [store, hello, reason] of cases) {
      expect(serverAuthentication(store, hello)).toMatchObject({
        choices: [],
        refusal: { alert: AlertDescription.UnsupportedCertificate, reason: expect.stringMatching(reason) },
      });
    }
  });

  it('refuses when the curve of its key is not in the list of the client (dtls E 96)', () => {
    const store: CredentialStore = { ...accepting, certificate: () => ecdsa };
    expect(serverAuthentication(store, { ...anyHello, groups: [24, 29] })).toMatchObject({
      choices: [],
      refusal: { alert: AlertDescription.UnsupportedCertificate, reason: expect.stringMatching(/secp256r1/) },
    });
    expect(serverAuthentication(store, { ...anyHello, groups: undefined }).choices).toHaveLength(1);
  });

  it('refuses when no signature scheme is common, and says which the client has (dtls E 80, dtls E 96)', () => {
    const store: CredentialStore = { ...accepting, certificate: () => ecdsa };
    expect(serverAuthentication(store, { ...anyHello, signatureSchemes: [0x0401, 0x0203] })).toMatchObject({
      choices: [],
      refusal: {
        alert: AlertDescription.HandshakeFailure,
        reason: expect.stringMatching(
          /client offers rsa_pkcs1_sha256, scheme 0x0203, none goes with this server's ec-p256/,
        ),
      },
    });
  });

  it('asks its store by the server name, and says so when there is nothing (dtls E 86)', () => {
    const store: CredentialStore = {
      ...accepting,
      certificate: (name) => (name === 'gateway.example' ? ecdsa : undefined),
    };
    expect(serverAuthentication(store, { ...anyHello, serverName: 'gateway.example' }).choices).toHaveLength(1);
    expect(serverAuthentication(store, { ...anyHello, serverName: 'other.example' }).refusal?.reason).toBe(
      'this server has no certificate for the server name "other.example"',
    );
    expect(serverAuthentication(store, anyHello).refusal?.reason).toMatch(/for clients that name no server/);
  });

  it('asks a client to prove itself as its mode says (dtls E 101)', () => {
    const request = (mode: 'required' | 'optional' | 'none', store: CredentialStore, types?: number[]) =>
      serverAuthentication(
        { certificate: () => ecdsa, ...store, clientAuthentication: mode },
        {
          ...anyHello,
          clientCertificateTypes: types,
        },
      );
    expect(request('required', accepting).request).toEqual({ type: x509, required: true });
    expect(request('optional', accepting).request).toEqual({ type: x509, required: false });
    expect(request('none', accepting).request).toBeUndefined();
    expect(request('none', {}).choices).toHaveLength(1);
    expect(request('optional', {}, [rawPublicKey])).toMatchObject({ request: undefined, refusal: undefined });
    expect(request('required', {})).toMatchObject({
      choices: [],
      refusal: { alert: AlertDescription.HandshakeFailure, reason: expect.stringMatching(/give it acceptCertificate/) },
    });
  });
});

describe('what a client shows when it is asked', () => {
  const request = { certificateTypes: [ClientCertificateType.ecdsaSign], signatureSchemes: offeredSchemes };

  it('is its certificate or raw key where type and scheme fit, else nothing (dtls E 96)', () => {
    const shown = loadCertificate(ecdsa);
    expect(clientChoice(shown, request)).toEqual({ shown, scheme: 0x0403 });
    expect(clientChoice(loadRawKey(ownKey), request)?.shown.chain).toEqual([]);
    expect(clientChoice(shown, { ...request, certificateTypes: [ClientCertificateType.rsaSign] })).toBeUndefined();
    expect(clientChoice(shown, { ...request, signatureSchemes: [0x0804] })).toBeUndefined();
    expect(clientChoice(loadCertificate(rsa), request)).toBeUndefined();
    expect(clientChoice(undefined, request)).toBeUndefined();
  });
});

describe('credentials', () => {
  it('are read once, as DER or PEM, in one piece or several', () => {
    const { chain } = makeAuthority().authority({ name: 'Middle' }).issue({ name: 'leaf' });
    const privateKey = pem('PRIVATE KEY', makeKey('leaf').pkcs8);
    const bundle = chain.map((der) => pem('CERTIFICATE', der)).join('');
    const certificate = { chain: [bundle], privateKey };
    const shown = loadCertificate(certificate);
    expect(shown.chain.map(toHex)).toEqual(chain.map(toHex));
    expect(loadCertificate(certificate)).toBe(shown);
    expect(loadCertificate({ chain: [encodeUtf8(bundle)], privateKey }).chain).toHaveLength(2);
  });

  it('of a client with a raw key judge the key of its server (dtls E 100)', () => {
    const server = makeKey('server').spki;
    const loaded = loadCredentials({ kind: 'rpk', ...ownKey, trusted: [server] });
    if (loaded.kind !== 'rpk') throw new Error('kind');
    expect(judgeServerKey(loaded, server).ok).toBe(true);
    expect(judgeServerKey(loaded, makeKey('mallory').spki)).toMatchObject({ alert: AlertDescription.BadCertificate });
    expect(judgeServerKey(loaded, ecdsa.certificate)).toMatchObject({ alert: AlertDescription.BadCertificate });
  });

  it('name every problem at once', () => {
    const broken = (): unknown =>
      loadCredentials({
        kind: 'x509',
        own: { chain: [ecdsa.certificate], privateKey: makeKey('other').pkcs8 },
        trust: { roots: [] },
      });
    expect(broken).toThrow(ConfigError);
    expect(broken).toThrow(
      /privateKey: it does not belong to "CN=gateway.example"\n {2}roots: no certificate is given/,
    );
  });

  it('are refused with a key that is empty or an identity that is (dtls E 92, dtls E 93)', () => {
    const psk = (identity: string, key: number) => (): unknown =>
      loadCredentials({ kind: 'psk', identity: encodeUtf8(identity), key: new Secret(new Uint8Array(key)) });
    expect(psk('me', 0)).toThrow('key: the pre-shared key is empty: give it at least 16 bytes');
    expect(psk('', 16)).toThrow('identity: it is empty');
    expect(psk('x'.repeat(65_536), 16)).toThrow('identity: 65536 bytes');
    for (const length of [1, 64, 65]) expect(psk('me', length)).not.toThrow();
  });

  it('are refused when chain and key do not belong together or stand in the wrong order', () => {
    const middle = root.authority({ name: 'Middle' });
    const leaf = middle.issue({ name: 'leaf' });
    const [first, second] = leaf.chain as [Uint8Array, Uint8Array];
    const load =
      (chain: readonly Uint8Array[], privateKey: Secret = leaf.privateKey) =>
      (): unknown =>
        loadCertificate({ chain, privateKey });
    expect(load([first, second])).not.toThrow();
    expect(load([second, first])).toThrow('the private key belongs to certificate 2 of the chain: put that one first');
    expect(load([first, root.certificate])).toThrow(
      'chain: "CN=Test root" did not issue "CN=leaf" before it: put the leaf first, then each one\'s issuer',
    );
    expect(load([])).toThrow('chain: no certificate is given');
    expect(load(new Array<Uint8Array>(9).fill(first))).toThrow('chain: 9 certificates, peers accept 8 at most');
    expect(load([first.subarray(0, -1)])).toThrow(/^chain\[0\]: /);
    const large = makeSelfSigned({ name: 'large', key: makeKey('large', 'ec-p521') });
    expect(load(large.chain, large.privateKey)).toThrow('privateKey: keys of curve P-521 sign no handshake here');
  });

  it('are refused when public and private half are those of different keys', () => {
    expect(() => loadRawKey({ ...ownKey, publicKey: makeKey('other').spki })).toThrow(
      'publicKey: it is not the public half of privateKey',
    );
    expect(loadRawKey({ ...ownKey, publicKey: pem('PUBLIC KEY', makeKey('server').spki) }).type).toBe(rawPublicKey);
  });
});
