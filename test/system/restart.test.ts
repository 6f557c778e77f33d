// What a server that starts anew still knows: DTLS associations, so that a fleet need not shake hands again.
import { minutes, seconds } from '@lapwing/kernel';
import type { AssociationStore } from '@lapwing/server';
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

/** What a database would hold. */
class Kept implements AssociationStore {
  readonly records = new Map<string, Uint8Array>();

  read(): Iterable<readonly [string, Uint8Array]> {
    return [...this.records];
  }

  write(key: string, association: Uint8Array | undefined): void {
    if (association === undefined) this.records.delete(key);
    else this.records.set(key, new Uint8Array(association));
  }

  writeNow(key: string, record: Uint8Array): void {
    this.write(key, record);
  }
}

describe('a server that is started anew', () => {
  it('keeps 1 000 associations without one new handshake, in at most 300 bytes each (E 112)', async () => {
    const kept = new Kept();
    await using world = await World.make({ road: 'dtls-cid', associations: kept });
    for (let i = 0; i < 1000; i += 1) {
      await world.device(`dev-${i}`, { lifetime: minutes(10) });
      if (i % 100 === 99) await world.pass(seconds(2));
    }
    await world.pass(seconds(30));
    expect(world.server.stats()).toMatchObject({ registrations: 1000 });
    expect(world.dtls()).toMatchObject({ associations: 1000, handshakesDone: 1000 });
    expect(Math.max(...[...kept.records.values()].map(({ length }) => length))).toBeLessThanOrEqual(300);

    await world.stopServer();
    await world.pass(minutes(1));
    await world.startServer();
    expect(world.dtls()).toMatchObject({ associations: 1000, restored: 1000, notRestored: 0 });
    // Updates of registrations that it does not know any more: 4.04, and a Register over the same association.
    await world.pass(minutes(10));
    expect(world.server.stats()).toMatchObject({ registrations: 1000 });
    expect(world.dtls()).toMatchObject({ associations: 1000, handshakesStarted: 0, forged: 0, replayed: 0 });
    expect(await world.during(world.server.device('dev-7').read('/3/0/0'))).toHaveLength(1);
  });

  it('knows nobody where nothing was kept, and devices shake hands again by themselves', async () => {
    await using world = await World.make({ road: 'dtls-cid' });
    await world.device('dev', { lifetime: minutes(10) });
    await world.pass(seconds(5));
    await world.stopServer();
    await world.startServer();
    await world.pass(minutes(15));
    expect(world.server.registration('dev')).toBeDefined();
    expect(world.dtls()).toMatchObject({ associations: 1, handshakesDone: 1 });
  });
});
