// Abbreviated handshakes by session id and by ticket, and all the reasons for which a full one follows instead.
import { Secret } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { findSuite } from '../suites/registry.ts';
import { agree, Lockstep, type LockstepOptions } from '../testing/lockstep.ts';
import { pskIdentity, pskKey, pskParties, rpkParties, x509Parties } from '../testing/parties.ts';
import { keptSessions, PlainTickets, resumingParties } from '../testing/resuming.ts';

function shake(options: LockstepOptions): Lockstep {
  const pair = new Lockstep(options).run();
  expect(pair.client.error).toBeUndefined();
  expect(pair.server.error).toBeUndefined();
  expect(agree(pair)).toBe(true);
  return pair;
}

const ways = ['id', 'ticket'] as const;
const roads = [
  ['a pre-shared key', () => pskParties()],
  ['certificates', () => x509Parties()],
  ['raw public keys', () => rpkParties()],
] as const;

describe('a session is resumed', () => {
  it.each(ways.flatMap((way) => roads.map(([name, make]) => [way, name, make] as const)))(
    'by %s after a handshake with %s, and keeps the identity (dtls E 115, E 116, E 119)',
    (way, _, make) => {
      const options = resumingParties(way, make());
      const pair = shake(options);
      expect(pair.ladder().slice(3)).toEqual([
        '15 <- ServerHello, ChangeCipherSpec, [Finished]',
        '20 -> ChangeCipherSpec, [Finished]',
      ]);
      expect(pair.server.outcome).toMatchObject({ resumed: true, extendedMasterSecret: true });
      expect(pair.server.outcome?.identity).toEqual(
        new Lockstep({ ...options, client: {} }).run().server.outcome?.identity,
      );
      expect(pair.client.outcome?.identity.kind).toBe(make().credentials.kind);
    },
  );

  it('with new randoms, new keys, and new connection ids (dtls E 114)', () => {
    const options = resumingParties('id', pskParties(), {
      client: { connectionId: Uint8Array.of(1) },
      server: { connectionId: Uint8Array.of(2) },
    });
    const pair = shake({
      ...options,
      client: { ...options.client, connectionId: Uint8Array.of(3, 3) },
      server: { ...options.server, connectionId: Uint8Array.of(4) },
    });
    expect(pair.server.outcome?.resumed).toBe(true);
    expect(pair.client.outcome?.protection).toMatchObject({
      sendCid: Uint8Array.of(4),
      receiveCid: Uint8Array.of(3, 3),
    });
  });

  it('with encrypt-then-MAC as before', () => {
    const pair = shake(resumingParties('id', pskParties(), { settings: { suites: [findSuite(0x00ae)!] } }));
    expect(pair.server.outcome).toMatchObject({ resumed: true, suite: { encryptThenMac: true } });
  });

  it('after the store was asked once more, and it may take its time (dtls E 119)', () => {
    const pair = shake({ ...resumingParties('id'), storeDelay: 3_000 });
    expect(pair.server.outcome?.resumed).toBe(true);
    expect(pair.server.questions).toEqual([{ about: 'psk', identity: pskIdentity, serverName: undefined }]);
  });

  it('the client takes the ticket of its first handshake', () => {
    const tickets = new PlainTickets();
    const pair = shake({ ...pskParties(), client: { tickets: 'ask' }, server: { tickets } });
    expect(pair.ladder().at(-1)).toBe('25 <- NewSessionTicket, ChangeCipherSpec, [Finished]');
    expect(pair.client.outcome?.session).toMatchObject({ ticket: Uint8Array.of(84, 75, 84, 0) });
    expect(pair.server.outcome?.session).toBeUndefined();
  });

  it('a server without a ticket after all says so, and nothing is kept (RFC 5077 §3.3)', () => {
    const tickets = { open: () => undefined, seal: () => undefined };
    const pair = shake({ ...pskParties(), client: { tickets: 'ask' }, server: { tickets } });
    expect(pair.client.outcome?.session).toBeUndefined();
  });
});

describe('a full handshake follows', () => {
  const full = (options: LockstepOptions): void => {
    const pair = shake(options);
    expect(pair.client.outcome?.resumed).toBe(false);
    expect(pair.parcels).toHaveLength(6);
  };

  it.each(ways)('when the server does not know the %s', (way) => {
    full({ ...resumingParties(way), server: { sessions: keptSessions(), tickets: new PlainTickets() } });
    full({ ...resumingParties(way), server: {} });
  });

  it('when client and server want another name (dtls E 87)', () => {
    const named = resumingParties('id', pskParties(), { client: { serverName: 'a.example' } });
    expect(shake(named).client.outcome?.resumed).toBe(true);
    full({ ...named, client: { ...named.client, serverName: 'b.example' } });
    const stolen = { ...named.client!.session!, serverName: 'b.example' };
    full({ ...named, client: { session: stolen, serverName: 'b.example' } });
  });

  it('when the suite is not allowed any more', () => {
    const options = resumingParties('id');
    const suites = [findSuite(0xc0a8)!];
    full({ ...options, serverSettings: { suites } });
    full({ ...options, clientSettings: { suites } });
  });

  it('when the key of the identity was replaced on both sides (G-32)', () => {
    const other = new Secret(new Uint8Array(16).fill(9));
    const { credentials } = pskParties(other);
    full({ ...resumingParties('id'), credentials, store: { psk: () => other } });
  });

  it('when the client may not come in any more, and then it fails (dtls E 119, G-32)', () => {
    const revoked = [
      { ...resumingParties('id'), store: { psk: () => undefined } },
      { ...resumingParties('ticket'), store: { psk: () => new Secret(new Uint8Array(16)) } },
      { ...resumingParties('id', rpkParties()), store: rpkParties(false).store },
      {
        ...resumingParties('id', x509Parties()),
        store: {
          ...x509Parties().store,
          acceptCertificate: { ...x509Parties().store.acceptCertificate!, verify: () => false },
        },
      },
    ];
    for (const options of revoked) {
      const pair = new Lockstep(options).run();
      expect(pair.server.outcome).toBeUndefined();
      expect(pair.server.error).toBeDefined();
      expect(pair.client.outcome).toBeUndefined();
    }
  });

  it('when an anonymous client is not welcome any more', () => {
    const options = resumingParties('id', x509Parties('optional'));
    expect(shake(options).server.outcome?.resumed).toBe(true);
    const strict = { ...x509Parties('optional').store, clientAuthentication: 'required' as const };
    const pair = new Lockstep({ ...options, store: strict }).run();
    expect(pair.server.outcome).toBeUndefined();
    expect(pair.server.error?.message).toMatch(/shows no certificate or raw public key/);
  });

  it('when the session was made without extended master secret (RFC 7627 §5.3)', () => {
    const options = resumingParties('id');
    const old = { ...options.server!.sessions!.find!(options.client!.session!.id, 0)!, extendedMasterSecret: false };
    full({ ...options, server: { sessions: keptSessions(old) } });
  });

  it('when the client has a session of another identity', () => {
    const session = resumingParties('id').client!.session!;
    const { credentials } = pskParties(new Secret(new Uint8Array(16).fill(3)));
    const pair = new Lockstep({ credentials, store: { psk: () => pskKey }, client: { session } });
    pair.run(1);
    // Not even asked for: the id of the session stays at home.
    expect(pair.parcels[0]!.bytes[13 + 12 + 34]).toBe(0);
  });
});

describe('a resumption that does not hold', () => {
  it('with another master secret ends in decrypt_error and leaves no session (dtls E 118)', () => {
    const options = resumingParties('id');
    const wrong = { ...options.client!.session!, masterSecret: new Uint8Array(48) };
    const pair = new Lockstep({ ...options, client: { ...options.client, session: wrong } }).run();
    expect(pair.client.error?.message).toMatch(/different keys/);
    expect(pair.client.outcome ?? pair.server.outcome).toBeUndefined();
  });
});
