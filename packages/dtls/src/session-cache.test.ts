import { hours } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import type { Session } from './handshake/session.ts';
import { memorySessionCache } from './session-cache.ts';

const random = new SeededRandom(4);

function made(id: Uint8Array): Session {
  return {
    id,
    ticket: undefined,
    suite: 0xc0a8,
    masterSecret: random.bytes(48),
    extendedMasterSecret: true,
    encryptThenMac: false,
    serverName: undefined,
    identity: { kind: 'none' },
    credential: random.bytes(16),
  };
}

describe('sessions in memory', () => {
  it('are the last that were kept, whatever was forgotten meanwhile (dtls E 115)', () => {
    const cache = memorySessionCache(100, hours(1));
    const sessions: Session[] = [];
    for (let i = 0; i < 1000; i += 1) {
      const session = made(random.bytes(32));
      cache.keep(session.id, session, i);
      sessions.push(session);
      if (i % 7 === 0) cache.forget(session.id);
      for (const [at, each] of sessions.entries()) {
        const isThere = i - at < 100 && at % 7 !== 0;
        if (i % 50 === 0) expect(cache.find(each.id, i)).toEqual(isThere ? each : undefined);
      }
    }
  });

  it('are found until their time is over, under their whole id, and kept anew under the same one (dtls E 115)', () => {
    const cache = memorySessionCache(3, hours(1));
    const id = random.bytes(32);
    const [first, second, other] = [made(id), made(id), made(random.bytes(32))];
    cache.keep(id, first, 0);
    cache.keep(other.id, other, 0);
    cache.keep(id, second, 10);
    expect(cache.find(id, hours(1) + 9)).toEqual(second);
    expect(cache.find(id, hours(1) + 10)).toBeUndefined();
    expect(cache.find(other.id, hours(1) - 1)).toEqual(other);
    expect(cache.find(id.subarray(0, 31), 20)).toBeUndefined();
    expect(
      cache.find(
        id.map((byte, at) => (at === 31 ? byte ^ 1 : byte)),
        20,
      ),
    ).toBeUndefined();
    expect(cache.find(new Uint8Array(0), 20)).toBeUndefined();
  });
});
