// No record number is used twice with one key, whatever the wall clock does and however a process ends (RFC 5288 §3).
import { encodeUtf8, hours } from '@lapwing/kernel';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KeptJournal } from './testing/kept-journal.ts';
import { pskParties } from './testing/parties.ts';
import { type Side, World } from './testing/world.ts';

const parties = pskParties();

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

it('uses no record number twice, with clocks that jump both ways and processes that are killed at any moment', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 2, maxLength: 25 }), async (lives) => {
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
    { numRuns: 40 },
  );
}, 60_000);
