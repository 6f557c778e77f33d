// Whole handshakes of both roles against each other, on a network without faults.
import { encodeUtf8 } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { findSuite, suites } from '../suites/registry.ts';
import type { Suite } from '../suites/suite.ts';
import { makeKey } from '../testing/certificates.ts';
import { agree, Lockstep, type LockstepOptions } from '../testing/lockstep.ts';
import {
  clientRawKey,
  type Parties,
  pskIdentity,
  pskParties,
  rpkParties,
  serverRawKey,
  x509Parties,
} from '../testing/parties.ts';
import { NamedGroup } from './key-exchange.ts';

const only = (id: number): { suites: readonly Suite[] } => ({ suites: [findSuite(id)!] });

function shake(options: LockstepOptions): Lockstep {
  const pair = new Lockstep(options).run();
  if (pair.client.error !== undefined) throw pair.client.error;
  if (pair.server.error !== undefined) throw pair.server.error;
  expect(agree(pair)).toBe(true);
  return pair;
}

const partiesFor: Readonly<Record<Suite['keyExchange'], () => Parties>> = {
  psk: () => pskParties(),
  ecdhe_psk: () => pskParties(),
  ecdhe_ecdsa: () => x509Parties(),
  ecdhe_rsa: () => x509Parties('required', 'rsa'),
};

describe('a full handshake', () => {
  it('with a pre-shared key takes six datagrams', () => {
    const pair = shake({ ...pskParties(), settings: only(0xc0a8) });
    expect(pair.ladder()).toEqual([
      '0 -> ClientHello',
      '5 <- HelloVerifyRequest',
      '10 -> ClientHello',
      '15 <- ServerHello, ServerHelloDone',
      '20 -> ClientKeyExchange, ChangeCipherSpec, [Finished]',
      '25 <- ChangeCipherSpec, [Finished]',
    ]);
    expect(pair.server.outcome?.identity).toEqual({ kind: 'psk', id: pskIdentity });
    expect(pair.client.outcome?.identity).toEqual({ kind: 'psk', id: pskIdentity });
  });

  it('with certificates on both sides says everything once', () => {
    const pair = shake({ ...x509Parties(), settings: only(0xc0ae) });
    expect(pair.ladder().slice(3)).toEqual([
      '15 <- ServerHello, Certificate, ServerKeyExchange, CertificateRequest, ServerHelloDone',
      '20 -> Certificate, ClientKeyExchange, CertificateVerify, ChangeCipherSpec, [Finished]',
      '25 <- ChangeCipherSpec, [Finished]',
    ]);
    expect(pair.server.outcome?.identity).toMatchObject({ kind: 'x509', subject: 'CN=dev-1' });
    expect(pair.client.outcome?.identity).toMatchObject({ kind: 'x509', subject: 'CN=server.example' });
  });

  it('with raw public keys on both sides shows each the key of the other (RFC 7250 §4)', () => {
    const pair = shake({ ...rpkParties(), settings: only(0xc0ae) });
    expect(pair.server.outcome?.identity).toEqual({ kind: 'rpk', publicKey: clientRawKey.spki });
    expect(pair.client.outcome?.identity).toEqual({ kind: 'rpk', publicKey: serverRawKey.spki });
    expect(pair.server.questions).toEqual([{ about: 'raw-public-key', publicKey: clientRawKey.spki }]);
  });

  it.each(suites.map((suite) => [suite.name, suite] as const))('works with %s', (_, suite) => {
    const pair = shake({ ...partiesFor[suite.keyExchange](), settings: { suites: [suite] } });
    expect(pair.server.outcome?.suite.id).toBe(suite.id);
  });

  it.each(Object.entries(NamedGroup))('shares keys over %s', (_, group) => {
    shake({ ...x509Parties(), serverSettings: { groups: [group] } });
    shake({ ...pskParties(), settings: { groups: [group], ...only(0xd003) } });
  });

  it.each(['ec-p256', 'ec-p384', 'ed25519', 'rsa'] as const)('proves itself with keys of kind %s', (algorithm) => {
    shake(x509Parties('required', algorithm));
  });

  it('lets a client without certificate in as nobody when the mode says so (dtls E 101)', () => {
    const asked = shake(x509Parties('optional'));
    expect(asked.ladder()[4]).toMatch(/^20 -> Certificate, ClientKeyExchange, ChangeCipherSpec/);
    expect(asked.server.outcome?.identity.kind).toBe('none');
    const unasked = shake(x509Parties('none'));
    expect(unasked.ladder()[4]).toMatch(/^20 -> ClientKeyExchange, ChangeCipherSpec/);
    expect(unasked.server.outcome?.identity.kind).toBe('none');
  });

  it('reads a hint for PSK identities and goes its own way (dtls E 72)', () => {
    const { credentials, store } = pskParties();
    for (const id of [0xc0a8, 0xd003]) {
      const hinting = { ...store, identityHint: encodeUtf8('who?') };
      const pair = shake({ credentials, store: hinting, settings: only(id) });
      expect(pair.ladder()[3]).toBe('15 <- ServerHello, ServerKeyExchange, ServerHelloDone');
    }
  });

  it('asks the store with the name of the server in lower case (dtls E 86)', () => {
    const pair = shake({ ...pskParties(), client: { serverName: 'Gw.Example' } });
    expect(pair.server.questions).toEqual([{ about: 'psk', identity: pskIdentity, serverName: 'gw.example' }]);
    expect(pair.client.outcome?.serverName).toBe('gw.example');
  });

  it('chooses among what the server has credentials for, by the order of the server (dtls E 81)', () => {
    const { credentials, store } = pskParties();
    const all = { ...x509Parties().store, ...rpkParties().store, ...store };
    expect(shake({ credentials, store: all }).server.outcome?.suite.keyExchange).toBe('ecdhe_psk');
    expect(shake({ credentials: x509Parties().credentials, store: all }).server.outcome?.identity.kind).toBe('x509');
    expect(shake({ credentials: rpkParties().credentials, store: all }).server.outcome?.identity.kind).toBe('rpk');
    const reversed = { suites: suites.toReversed() };
    const pair = shake({ credentials, store: all, serverSettings: reversed });
    expect(pair.server.outcome?.suite.id).toBe(0x00ae);
  });

  it('asks the store about a certificate only after it was proved', () => {
    const { credentials, store } = x509Parties();
    const asked: number[] = [];
    const verify = (peer: { chain: readonly Uint8Array[] }) => asked.push(peer.chain.length) > 0;
    const asking = { ...store, acceptCertificate: { trust: store.acceptCertificate!.trust, verify } };
    shake({ credentials, store: asking });
    expect(asked).toEqual([1]);
  });
});

describe('what both sides agree on', () => {
  it.each([
    ['both', [1, 2, 3], [9, 8, 7, 6], [9, 8, 7, 6], [1, 2, 3]],
    ['only the client receives with one', [1, 2, 3], [], [], [1, 2, 3]],
    ['only the server receives with one', [], [9], [9], []],
    ['both are empty', [], [], [], []],
    ['the server has none', [1], undefined, undefined, undefined],
    ['the client has none', undefined, [1], undefined, undefined],
  ])('connection ids: %s (dtls E 102, RFC 9146 §3)', (_, client, server, clientSends, serverSends) => {
    const bytes = (id: number[] | undefined) => (id === undefined ? undefined : Uint8Array.from(id));
    const pair = shake({
      ...pskParties(),
      client: { connectionId: bytes(client) },
      server: { connectionId: bytes(server) },
    });
    expect(pair.client.outcome?.protection.sendCid).toEqual(bytes(clientSends));
    expect(pair.server.outcome?.protection.sendCid).toEqual(bytes(serverSends));
  });

  it('a record size limit holds for handshake records too (dtls E 19, RFC 8449 §4)', () => {
    const pair = shake({
      ...x509Parties(),
      clientSettings: { recordSizeLimit: 100 },
      serverSettings: { recordSizeLimit: 80 },
    });
    expect(pair.client.outcome).toMatchObject({ sendLimit: 80, receiveLimit: 100 });
    expect(pair.server.outcome).toMatchObject({ sendLimit: 100, receiveLimit: 80 });
    const pieces = pair.parcels.slice(3).flatMap((parcel) => parcel.says);
    expect(pieces.some((piece) => piece.startsWith('Certificate 0-'))).toBe(true);
    for (const piece of pieces) {
      const [, from, to] = /(\d+)-(\d+)\//.exec(piece) ?? [];
      if (to !== undefined) expect(Number(to) - Number(from) + 12).toBeLessThanOrEqual(100);
    }
  });

  it('max_fragment_length is asked for and answered (RFC 6066 §4)', () => {
    const pair = shake({ ...x509Parties(), clientSettings: { maxFragmentLength: 512 } });
    expect(pair.client.outcome).toMatchObject({ sendLimit: 512, receiveLimit: 512 });
    expect(pair.server.outcome).toMatchObject({ sendLimit: 512, receiveLimit: 512 });
  });

  it('extended master secret may be missing when both sides say optional (RFC 7627 §5.2)', () => {
    const pair = shake({ ...pskParties(), settings: { extendedMasterSecret: 'optional' } });
    expect(pair.client.outcome?.extendedMasterSecret).toBe(true);
  });

  it('encrypt-then-MAC goes with CBC suites and no others (dtls E 15, RFC 7366 §3)', () => {
    expect(shake({ ...pskParties(), settings: only(0x00ae) }).server.outcome?.suite.encryptThenMac).toBe(true);
    expect(shake({ ...pskParties(), settings: only(0x00a8) }).server.outcome?.suite.encryptThenMac).toBe(false);
  });

  it('no datagram is longer than the road takes (dtls E 124)', () => {
    for (const datagram of [140, 256, 600]) {
      for (const parties of [pskParties(), x509Parties(), rpkParties()]) {
        const pair = shake({ ...parties, client: { datagram }, server: { datagram } });
        for (const { bytes } of pair.parcels) expect(bytes.length).toBeLessThanOrEqual(datagram);
      }
    }
  });

  it('a handshake with PSK takes at most twelve text messages (G-36)', () => {
    const pair = shake({
      ...pskParties(),
      client: { datagram: 140 },
      server: { datagram: 140 },
      settings: only(0xc0a8),
    });
    expect(pair.parcels.length).toBeLessThanOrEqual(12);
  });

  it('a chain longer than the limit is refused with words (L11)', () => {
    const { credentials, store } = x509Parties();
    const pair = new Lockstep({ credentials, store, settings: { messageLimit: 256 } }).run();
    expect(pair.client.error?.message).toMatch(/Certificate of \d+ bytes is longer than the 256/);
  });

  it('raw keys of strangers are refused after the proof', () => {
    const pair = new Lockstep(rpkParties(false)).run();
    expect(pair.server.error?.message).toMatch(/raw public key is not among those that are accepted/);
    expect(pair.client.error?.message).toMatch(/certificate_unknown/);
    const { store } = rpkParties();
    const credentials = { ...rpkParties().credentials, trusted: [makeKey('another').spki] };
    const other = new Lockstep({ credentials: credentials as never, store }).run();
    expect(other.client.error).toBeDefined();
    expect(other.client.outcome).toBeUndefined();
  });
});
