// The same tests for every peer that speaks lines: each suite and credential in both roles, resumption, connection ids with
// a change of port, server names, small datagrams, loss, and a wrong key. What a peer lacks is said, and becomes a row.
import { readFileSync } from 'node:fs';
import { type Identity, Secret } from '@lapwing/kernel';
import { expect } from 'vitest';
import { derOf, material } from './dtls-material.ts';
import { type DtlsOptions, type DtlsPeer, exchange } from './dtls-peer.ts';
import type { Recording } from './dtls-record.ts';
import { type Suite, suites } from './dtls-suites.ts';
import { LapwingDtlsClient, LapwingDtlsServer, show } from './lapwing-dtls.ts';
import { Relay } from './relay.ts';

type Role = 'server' | 'client';
/** True, or why not. */
type Ability = true | string;
/** Where it differs between the roles of the peer. */
type Abilities = Ability | Readonly<Record<Role, Ability>>;

export interface Skills {
  /** Why it does not speak a suite. */
  readonly lacks: (suite: Suite, role: Role) => string | undefined;
  readonly rawKeys: Abilities;
  readonly sessionIds: (options: DtlsOptions, role: Role) => Ability;
  readonly tickets: Abilities;
  readonly connectionIds: Abilities;
  /** Asks for a name as a client; has another certificate for another name as a server. */
  readonly serverNames: Abilities;
  /** Can be told to do with one group, or without extensions; what cannot has no rows for it. */
  readonly tuning: boolean;
  /** Can do without the extended master secret, as old devices do. */
  readonly oldSecret: Ability;
  /** Can be told how large a datagram may be. */
  readonly mtu: Abilities;
}

const roles = ['server', 'client'] as const;
const small = 300;

export function battery(record: Recording, peer: DtlsPeer, skills: Skills): void {
  const trial = new Trial(record, peer);
  for (const role of roles) {
    const can = (ability: Abilities): Ability => (typeof ability === 'object' ? ability[role] : ability);
    for (const suite of Object.values(suites) as readonly Suite[]) {
      trial.add(role, { suite }, 'data both ways', skills.lacks(suite, role) ?? true, trial.talk);
    }
    const signed: DtlsOptions = { suite: suites.ecdsaCcm8 };
    const anonymous: DtlsOptions = { ...signed, client: 'anonymous' };
    trial.add(role, anonymous, 'data both ways', true, trial.talk);
    const nameless: DtlsOptions = { ...anonymous, resumption: 'id' };
    trial.add(role, nameless, 'resumed by session id', skills.sessionIds(anonymous, role), trial.resume);
    trial.add(role, { ...signed, raw: true }, 'data both ways', can(skills.rawKeys), trial.talk);
    for (const suite of [suites.pskCcm8, suites.ecdsaCcm8]) {
      trial.add(
        role,
        { suite, resumption: 'id' },
        'resumed by session id',
        skills.sessionIds({ suite }, role),
        trial.resume,
      );
      trial.add(role, { suite, resumption: 'ticket' }, 'resumed by ticket', can(skills.tickets), trial.resume);
      const moving = { suite, connectionId: 8 };
      trial.add(role, moving, 'connection ids, the port changes', can(skills.connectionIds), trial.move);
    }
    trial.add(role, { ...signed, serverName: 'second.test' }, 'server name', can(skills.serverNames), trial.talk);
    trial.add(role, { ...signed, mtu: small }, `datagrams of ${small} bytes`, can(skills.mtu), trial.squeeze);
    trial.add(role, { suite: suites.pskCcm8 }, 'the first datagrams are lost', true, trial.lose);
  }
  trial.add('server', { suite: suites.pskCcm8 }, 'a wrong key is refused', true, trial.refuse);
  for (const role of roles) {
    trial.add(role, { suite: suites.ecdsaCcm8 }, 'an unknown authority is refused', true, trial.mistrust);
    const old = { suite: suites.pskCcm8, without: 'extended master secret' } as const;
    trial.add(role, old, 'without extended master secret', skills.oldSecret, trial.bear);
    if (!skills.tuning) continue;
    // The certificates are of P-256: whoever knows another group only takes none of them (RFC 8422 §5.1).
    for (const group of ['P-256', 'P-384', 'X25519'] as const)
      trial.add(role, { suite: suites.rsaGcm, client: 'anonymous', group }, `group ${group}`, true, trial.talk);
    for (const suite of [suites.pskCbc, suites.ecdsaCbc] as const)
      trial.add(role, { suite, without: 'encrypt-then-MAC' }, 'without encrypt-then-MAC', true, trial.talk);
  }
}

type Run = (role: Role, options: DtlsOptions) => Promise<void>;

class Trial {
  readonly #record: Recording;
  readonly #peer: DtlsPeer;

  constructor(record: Recording, peer: DtlsPeer) {
    this.#record = record;
    this.#peer = peer;
  }

  add(role: Role, options: DtlsOptions, feature: string, ability: Ability, run: Run): void {
    const combination = { peer: role, suite: options.suite.name, credential: credentialOf(options), feature };
    if (ability === true) this.#record.proves(combination, () => run(role, options));
    else this.#record.lacks(combination, ability);
  }

  readonly talk: Run = async (role, options) => {
    if (role === 'server') {
      await using server = await this.#peer.serve(options);
      await using client = await LapwingDtlsClient.start(server.port, options);
      await exchange(client, server, 'say one');
      await exchange(client, server, 'say two');
      expect(client.established).toMatchObject([{ suite: options.suite.name, role: 'client', resumed: false }]);
    } else {
      await using server = await LapwingDtlsServer.start(options);
      await using client = await this.#peer.connect(server.port, options);
      await exchange(client, server, 'say one');
      await exchange(client, server, 'say two');
      expect(server.established).toMatchObject([
        { suite: options.suite.name, role: 'server', resumed: false, serverName: options.serverName },
      ]);
      expect(nameOf(server.received.at(-1)?.peer.identity)).toBe(await clientName(options));
    }
  };

  readonly resume: Run = async (role, options) => {
    if (role === 'server') {
      await using server = await this.#peer.serve(options);
      await using client = await LapwingDtlsClient.start(server.port, options);
      await exchange(client, server, 'say one');
      await client.reconnect();
      await exchange(client, server, 'say two');
      expect(client.established.map(({ resumed }) => resumed)).toEqual([false, true]);
    } else {
      await using server = await LapwingDtlsServer.start(options);
      expect(await this.#peer.resume(server.port, options, 'say again')).toBe(true);
      expect(server.established.map(({ resumed }) => resumed)).toEqual([false, true]);
      expect(nameOf(server.received.at(-1)?.peer.identity)).toBe(await clientName(options));
    }
  };

  readonly move: Run = async (role, options) => {
    if (role === 'server') {
      await using server = await this.#peer.serve(options);
      await using relay = await Relay.start(server.port);
      await using client = await LapwingDtlsClient.start(relay.port, options);
      await exchange(client, server, 'say one');
      await relay.move();
      await exchange(client, server, 'say two');
      expect(client.established).toMatchObject([{ connectionIds: { ours: true, theirs: true } }]);
    } else {
      await using server = await LapwingDtlsServer.start(options);
      await using relay = await Relay.start(server.port);
      await using client = await this.#peer.connect(relay.port, options);
      await exchange(client, server, 'say one');
      const before = server.received.at(-1)!.peer;
      const place = before.address;
      await relay.move();
      await exchange(client, server, 'say two');
      const after = server.received.at(-1)!.peer;
      expect(server.established).toMatchObject([{ connectionIds: { ours: true, theirs: true } }]);
      expect(after.key).toBe(before.key);
      expect(after.address).not.toEqual(place);
    }
  };

  readonly squeeze: Run = async (role, options) => {
    if (role === 'server') {
      await using server = await this.#peer.serve(options);
      await using relay = await Relay.start(server.port);
      await using client = await LapwingDtlsClient.start(relay.port, options);
      await exchange(client, server, 'say one');
      expect(relay.largest.toServer).toBeLessThanOrEqual(small);
    } else {
      await using server = await LapwingDtlsServer.start(options);
      await using relay = await Relay.start(server.port);
      await using client = await this.#peer.connect(relay.port, options);
      await exchange(client, server, 'say one');
      expect(relay.largest.toClient).toBeLessThanOrEqual(small);
    }
  };

  readonly lose: Run = async (role, options) => {
    const losing = async (port: number): Promise<Relay> => {
      const relay = await Relay.start(port);
      relay.lose('toServer', 1);
      relay.lose('toClient', 1);
      return relay;
    };
    if (role === 'server') {
      await using server = await this.#peer.serve(options);
      await using relay = await losing(server.port);
      await using client = await LapwingDtlsClient.start(relay.port, options);
      await exchange(client, server, 'say one');
    } else {
      await using server = await LapwingDtlsServer.start(options);
      await using relay = await losing(server.port);
      await using client = await this.#peer.connect(relay.port, options);
      await exchange(client, server, 'say one');
    }
  };

  readonly refuse: Run = async (_role, options) => {
    await using server = await this.#peer.serve(options);
    const { identity } = await material();
    const wrong = LapwingDtlsClient.start(server.port, options, {
      connect: { kind: 'psk', identity: Buffer.from(identity), key: new Secret(Buffer.from('another secret!!')) },
      timers: { connect: 4000 },
    });
    await expect(wrong).rejects.toThrow(/key/);
  };

  /** By a client that may find out late that it is not let in. */
  async #attempt(port: number, options: DtlsOptions): Promise<void> {
    await using client = await this.#peer.connect(port, options);
    await client.ask('say one');
  }

  readonly mistrust: Run = async (role, options) => {
    const trust = { roots: await strangers() };
    if (role === 'server') {
      await using server = await this.#peer.serve(options);
      const wrong = LapwingDtlsClient.start(server.port, options, { connect: { kind: 'x509', trust } });
      await expect(wrong).rejects.toThrow(/certificate/);
    } else {
      const { server: own } = await material();
      const accept = { certificate: () => show(own), acceptCertificate: { trust } };
      await using server = await LapwingDtlsServer.start(options, { accept });
      await expect(this.#attempt(server.port, options)).rejects.toThrow();
      expect(server.established).toEqual([]);
      expect(server.transport.stats().handshakesFailed).toBeGreaterThan(0);
    }
  };

  /** Refused by default, let in where old devices are. */
  readonly bear: Run = async (role, options) => {
    const bearing = { extendedMasterSecret: 'optional' } as const;
    if (role === 'server') {
      await using server = await this.#peer.serve(options);
      await expect(LapwingDtlsClient.start(server.port, options)).rejects.toThrow(/extended master secret/);
      await using again = await this.#peer.serve(options);
      await using client = await LapwingDtlsClient.start(again.port, options, bearing);
      await exchange(client, again, 'say one');
    } else {
      await using strict = await LapwingDtlsServer.start(options);
      await expect(this.#attempt(strict.port, options)).rejects.toThrow();
      expect(strict.established).toEqual([]);
      await using server = await LapwingDtlsServer.start(options, bearing);
      await using client = await this.#peer.connect(server.port, options);
      await exchange(client, server, 'say one');
    }
  };
}

/** Other certificates than those that the peer shows. */
async function strangers(): Promise<readonly string[]> {
  return [readFileSync((await material()).second.certificate, 'utf8')];
}

function credentialOf({ suite, raw, client = 'shown' }: DtlsOptions): string {
  if (suite.signedBy === undefined) return 'pre-shared key';
  if (raw === true) return 'raw public keys';
  return client === 'shown' ? 'certificates' : 'certificate of the server';
}

/** What a peer has proved, in one text. */
function nameOf(identity: Identity | undefined): string {
  switch (identity?.kind) {
    case 'psk':
      return Buffer.from(identity.id).toString();
    case 'rpk':
      return Buffer.from(identity.publicKey).toString('hex');
    case 'x509':
      return identity.subject;
    default:
      return 'nobody';
  }
}

/** What the server is to find out about the client. */
async function clientName({ suite, raw, client = 'shown' }: DtlsOptions): Promise<string> {
  const made = await material();
  if (suite.signedBy === undefined) return made.identity;
  if (client === 'anonymous') return 'nobody';
  if (raw === true) return Buffer.from(derOf(made.client.publicKey, 'PUBLIC KEY')).toString('hex');
  return `CN=${made.client.name}`;
}
