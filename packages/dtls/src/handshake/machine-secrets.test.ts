// What a person learns when a handshake fails, and what an attacker does not.
import { encodeUtf8, Secret } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { writeFragment } from '../messages/handshake.ts';
import { findSuite } from '../suites/registry.ts';
import { makeAuthority } from '../testing/certificates.ts';
import { Lockstep, type LockstepOptions } from '../testing/lockstep.ts';
import { pskParties, rpkParties, x509Parties } from '../testing/parties.ts';

const settings = { suites: [findSuite(0xc0a8)!, findSuite(0xc0ae)!] };
const wrongKey = (): LockstepOptions => ({ ...pskParties(new Secret(new Uint8Array(16))), settings });
const unknown = (): LockstepOptions => ({ ...pskParties(undefined, encodeUtf8('dev-2')), settings });

describe('an unknown identity and a wrong key', () => {
  it.each(['alert', 'silent'] as const)('look the same from outside (G-21, RFC 4279 §2): %s', (mode) => {
    const [a, b] = [wrongKey(), unknown()].map((options) =>
      new Lockstep({ ...options, settings: { ...settings, wrongKey: mode } }).run(),
    );
    expect(a!.ladder()).toEqual(b!.ladder());
    expect(a!.parcels.map(({ bytes }) => bytes.length)).toEqual(b!.parcels.map(({ bytes }) => bytes.length));
    expect(a!.server.alertsSent).toEqual(mode === 'alert' ? ['alert 51'] : []);
    expect(a!.client.outcome ?? b!.client.outcome).toBeUndefined();
  });

  it('end when the whole flight came again and could not be opened either', () => {
    const pair = new Lockstep(wrongKey()).run();
    expect(pair.ladder().slice(4)).toEqual([
      '20 -> ClientKeyExchange, ChangeCipherSpec, [Finished]',
      '1020 -> ClientKeyExchange, ChangeCipherSpec, [Finished]',
      '1025 <- alert 51',
    ]);
  });

  it('are told apart in the words of the server', () => {
    expect(new Lockstep(wrongKey()).run().server.error?.message).toMatch(
      /different keys for PSK identity "dev-1": compare the key bytes/,
    );
    expect(new Lockstep(unknown()).run().server.error?.message).toMatch(/no key for PSK identity "dev-2": add it/);
  });

  it('are named together to the client', () => {
    for (const options of [wrongKey(), unknown()]) {
      const { error } = new Lockstep(options).run().client;
      expect(error?.message).toMatch(/the server does not know PSK identity "dev-\d", or has another key for it/);
    }
  });

  it('are told apart when the server is told to (RFC 4279 §2)', () => {
    const pair = new Lockstep({ ...unknown(), settings: { ...settings, unknownIdentity: 'alert' } }).run();
    expect(pair.server.alertsSent).toEqual(['alert 115']);
    expect(pair.client.error?.message).toMatch(/does not know PSK identity "dev-2": add it there/);
  });
});

describe('identities', () => {
  const withIdentity = (identity: Uint8Array) => {
    const key = new Secret(encodeUtf8('secret'));
    const known = Buffer.from(identity);
    const store = { psk: (id: Uint8Array) => (known.equals(id) ? key : undefined) };
    return new Lockstep({ credentials: { kind: 'psk', identity, key }, store, settings }).run();
  };

  it.each([
    ['one byte', Uint8Array.of(0)],
    ['128 bytes', new Uint8Array(128).fill(65)],
    ['what is no UTF-8', Uint8Array.of(0xff, 0xfe, 0x00, 0x80)],
    ['__proto__', encodeUtf8('__proto__')],
    ['constructor', encodeUtf8('constructor')],
  ])('are compared byte by byte: %s (dtls E 92, G-23)', (_, identity) => {
    expect(withIdentity(identity).server.outcome?.identity).toEqual({ kind: 'psk', id: identity });
  });

  it('of more than 128 bytes are refused (dtls E 92, G-23)', () => {
    expect(withIdentity(new Uint8Array(129)).server.alertsSent).toEqual(['alert 47']);
    expect(withIdentity(new Uint8Array(5_000)).server.questions).toEqual([]);
  });

  it.each([0, 129, 8_000, 65_535])('of %d bytes from who keeps to no rules end the handshake (G-23)', (length) => {
    const asked: Uint8Array[] = [];
    const pair = new Lockstep({ ...pskParties(), store: { psk: (id) => void asked.push(id) }, settings });
    pair.run(16);
    const body = new Uint8Array(2 + length);
    new DataView(body.buffer).setUint16(0, length);
    const bytes = writeFragment({ type: 16, messageSeq: 2, length: body.length, offset: 0, body });
    pair.input(pair.server, { kind: 'fragment', epoch: 0, bytes });
    expect(pair.server.alertsSent).toHaveLength(1);
    expect(pair.server.error).toBeDefined();
    expect(asked).toEqual([]);
  });

  it.each([1, 16, 64, 65, 200])('a key of %d bytes works (dtls E 93)', (length) => {
    const key = new Secret(new Uint8Array(length).fill(7));
    const { credentials } = pskParties(key);
    expect(new Lockstep({ credentials, store: { psk: () => key }, settings }).run().server.outcome).toBeDefined();
  });

  it('an empty key is refused on either side (dtls E 93)', () => {
    const empty = new Secret(new Uint8Array(0));
    expect(() => new Lockstep({ ...pskParties(empty) })).toThrow(/key is empty/);
    const pair = new Lockstep({ ...pskParties(), store: { psk: () => empty }, settings }).run();
    expect(pair.server.error?.message).toMatch(/key is empty/);
    expect(pair.client.outcome).toBeUndefined();
  });
});

describe('the words of a failure', () => {
  it('name the suites of both sides when none is common (dtls E 80)', () => {
    const pair = new Lockstep({
      ...pskParties(),
      clientSettings: { suites: [findSuite(0x00a8)!] },
      serverSettings: { suites: [findSuite(0xc0a8)!] },
    }).run();
    expect(pair.server.error?.message).toMatch(
      /the client offers TLS_PSK_WITH_AES_128_GCM_SHA256; this server allows TLS_PSK_WITH_AES_128_CCM_8/,
    );
    expect(pair.client.error?.message).toMatch(/handshake_failure.*compare cipher suites/);
  });

  it('name the groups when none is common (dtls E 80)', () => {
    const pair = new Lockstep({
      ...pskParties(),
      settings: { suites: [findSuite(0xd003)!] },
      clientSettings: { groups: [29] },
      serverSettings: { groups: [23] },
    }).run();
    expect(pair.server.error?.message).toMatch(/no group in common/);
  });

  it('say which kind of credential is missing (dtls E 89, E 100)', () => {
    const missing: readonly [LockstepOptions, RegExp][] = [
      [{ credentials: pskParties().credentials, store: x509Parties().store }, /wants a pre-shared key/],
      [
        { credentials: x509Parties().credentials, store: pskParties().store },
        /a certificate or a raw public key .*, but this server has neither/,
      ],
      [{ credentials: rpkParties().credentials, store: x509Parties().store }, /raw public key/],
      [{ credentials: x509Parties().credentials, store: rpkParties().store }, /X\.509/],
    ];
    for (const [options, words] of missing) {
      const pair = new Lockstep(options).run();
      expect(pair.server.error?.message).toMatch(words);
      expect(pair.client.error).toMatchObject({ code: 'DTLS_ALERT', direction: 'received' });
    }
  });

  it('say what is wrong with a certificate, on the side that sees it', () => {
    const stranger = makeAuthority({ name: 'Other root' });
    const { credentials, store } = x509Parties();
    const distrustful = { ...credentials, trust: { roots: [stranger.certificate] } } as typeof credentials;
    const pair = new Lockstep({ credentials: distrustful, store }).run();
    expect(pair.client.alertsSent).toEqual(['alert 48']);
    expect(pair.server.error?.message).toMatch(/unknown_ca.*no trusted root issued the chain/);
    const late = new Lockstep({ credentials, store, wall: 4_000_000_000_000 }).run();
    expect(late.client.alertsSent).toEqual(['alert 45']);
    const elsewhere = {
      ...credentials,
      trust: { ...x509Parties().store.acceptCertificate!.trust, hostName: 'b.example' },
    };
    expect(new Lockstep({ credentials: elsewhere as typeof credentials, store }).run().client.error?.message).toMatch(
      /b\.example/,
    );
  });

  it('never hold a key (dtls E 126)', () => {
    for (const options of [wrongKey(), unknown()]) {
      const pair = new Lockstep(options).run();
      for (const { error } of [pair.client, pair.server]) expect(error?.message).not.toMatch(/0123456789abcdef|303132/);
    }
  });

  it('an allowed suite that goes with no credential is found before anything is sent', () => {
    const pair = new Lockstep({ ...pskParties(), settings: { suites: [findSuite(0xc0ae)!] } }).run();
    expect(pair.client.error).toMatchObject({ code: 'DTLS_HANDSHAKE', problem: 'credentials' });
    expect(pair.parcels).toEqual([]);
  });

  it('a store that is broken ends one handshake and is named', () => {
    const { credentials, store } = x509Parties();
    const broken = { ...store, certificate: () => ({ chain: [], privateKey: 'nonsense' }) };
    const pair = new Lockstep({ credentials, store: broken }).run();
    expect(pair.server.alertsSent).toEqual(['alert 80']);
    expect(pair.server.error?.message).toMatch(/privateKey/);
  });
});
