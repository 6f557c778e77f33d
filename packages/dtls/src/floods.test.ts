// Floods at the size in which they come, and what is left of them: memory, half-open handshakes, counts (dtls E.3).
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { encodeUtf8, nobody, Secret } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import type { Connections } from './connections.ts';
import type { SecureOptions } from './index.ts';
import { cipherSuites } from './index.ts';
import { encodeCertificate } from './messages/certificate.ts';
import { HandshakeType, readFragment } from './messages/handshake.ts';
import { decodeServerHello } from './messages/server-hello.ts';
import { ContentType } from './record/record.ts';
import { makeAuthority } from './testing/certificates.ts';
import { Crowd, type Stranger } from './testing/crowd.ts';
import { pskKey, pskParties, x509Parties } from './testing/parties.ts';
import { World } from './testing/world.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const MiB = 2 ** 20;

function memory(): number {
  collect();
  // What the first has found nobody to hold, such as keys and hashes, is let go of after it.
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const { store, credentials } = pskParties();

/** One of 2^24 hosts. */
const hostOf = (n: number): string => `10.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;

/** An alert is fatal where a message would be a ServerHello: look at both bytes. */
const isServerHello = (bytes: Uint8Array | undefined): boolean =>
  bytes?.[0] === ContentType.Handshake && bytes[13] === HandshakeType.serverHello;

describe('hellos of strangers', () => {
  it('E-05: a million from 100,000 addresses are answered with no more than they are, and nothing is kept (dtls E 30)', async () => {
    const crowd = await Crowd.open({ accept: store });
    for (let n = 0; n < 5000; n += 1) crowd.stranger(hostOf(n)).hello();
    const before = memory();
    for (let n = 0; n < 1_000_000; n += 1) crowd.stranger(hostOf(n % 100_000)).hello();
    expect(memory() - before).toBeLessThan(5 * MiB);
    expect(crowd.answered).toBeLessThanOrEqual(crowd.heard);
    expect(crowd.server.stats()).toMatchObject({ cookiesSent: 1_005_000, handshakesStarted: 0, slabBytes: 0 });
    expect(crowd.clock.pending).toBe(0);
    // One that means it comes in meanwhile, as fast as on an empty server: two hellos and two flights, 1 ms each.
    const quiet = await Crowd.open({ accept: store });
    expect(await crowd.comesIn(credentials, 'device')).toBe(await quiet.comesIn(credentials, 'device'));
  }, 60_000);

  it.each([
    ['ids', { tickets: false }],
    ['tickets', { sessions: false }],
  ] as const)('E-06: %s that are known, unknown or of another suite are asked for a cookie first', async (_, way) => {
    const world = new World();
    const inside = await world.side('server', 5684, { accept: store, resumption: way });
    const device = await world.side('client', 4000, { connect: credentials, resumption: way });
    device.transport.close(await world.connect(device, inside));
    await world.clock.advance(10);
    await world.connect(device, inside);
    expect(device.transport.stats().handshakesResumed).toBe(1);
    const hellos = world.passed.filter(({ to, bytes }) => to.host === 'server' && bytes[0] === 22 && bytes[13] === 1);
    const known = hellos.at(-2)?.bytes as Uint8Array;
    const withCookie = hellos.at(-1)?.bytes as Uint8Array;
    const started = inside.transport.stats().handshakesStarted;
    world.passed.length = 0;
    const unknown = known.map((byte, at) => (at > 13 + 12 + 36 && at < 13 + 12 + 60 ? byte ^ 0x55 : byte));
    for (const [at, hello] of [known, unknown, withCookie].entries()) {
      await world.forge({ via: 'udp', host: `elsewhere-${at}`, port: 1 }, inside, hello);
    }
    const { cookiesWrong, handshakesStarted } = inside.transport.stats();
    expect({ cookiesWrong, handshakesStarted }).toEqual({ cookiesWrong: 1, handshakesStarted: started });
    const answers = world.passed.filter(({ from }) => from.host === 'server');
    expect(answers.map(({ bytes }) => bytes[13])).toEqual(answers.map(() => HandshakeType.helloVerifyRequest));
    for (const { bytes } of answers) expect(bytes.length).toBeLessThan(known.length);
  });

  it('G-07: 10,000 with a good cookie from 2,500 hosts hold 1,000 handshakes and 16 MiB, for 30 s (dtls E 38)', async () => {
    const crowd = await Crowd.open({ accept: store });
    for (let n = 0; n < 500; n += 1) crowd.stranger(hostOf(1_000_000 + n)).begin();
    await crowd.clock.advance(31_000);
    const before = memory();
    for (let n = 0; n < 10_000; n += 1) {
      expect(isServerHello(crowd.stranger(hostOf(n % 2500), 1000 + Math.floor(n / 2500)).begin()[0])).toBe(true);
    }
    expect(memory() - before).toBeLessThan(16 * MiB);
    expect(crowd.server.stats()).toMatchObject({ handshakes: 1000, halfOpenEvicted: 9000, hostBusy: 0 });
    await crowd.clock.advance(30_000);
    expect(crowd.server.stats()).toMatchObject({ handshakes: 0, handshakesFailed: 10_500 });
    expect(crowd.clock.pending).toBe(0);
  }, 60_000);

  it.each([
    ['one host', () => 'flooding'],
    ['as many hosts', hostOf],
  ] as const)(
    'G-07: 100,000 with a good cookie from %s take nothing from who is inside, and are bounded in memory (dtls E 38)',
    async (kind, host) => {
      const crowd = await Crowd.open({ accept: store, timers: { linger: 0 } });
      const usual = await crowd.comesIn(credentials, 'inside');
      const before = memory();
      for (let n = 0; n < 100_000; n += 1) crowd.stranger(host(n), 1024 + (n % 60_000)).begin();
      expect(memory() - before).toBeLessThan(16 * MiB);
      const limited = kind === 'one host' ? { hostBusy: 99_996, handshakes: 4 } : { hostBusy: 0, handshakes: 1000 };
      expect(crowd.server.stats()).toMatchObject({ associations: 1, ...limited });
      expect(await crowd.comesIn(credentials, 'device')).toBe(usual);
      expect([...crowd.server.peers()].map(({ address }) => 'host' in address && address.host)).toEqual([
        'inside',
        'device',
      ]);
    },
    60_000,
  );
});

describe('offers of suites', () => {
  it('G-24: of each of the 65,536 numbers alone, no other is taken than those that are on and have credentials', async () => {
    const both = { ...x509Parties().store, psk: store.psk };
    const crowd = await Crowd.open({ accept: both as typeof store, limits: { halfOpen: 10 } });
    const taken: number[] = [];
    for (let id = 0; id < 65_536; id += 1) {
      const stranger = crowd.stranger(hostOf(id));
      if (isServerHello(stranger.begin([id])[0])) taken.push(id);
    }
    const isPossible = ({ on, keyExchange }: (typeof cipherSuites)[number]): boolean =>
      on && keyExchange !== 'ecdhe_rsa';
    const possible = cipherSuites.filter(isPossible).map(({ id }) => id);
    expect(taken).toEqual(possible.sort((a, b) => a - b));
    expect(taken.length).toBe(10);
    // All at once, the weakest first: the choice is the best of ours.
    const [chosen] = crowd.stranger('many').begin([0x0000, 0x0001, 0x0004, 0x000a, 0x0018, ...taken]);
    const { cipherSuite } = decodeServerHello(readFragment(chosen!.subarray(13), 0)!.body);
    expect(cipherSuite).toBe(cipherSuites.find(isPossible)?.id);
  }, 60_000);
});

/** How a handshake can come to nothing, as a client without keys can bring it about. */
const failures: readonly (readonly [string, (stranger: Stranger) => void])[] = [
  ['no suite in common', (s) => void s.begin([0x002f])],
  ['no extended master secret', (s) => void s.begin([0xc0a8], false)],
  ['a client that falls silent', (s) => void s.begin()],
  [
    'a fatal alert',
    (s) => {
      s.begin();
      s.say(ContentType.Alert, Uint8Array.of(2, 40));
    },
  ],
  [
    'a goodbye',
    (s) => {
      s.begin();
      s.say(ContentType.Alert, Uint8Array.of(1, 0));
    },
  ],
  [
    'a message that is too long',
    (s) => {
      s.begin();
      s.message(HandshakeType.clientKeyExchange, new Uint8Array(100), 100_000);
    },
  ],
  [
    'a message that cannot be read',
    (s) => {
      s.begin();
      s.message(HandshakeType.clientKeyExchange, Uint8Array.of(0, 9, 1));
    },
  ],
  [
    'a message out of turn',
    (s) => {
      s.begin();
      s.message(HandshakeType.certificateVerify, new Uint8Array(8));
    },
  ],
  [
    'an identity that nobody has',
    (s) => {
      s.begin();
      s.message(HandshakeType.clientKeyExchange, Uint8Array.of(0, 3, 120, 121, 122));
    },
  ],
  [
    'a Finished under the wrong key',
    (s) => {
      s.begin();
      s.message(HandshakeType.clientKeyExchange, Uint8Array.of(0, 5, ...encodeUtf8('dev-1')));
      s.say(ContentType.ChangeCipherSpec, Uint8Array.of(1));
      s.send(Uint8Array.of(22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 40, ...new Uint8Array(40).fill(7)));
    },
  ],
  [
    'a Finished before its keys',
    (s) => {
      s.begin();
      s.send(Uint8Array.of(22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 40, ...new Uint8Array(40).fill(7)));
    },
  ],
];

describe('handshakes that fail', () => {
  it.each(failures)(
    'G-08: 10,000 times by %s leave nothing behind, and the next one succeeds',
    async (_, fail) => {
      const crowd = await Crowd.open({ accept: store });
      for (let n = 0; n < 10_000; n += 1) fail(crowd.stranger(hostOf(n)));
      await crowd.clock.advance(31_000);
      const { associations, handshakes, lingering, warm, ...counts } = crowd.server.stats();
      expect({ associations, handshakes, lingering, warm }).toEqual({
        associations: 0,
        handshakes: 0,
        lingering: 0,
        warm: 0,
      });
      expect(counts).toMatchObject({ handshakesStarted: 10_000, handshakesFailed: 10_000, handshakesDone: 0 });
      expect(crowd.clock.pending).toBe(0);
      // Whoever failed may come again at once, and who has the right key takes no longer than on a fresh server.
      expect(isServerHello(crowd.stranger(hostOf(0)).begin()[0])).toBe(true);
      const fresh = await Crowd.open({ accept: store });
      expect(await crowd.comesIn(credentials, 'device')).toBe(await fresh.comesIn(credentials, 'device'));
    },
    30_000,
  );

  it('G-08: 10,000 times by a certificate of nobody’s leave nothing behind, and the next one succeeds', async () => {
    const { credentials: good, store: accept } = x509Parties();
    const crowd = await Crowd.open({ accept });
    const nobodys = encodeCertificate({ chain: makeAuthority({ name: 'Nobody' }).issue({ name: 'dev-1' }).chain });
    for (let n = 0; n < 10_000; n += 1) {
      const stranger = crowd.stranger(hostOf(n));
      stranger.begin([0xc0ae]);
      stranger.message(HandshakeType.certificate, nobodys);
    }
    await crowd.clock.advance(31_000);
    expect(crowd.server.stats()).toMatchObject({ handshakesFailed: 10_000, handshakes: 0, lingering: 0 });
    expect(crowd.clock.pending).toBe(0);
    const fresh = await Crowd.open({ accept });
    expect(await crowd.comesIn(good, 'device')).toBe(await fresh.comesIn(good, 'device'));
  }, 60_000);

  it.each([
    ['a wrong key', { connect: { ...credentials, key: new Secret(new Uint8Array(16)) } as typeof credentials }, store],
    [
      'a certificate of nobody’s',
      { connect: { ...x509Parties().credentials, own: undefined } as never },
      x509Parties().store,
    ],
  ] as readonly (readonly [string, Partial<SecureOptions>, typeof store])[])(
    'G-08: 200 times by %s on both sides leave nothing behind, and the next one takes no longer',
    async (_, client, accept) => {
      const world = new World();
      const inside = await world.side('server', 5684, { accept });
      const good = accept === store ? credentials : x509Parties().credentials;
      const first = await world.side('first', 4000, { connect: good, resumption: false });
      const took = async (side: typeof first): Promise<number> => {
        world.passed.length = 0;
        await world.connect(side, inside);
        return world.passed.length;
      };
      const usual = await took(first);
      const bad = await world.side('bad', 4000, { ...client, resumption: false, timers: { connect: 3000 } });
      for (let n = 0; n < 200; n += 1) await expect(world.connect(bad, inside)).rejects.toThrow();
      await world.clock.advance(31_000);
      expect(inside.transport.stats()).toMatchObject({ handshakes: 0, associations: 1, handshakesFailed: 200 });
      expect(bad.transport.stats()).toMatchObject({ handshakes: 0, associations: 0 });
      expect(await took(await world.side('second', 4000, { connect: good, resumption: false }))).toBe(usual);
    },
    30_000,
  );
});

describe('records for nobody', () => {
  it('G-31: a million random connection ids open nothing, while a device goes on being served', async () => {
    const world = new World();
    const inside = await world.side('server', 5684, { accept: { psk: () => pskKey } }, { echo: true });
    const device = await world.side('client', 4000, { connect: credentials, resumption: false });
    const peer = await world.connect(device, inside);
    await world.say(device, peer, 'x');
    const bytes = world.passed.find(({ bytes: each }) => each[0] === 25)!.bytes.slice();
    const { core } = inside.transport as unknown as { readonly core: Connections };
    const from = { key: 'client:4000', address: device.road.address, identity: nobody };
    for (let n = 0; n < 1_000_000; n += 1) {
      for (let i = 0; i < 8; i += 1) bytes[11 + i] = Math.imul(n + 1, 0x9e37_79b1 + i * 0x1003f) >>> 24;
      core.receive(from, bytes, world.clock.now());
      if (n % 100_000 === 0) await world.say(device, peer, `${n}`);
    }
    expect(device.texts()).toHaveLength(11);
    const { unknownConnectionId, forged, warm, associations } = inside.transport.stats();
    // One in 2^32 may name the device by chance: then it is a forgery.
    expect(unknownConnectionId + forged).toBe(1_000_000);
    expect({ forged: forged < 5, warm, associations }).toEqual({ forged: true, warm: 1, associations: 1 });
  }, 60_000);
});
