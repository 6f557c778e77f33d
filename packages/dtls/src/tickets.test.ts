import { hours, nobody } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Session } from './handshake/session.ts';
import { decodeSession, encodeSession } from './session-codec.ts';
import { TicketKeys } from './tickets.ts';

const session: Session = {
  id: new Uint8Array(0),
  ticket: undefined,
  suite: 0xc0a8,
  masterSecret: Uint8Array.from({ length: 48 }, (_, i) => i),
  extendedMasterSecret: true,
  encryptThenMac: false,
  serverName: 'server.example',
  identity: { kind: 'psk', id: Uint8Array.of(1, 2, 3) },
  credential: Uint8Array.from({ length: 16 }, (_, i) => 255 - i),
};
const keys = (seed = 1): TicketKeys => new TicketKeys(new SeededRandom(seed), hours(24), (now) => now + 1_000_000);

describe('tickets', () => {
  it('give back what was sealed, for a day', () => {
    const jar = keys();
    const sealed = jar.seal(session, 0);
    expect(sealed?.lifetime).toBe(86_400);
    expect(jar.open(sealed!.ticket, hours(23))).toEqual(session);
    expect(jar.open(sealed!.ticket, hours(24))).toBeUndefined();
  });

  it('are opened with the key before the current one, not with an older one (dtls E 116)', () => {
    const jar = keys();
    jar.seal(session, 0);
    const late = jar.seal(session, hours(23))!.ticket;
    jar.seal(session, hours(25));
    expect(jar.open(late, hours(26))).toEqual(session);
    jar.seal(session, hours(50));
    expect(jar.open(late, hours(50))).toBeUndefined();
  });

  it('are worth nothing changed in any byte, cut, extended, or elsewhere (G-34, dtls E 116)', () => {
    const jar = keys();
    const { ticket } = jar.seal(session, 0)!;
    for (let i = 0; i < ticket.length; i += 1) {
      expect(
        jar.open(
          Uint8Array.from(ticket, (byte, at) => (at === i ? byte ^ 1 : byte)),
          1,
        ),
      ).toBeUndefined();
      expect(jar.open(ticket.subarray(0, i), 1)).toBeUndefined();
    }
    expect(jar.open(new Uint8Array([...ticket, 0]), 1)).toBeUndefined();
    expect(jar.open(new Uint8Array(65_535), 1)).toBeUndefined();
    expect(keys(2).open(ticket, 1)).toBeUndefined();
  });

  it('are not made of what is too long', () => {
    const chain = [new Uint8Array(900)];
    expect(keys().seal({ ...session, identity: { kind: 'x509', subject: 'CN=x', chain } }, 0)).toBeUndefined();
  });

  it('hold every identity, and bytes of anybody give a session or a FormatError', () => {
    for (const identity of [
      nobody,
      { kind: 'rpk', publicKey: Uint8Array.of(9) },
      { kind: 'x509', subject: 'CN=é', chain: [Uint8Array.of(1), Uint8Array.of(2)] },
    ] as const) {
      const whole = { ...session, serverName: undefined, identity };
      expect(decodeSession(encodeSession(whole, 7))).toEqual({ session: whole, sealedAt: 7 });
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeSession(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'FORMAT' });
        }
      }),
    );
  });
});
