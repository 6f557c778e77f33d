// No record number is used twice with one key, whatever the wall clock does and however a process ends (RFC 5288 §3).
import { encodeUtf8, hours } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { AssociationPeer } from './association.ts';
import type { Associations } from './associations.ts';
import type { Sealing } from './sealing.ts';
import { KeptJournal } from './testing/kept-journal.ts';
import { pskParties } from './testing/parties.ts';
import { type Side, World } from './testing/world.ts';

const parties = pskParties();
const nothing = new Uint8Array(0);

/** One life of a process: how its wall clock stands when it begins, how much it sends, how long it runs, how it ends. */
const life = fc.record({
  wall: fc.oneof(
    fc.constant('1970' as const),
    fc.integer({ min: -hours(48), max: hours(48) }).map((shift) => shift),
    fc.constant(0),
  ),
  sent: fc.integer({ min: 0, max: 12 }),
  lasts: fc.integer({ min: 50, max: 200_000 }),
  jump: fc.integer({ min: -hours(48), max: hours(48) }),
  ends: fc.constantFrom('killed' as const, 'killed' as const, 'stopped' as const),
});

it('G-18: uses no record number twice, with clocks that jump both ways and processes that are killed at any of 1,000 moments', async () => {
  let kills = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 10, maxLength: 25 }), async (lives) => {
      const world = new World();
      let journal = new KeptJournal();
      const options = { accept: parties.store, timers: { linger: 0 } };
      let server: Side = await world.side('server', 5684, { ...options, journal });
      const client = await world.side('client', 4000, { connect: parties.credentials, resumption: false });
      await world.connect(client, server);
      const used = new Set<number>();
      const look = (): void => {
        for (const { from, bytes } of world.passed.splice(0)) {
          if (from.host !== 'server' || bytes[4] !== 1) continue;
          const view = new DataView(bytes.buffer, bytes.byteOffset);
          const number = view.getUint16(5) * 2 ** 32 + view.getUint32(7);
          expect(used.has(number)).toBe(false);
          used.add(number);
        }
      };
      look();
      for (const { wall, sent, lasts, jump, ends } of lives) {
        if (ends === 'stopped') await server.transport[Symbol.asyncDispose]();
        else kills += 1;
        const next = journal.copy();
        journal.isDead = true;
        await server.road[Symbol.asyncDispose]();
        journal = next;
        world.clock.shiftWall(wall === '1970' ? -world.clock.wall() : wall);
        server = await world.side('server', 5684, { ...options, journal }, { restore: [...journal.records] });
        expect(server.transport.stats()).toMatchObject({ restored: 1, notRestored: 0 });
        const [peer] = server.transport.peers();
        const before = used.size;
        for (let i = 0; i < sent; i += 1) {
          await world.clock.advance(Math.floor(lasts / sent));
          world.clock.shiftWall(jump / sent);
          server.transport.send(peer!, encodeUtf8('x'));
        }
        await world.clock.advance(1);
        look();
        expect(used.size - before).toBe(sent);
      }
    }),
    { numRuns: 220 },
  );
  expect(kills).toBeGreaterThan(1000);
}, 60_000);

it('G-17: 1,000,000 records of each direction have numbers that only grow', async () => {
  const world = new World();
  const server = await world.side('server', 5684, { accept: parties.store });
  const client = await world.side('client', 4000, { connect: parties.credentials, resumption: false });
  const peer = await world.connect(client, server);
  const random = new SeededRandom(17);
  const out = new Uint8Array(100);
  const view = new DataView(out.buffer);
  for (const [side, who] of [
    [client, peer],
    [server, [...server.transport.peers()][0]!],
  ] as const) {
    const { table, sealing } = side.transport as unknown as { readonly table: Associations; readonly sealing: Sealing };
    let last = -1;
    let live = table.liveOf(table.owns(who) as AssociationPeer, 0);
    let wrong = 0;
    for (let i = 0; i < 1_000_000; i += 1) {
      // It may have been packed away meanwhile.
      if (i % 100_000 === 99_999) live = table.liveOf(table.owns(who) as AssociationPeer, random.between(0, 10));
      sealing.seal(live, 23, nothing, out, 0);
      const number = view.getUint16(5) * 2 ** 32 + view.getUint32(7);
      if (number <= last) wrong += 1;
      last = number;
    }
    expect(wrong).toBe(0);
  }
}, 60_000);
