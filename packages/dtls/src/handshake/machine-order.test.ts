// Messages that come out of turn, twice, changed, or in the wrong epoch: what is refused with which alert, and what is
// passed over because nobody has proved to have said it.
import { concatBytes, noBytes } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { AlertDescription } from '../alert.ts';
import { decodeClientHello, encodeClientHello } from '../messages/client-hello.ts';
import { type Fragment, HandshakeType, readFragment, writeFragment } from '../messages/handshake.ts';
import { decodeServerHello, encodeServerHello, type ServerHello } from '../messages/server-hello.ts';
import { keyBlock } from '../suites/key-block.ts';
import { masterSecret } from '../suites/prf.ts';
import { findSuite } from '../suites/registry.ts';
import type { Suite } from '../suites/suite.ts';
import { type Link, Lockstep, type LockstepOptions } from '../testing/lockstep.ts';
import { pskKey, pskParties, rpkParties, x509Parties } from '../testing/parties.ts';
import { keptSessions, PlainTickets, resumingParties } from '../testing/resuming.ts';
import type { HandshakeEffect } from './contract.ts';
import { pskPremasterSecret } from './key-exchange.ts';
import type { Handshake } from './machine.ts';

const ccm8: { suites: readonly Suite[] } = { suites: [findSuite(0xc0a8)!, findSuite(0xc0ae)!] };

/** Rewrites the handshake messages of a machine on their way out; what is undefined is left out. */
type Rewrite = (fragment: Fragment) => readonly Fragment[] | undefined;

function bend(handshake: Handshake, rewrite: Rewrite): void {
  const handle = handshake.handle.bind(handshake);
  const expire = handshake.expire.bind(handshake);
  const bent = (effects: readonly HandshakeEffect[]): readonly HandshakeEffect[] =>
    effects.flatMap((effect): readonly HandshakeEffect[] => {
      if (effect.kind !== 'send' || effect.type !== 22) return [effect];
      const fragment = readFragment(effect.payload, 0)!;
      const others = rewrite(fragment);
      return others === undefined ? [effect] : others.map((other) => ({ ...effect, payload: writeFragment(other) }));
    });
  Object.assign(handshake, {
    handle: (...args: Parameters<typeof handle>) => bent(handle(...args)),
    expire: (...args: Parameters<typeof expire>) => bent(expire(...args)),
  });
}

/** A handshake whose client or server lies; the other side's error comes back. */
function lie(who: 'client' | 'server', options: LockstepOptions, rewrite: Rewrite): Lockstep {
  const pair = new Lockstep({
    ...options,
    onServer: (handshake) => {
      if (who === 'server') bend(handshake, rewrite);
    },
  });
  if (who === 'client') bend(pair.client.handshake!, rewrite);
  return pair.run();
}

const replace =
  (type: number, body: (body: Uint8Array) => Uint8Array): Rewrite =>
  (fragment) => {
    if (fragment.type !== type) return undefined;
    const changed = body(fragment.body);
    return [{ ...fragment, body: changed, length: changed.length }];
  };

const answer = (change: (hello: ServerHello) => ServerHello): Rewrite =>
  replace(HandshakeType.serverHello, (body) => encodeServerHello(change(decodeServerHello(body))));

/** Lets the types of two messages of one flight change places, numbers and all. */
function swap(a: number, b: number): Rewrite {
  let held: Fragment | undefined;
  return (fragment) => {
    if (fragment.type === a) {
      held = fragment;
      return [];
    }
    if (fragment.type !== b || held === undefined) return undefined;
    return [
      { ...fragment, messageSeq: held.messageSeq },
      { ...held, messageSeq: fragment.messageSeq },
    ];
  };
}

const alerts = (pair: Lockstep) => [...pair.client.alertsSent, ...pair.server.alertsSent];
const psk = (): LockstepOptions => ({ ...pskParties(), settings: ccm8 });
const x509 = (): LockstepOptions => ({ ...x509Parties(), settings: ccm8 });

describe('messages out of turn', () => {
  const { certificate, clientKeyExchange, certificateVerify, serverKeyExchange, certificateRequest, serverHelloDone } =
    HandshakeType;

  it.each([
    ['client', clientKeyExchange, certificateVerify],
    ['client', certificate, clientKeyExchange],
    ['server', certificate, serverKeyExchange],
    ['server', serverKeyExchange, certificateRequest],
    ['server', certificateRequest, serverHelloDone],
    ['server', certificate, serverHelloDone],
  ] as const)('of the %s: %d and %d changed places (dtls E 68, E 73, G-14)', (who, a, b) => {
    const pair = lie(who, x509(), swap(a, b));
    expect(alerts(pair)).toContain('alert 10');
    expect(pair.client.outcome ?? pair.server.outcome).toBeUndefined();
  });

  it.each([
    ['client', certificate],
    ['client', certificateVerify],
    ['client', clientKeyExchange],
    ['server', certificate],
    ['server', serverKeyExchange],
    ['server', HandshakeType.serverHello],
  ] as const)('G-10, G-11: of the %s: %d is left out (dtls E 72)', (who, type) => {
    let gap = 0;
    const pair = lie(who, x509(), (fragment) => {
      if (fragment.type !== type) return gap === 0 ? undefined : [{ ...fragment, messageSeq: fragment.messageSeq - 1 }];
      gap = 1;
      return [];
    });
    expect(pair.client.outcome).toBeUndefined();
    expect(pair.server.outcome).toBeUndefined();
    expect(alerts(pair)).toContain('alert 10');
  });

  it('G-14: of the six orders of what a client proves itself with, one completes', () => {
    const proof = [certificate, clientKeyExchange, certificateVerify] as const;
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    const completed = orders.filter((order) => {
      const held: Fragment[] = [];
      const pair = lie('client', x509(), (fragment) => {
        if (!proof.includes(fragment.type as (typeof proof)[number])) return undefined;
        held.push(fragment);
        if (held.length < 3) return [];
        const numbers = held.map(({ messageSeq }) => messageSeq);
        return order.map((from, at) => ({ ...held[from]!, messageSeq: numbers[at]! }));
      });
      expect(pair.client.outcome === undefined).toBe(pair.server.outcome === undefined);
      return pair.server.outcome !== undefined;
    });
    expect(completed).toEqual([[0, 1, 2]]);
  });

  it('two certificates are one too many (dtls E 73)', () => {
    let more = 0;
    const pair = lie('server', x509(), (fragment) => {
      const moved = { ...fragment, messageSeq: fragment.messageSeq + more };
      if (fragment.type !== certificate) return [moved];
      more = 1;
      return [moved, { ...fragment, messageSeq: fragment.messageSeq + 1 }];
    });
    expect(pair.client.error?.message).toMatch(/Certificate came where ServerKeyExchange was awaited/);
    expect(alerts(pair)).toEqual(['alert 10']);
  });

  it('Finished in epoch 0 is passed over, and so is everything else in epoch 1 (G-14, G-13)', () => {
    const pair = new Lockstep(psk());
    pair.run(16);
    const finished = writeFragment({ type: 20, messageSeq: 3, length: 12, offset: 0, body: new Uint8Array(12) });
    const keyExchange = writeFragment({ type: 16, messageSeq: 2, length: 2, offset: 0, body: new Uint8Array(2) });
    pair.input(pair.server, { kind: 'fragment', epoch: 0, bytes: finished });
    pair.input(pair.server, { kind: 'fragment', epoch: 1, bytes: keyExchange });
    pair.goOn();
    expect(pair.server.outcome).toBeDefined();
    expect(pair.client.outcome).toBeDefined();
  });

  it('an early ChangeCipherSpec opens nothing', () => {
    const pair = new Lockstep(psk());
    pair.run(16);
    pair.input(pair.server, { kind: 'change-cipher-spec' });
    pair.input(pair.client, { kind: 'change-cipher-spec' });
    expect(pair.server.protection ?? pair.client.protection).toBeUndefined();
    expect(pair.goOn().server.outcome).toBeDefined();
  });

  it('HelloRequest during a handshake is passed over (RFC 5246 §7.4.1.1)', () => {
    const pair = new Lockstep(psk());
    pair.run(12);
    const request = writeFragment({ type: 0, messageSeq: 0, length: 0, offset: 0, body: noBytes });
    pair.input(pair.client, { kind: 'fragment', epoch: 0, bytes: request });
    expect(pair.goOn().client.outcome).toBeDefined();
  });

  it('fragments that contradict each other leave the first one standing (dtls E 46, E 47, G-05)', () => {
    const pair = new Lockstep(psk());
    pair.run(16);
    const bad = [
      { type: 14, messageSeq: 1, length: 500, offset: 0, body: new Uint8Array(3) },
      { type: 2, messageSeq: 2, length: 2 ** 24 - 1, offset: 0, body: new Uint8Array(1) },
      { type: 2, messageSeq: 900, length: 5, offset: 0, body: new Uint8Array(5) },
    ];
    for (const each of bad) pair.input(pair.client, { kind: 'fragment', epoch: 0, bytes: writeFragment(each) });
    expect(pair.client.error).toBeUndefined();
  });

  it('a message that is awaited and too long ends the handshake with a reason (dtls E 47, G-04)', () => {
    const pair = new Lockstep(psk());
    pair.run(16);
    const long = { type: 2, messageSeq: 1, length: 2 ** 24 - 1, offset: 0, body: new Uint8Array(1) };
    pair.input(pair.client, { kind: 'fragment', epoch: 0, bytes: writeFragment(long) });
    expect(pair.client.error?.message).toMatch(/16777215 bytes is longer than the 8192 that are taken/);
  });

  it('garbage and empty fragments do nothing (dtls E 49, G-03)', () => {
    const pair = new Lockstep(psk());
    pair.run(12);
    const empty = writeFragment({ type: 2, messageSeq: 1, length: 80, offset: 0, body: noBytes });
    for (let i = 0; i < 1_000; i += 1) pair.input(pair.client, { kind: 'fragment', epoch: 0, bytes: empty });
    for (let length = 0; length < 12; length += 1)
      pair.input(pair.client, { kind: 'fragment', epoch: 0, bytes: new Uint8Array(length) });
    expect(pair.goOn().client.outcome).toBeDefined();
  });
});

describe('answers that were not asked for (dtls E 71, G-25)', () => {
  it.each([
    ['another suite', (hello: ServerHello) => ({ ...hello, cipherSuite: 0xc02b }), 47],
    ['a suite that nobody knows', (hello: ServerHello) => ({ ...hello, cipherSuite: 0x0000 }), 47],
    ['another version', (hello: ServerHello) => ({ ...hello, version: 0xfeff }), 70],
    ['compression', (hello: ServerHello) => ({ ...hello, compressionMethod: 1 }), 47],
    ['an extension', (hello: ServerHello) => with_(hello, { connectionId: noBytes }), 110],
    ['a ticket', (hello: ServerHello) => with_(hello, { sessionTicket: true }), 110],
    ['encrypt-then-MAC', (hello: ServerHello) => with_(hello, { encryptThenMac: true }), 110],
    ['a fragment length', (hello: ServerHello) => with_(hello, { maxFragmentLength: 9 }), 110],
    ['no extended master secret', (hello: ServerHello) => with_(hello, { extendedMasterSecret: undefined }), 40],
    ['an earlier connection', (hello: ServerHello) => with_(hello, { renegotiationInfo: new Uint8Array(12) }), 40],
  ])('%s', (_, change, alert) => {
    const pair = lie('server', psk(), answer(change));
    expect(pair.client.alertsSent).toEqual([`alert ${alert}`]);
    expect(pair.server.error).toMatchObject({ code: 'DTLS_ALERT', description: alert, direction: 'received' });
  });

  it('a group that was not offered (dtls E 71)', () => {
    const options = { ...x509(), clientSettings: { groups: [23] as const } };
    const pair = lie(
      'server',
      options,
      replace(HandshakeType.serverKeyExchange, (body) => concatBytes(Uint8Array.of(3, 0, 24), body.subarray(3))),
    );
    // The signature no longer fits, and that is seen first: whoever signs the wrong group is refused all the same.
    expect(pair.client.alertsSent).toEqual(['alert 51']);
  });

  function with_(hello: ServerHello, extensions: Partial<ServerHello['extensions']>): ServerHello {
    return { ...hello, extensions: { ...hello.extensions, ...extensions } };
  }
});

describe('a server that could speak DTLS 1.3 (RFC 8446 §4.1.3)', () => {
  const sentinel = (last: number) => Uint8Array.of(0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, last);
  const says = (last: number, version = 0xfefd) =>
    replace(HandshakeType.serverHello, (body) => {
      const hello = decodeServerHello(body);
      return encodeServerHello({
        ...hello,
        version,
        random: concatBytes(hello.random.subarray(0, 24), sentinel(last)),
      });
    });

  it('is believed that it went down to 1.2, for that is the newest here (dtls E 84)', () => {
    const pair = lie('server', psk(), says(1));
    // It was read; the two part only because this server hashed what it had said before.
    expect(pair.client.protection?.suite.id).toBe(0xc0a8);
    expect(pair.client.alertsSent).not.toContain('alert 47');
  });

  it('is not believed when it went down below what was offered, whatever its version says (dtls E 84)', () => {
    expect(lie('server', psk(), says(0)).client.alertsSent).toEqual(['alert 47']);
    expect(lie('server', psk(), says(0, 0xfeff)).client.alertsSent).toEqual(['alert 70']);
    expect(lie('server', psk(), says(1, 0xfeff)).client.alertsSent).toEqual(['alert 70']);
  });

  it('is not what this server claims to be, to a client that could (dtls E 84)', () => {
    let random: Uint8Array = noBytes;
    const look: Rewrite = (fragment) => {
      if (fragment.type === HandshakeType.serverHello) random = decodeServerHello(fragment.body).random.slice();
      return undefined;
    };
    expect(lie('server', psk(), look).client.outcome).toBeDefined();
    for (const last of [0, 1]) expect(random.subarray(24)).not.toEqual(sentinel(last));
  });
});

describe('hellos that are refused', () => {
  const offer = (change: (hello: ReturnType<typeof decodeClientHello>) => ReturnType<typeof decodeClientHello>) =>
    replace(HandshakeType.clientHello, (body) => encodeClientHello(change(decodeClientHello(body))));

  it.each([
    ['compression alone (dtls E 85)', { compressionMethods: [1] }, AlertDescription.IllegalParameter],
    ['DTLS 1.0', { version: 0xfeff }, AlertDescription.ProtocolVersion],
    ['unknown suites only (dtls E 80, E 82)', { cipherSuites: [0x0a0a, 0x0000] }, AlertDescription.HandshakeFailure],
  ])('%s', (_, change, alert) => {
    const pair = lie(
      'client',
      psk(),
      offer((hello) => ({ ...hello, ...change })),
    );
    expect(pair.server.alertsSent).toEqual([`alert ${alert}`]);
    expect(pair.client.error).toMatchObject({ description: alert, direction: 'received' });
  });

  it.each([
    ['no extended master secret (G-24)', { extendedMasterSecret: undefined }, 40],
    ['a renegotiation (dtls E 76)', { renegotiationInfo: new Uint8Array(12) }, 40],
    ['a record size limit below 64 (dtls E 88)', { recordSizeLimit: 63 }, 47],
    ['a fragment length without meaning (dtls E 88)', { maxFragmentLength: 7 }, 47],
  ])('%s', (_, extensions, alert) => {
    const change = offer((hello) => ({ ...hello, extensions: { ...hello.extensions, ...extensions } }));
    expect(lie('client', psk(), change).server.alertsSent).toEqual([`alert ${alert}`]);
  });

  it.each([
    ['by a suite number', [], [0x00ff], true],
    ['by an empty extension', { renegotiationInfo: noBytes }, [], true],
    ['not at all', [], [], false],
  ] as const)(
    'secure renegotiation that is asked for %s is answered empty or not (dtls E 76)',
    (_, extensions, more, isAnswered) => {
      let answered: boolean | undefined;
      const options: LockstepOptions = {
        ...psk(),
        onServer: (handshake) =>
          bend(handshake, (fragment) => {
            if (fragment.type !== HandshakeType.serverHello) return undefined;
            const { renegotiationInfo } = decodeServerHello(fragment.body).extensions;
            answered = renegotiationInfo !== undefined;
            expect(renegotiationInfo?.length ?? 0).toBe(0);
            return undefined;
          }),
      };
      const pair = new Lockstep(options);
      const change = offer((hello) => ({
        ...hello,
        cipherSuites: [...hello.cipherSuites.filter((id) => id !== 0x00ff), ...more],
        extensions: { ...hello.extensions, renegotiationInfo: undefined, ...extensions },
      }));
      bend(pair.client.handshake!, change);
      pair.run();
      expect(answered).toBe(isAnswered);
    },
  );

  it('unknown suites beside known ones are passed over, and hashed all the same (dtls E 82)', () => {
    const pair = lie(
      'client',
      psk(),
      offer((hello) => ({ ...hello, cipherSuites: [0x1a1a, ...hello.cipherSuites] })),
    );
    expect(pair.server.protection?.suite.id).toBe(0xc0a8);
    // The client hashed another hello than it sent: the two do not come together.
    expect(pair.client.outcome).toBeUndefined();
  });

  it('an old device without extended master secret gets the keys of RFC 5246 §8.1 where that is allowed', () => {
    const strip = offer((hello) => ({
      ...hello,
      extensions: { ...hello.extensions, extendedMasterSecret: undefined },
    }));
    const settings = { ...ccm8, extendedMasterSecret: 'optional' as const };
    const pair = lie('client', { ...pskParties(), settings }, strip);
    // Only the server knows of the change: its keys are what such a device would have.
    const hello = decodeClientHello(pair.parcels[2]!.bytes.subarray(25));
    const random = decodeServerHello(readFragment(pair.parcels[3]!.bytes.subarray(13), 0)!.body).random;
    const master = masterSecret('sha256', pskPremasterSecret(pskKey.reveal()), hello.random, random);
    expect(pair.server.protection?.client).toEqual(keyBlock(findSuite(0xc0a8)!, master, hello.random, random).client);
  });

  it('a hello changed after the cookie is never mixed with the first (dtls E 70)', () => {
    const pair = new Lockstep(psk());
    pair.run(16);
    const second = new Lockstep({ ...psk(), seed: 9 });
    second.run(1);
    const hello = second.parcels[0]!.bytes.slice(13);
    hello[5] = 1;
    pair.input(pair.server, { kind: 'fragment', epoch: 0, bytes: hello });
    expect(pair.goOn().server.outcome).toBeDefined();
  });
});

describe('proofs that do not hold', () => {
  it.each([
    ['the server: signature of the key exchange', 'server', HandshakeType.serverKeyExchange],
    ['the client: CertificateVerify', 'client', HandshakeType.certificateVerify],
  ] as const)('G-10, G-11: %s (dtls E 69)', (_, who, type) => {
    const spoil = replace(type, (body) => {
      const changed = body.slice();
      changed[changed.length - 3] = (changed.at(-3) ?? 0) ^ 1;
      return changed;
    });
    for (const options of [x509(), { ...rpkParties(), settings: ccm8 }]) {
      const pair = lie(who, options, spoil);
      expect(alerts(pair)).toEqual(['alert 51']);
    }
  });

  it('a scheme that was not offered (dtls E 69)', () => {
    const sha1 = replace(HandshakeType.certificateVerify, (body) => concatBytes(Uint8Array.of(2, 3), body.subarray(2)));
    expect(lie('client', x509(), sha1).server.alertsSent).toEqual(['alert 47']);
  });

  it('a Finished over other messages (dtls E 74)', () => {
    let number = 0;
    const link: Link = ({ from, bytes }) => {
      // The server's extension list grows by nothing but a changed random: the hashes part.
      if (from === 'server' && number++ === 1) bytes[30] = (bytes[30] ?? 0) ^ 1;
      return [5];
    };
    const pair = new Lockstep({ ...psk(), link }).run();
    expect(pair.client.outcome ?? pair.server.outcome).toBeUndefined();
    expect(pair.server.error?.message).toMatch(/different keys/);
  });

  it.each([
    ['another byte', (body: Uint8Array) => body.map((byte, i) => (i === 11 ? byte ^ 1 : byte)), 51],
    ['11 bytes', (body: Uint8Array) => body.slice(0, 11), 50],
    ['13 bytes', (body: Uint8Array) => concatBytes(body, Uint8Array.of(0)), 50],
    ['no bytes', () => noBytes, 50],
  ])('a Finished under the right keys with %s leaves no session (dtls E 74)', (_, change, alert) => {
    for (const who of ['client', 'server'] as const) {
      const tickets = new PlainTickets();
      const options: LockstepOptions = {
        ...psk(),
        client: { tickets: 'ask' },
        server: { sessions: keptSessions(), tickets },
      };
      const pair = lie(who, options, replace(HandshakeType.finished, change));
      const [liar, other] = who === 'client' ? [pair.client, pair.server] : [pair.server, pair.client];
      expect(other.alertsSent).toEqual([`alert ${alert}`]);
      expect(other.outcome).toBeUndefined();
      // The server has finished by then: what ends its association comes to that, not to the handshake.
      if (who === 'server') continue;
      expect(liar.error).toMatchObject({ description: alert, direction: 'received' });
      expect([liar.outcome, tickets.sealed]).toEqual([undefined, []]);
    }
  });

  it('a point off the curve (dtls E 90)', () => {
    const spoil = replace(HandshakeType.clientKeyExchange, (body) => {
      const changed = body.slice();
      changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
      return changed;
    });
    expect(lie('client', x509(), spoil).server.alertsSent).toEqual(['alert 47']);
  });

  it('one that fails harms no other (dtls E 77, G-09)', () => {
    const sha1 = replace(HandshakeType.certificateVerify, (body) => concatBytes(Uint8Array.of(2, 3), body.subarray(2)));
    lie('client', x509(), sha1);
    expect(new Lockstep(x509()).run().server.outcome).toBeDefined();
  });
});

describe('records that cannot be opened', () => {
  it('before their time or from elsewhere harm no handshake (dtls E 1, G-14)', () => {
    const pair = new Lockstep({ ...psk(), link: ({ says }) => (says.includes('[Finished]') ? [900] : [5]) });
    for (const until of [1, 12, 17, 22, 500, 850, 1_500, 1_800]) {
      pair.run(until);
      for (const side of [pair.client, pair.server]) pair.input(side, { kind: 'forged' });
    }
    pair.goOn();
    expect(pair.client.outcome).toBeDefined();
    expect(pair.server.outcome).toBeDefined();
  });
});

describe('after the handshake', () => {
  it.each(['client', 'server'] as const)('renegotiation is refused with a warning by the %s (dtls E 75)', (who) => {
    // Resumed handshakes leave the last flight with the client, full ones with the server.
    const pair = new Lockstep(who === 'server' ? psk() : resumingParties('id')).run(500);
    const side = pair[who];
    expect(side.outcome).toBeDefined();
    const type = who === 'server' ? HandshakeType.clientHello : HandshakeType.helloRequest;
    const request = writeFragment({ type, messageSeq: 4, length: 0, offset: 0, body: noBytes });
    pair.input(side, { kind: 'fragment', epoch: 0, bytes: request });
    expect(side.alertsSent).toEqual([]);
    pair.input(side, { kind: 'fragment', epoch: 1, bytes: request });
    expect(side.alertsSent).toEqual(['alert 100']);
    expect(side.error).toBeUndefined();
  });

  it('alerts in epoch 0 and forged records mean nothing any more (dtls E 17, G-20)', () => {
    const pair = new Lockstep(psk()).run(500);
    pair.input(pair.server, { kind: 'alert', alert: { level: 2, description: 40 }, epoch: 0 });
    pair.input(pair.server, { kind: 'forged' });
    expect(pair.server.error).toBeUndefined();
  });

  it('the machine lets go when application data shows that the last flight has arrived', () => {
    const pair = new Lockstep(psk()).run(500);
    expect(pair.client.isReleased).toBe(true);
    expect(pair.server.isReleased).toBe(false);
    pair.input(pair.server, { kind: 'confirmed' });
    expect(pair.server.isReleased).toBe(true);
    expect(pair.server.handshake?.deadline).toBeUndefined();
  });
});
