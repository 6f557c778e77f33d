// Whatever a stranger sends, in whichever state, to either role: no exception escapes, nothing grows past its limit, nobody
// who was inside is thrown out (dtls E 127).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Parties, pskParties, x509Parties } from './testing/parties.ts';
import { type Passed, type Side, World } from './testing/world.ts';

const kinds: readonly Parties[] = [pskParties(), x509Parties()];

interface Change {
  readonly which: number;
  readonly what: 'flip' | 'set' | 'cut' | 'double' | 'join' | 'whole';
  readonly at: number;
  readonly value: number;
}

const change: fc.Arbitrary<Change> = fc.record({
  which: fc.nat(),
  what: fc.constantFrom('flip', 'set', 'cut', 'double', 'join', 'whole'),
  at: fc.nat(),
  value: fc.integer({ min: 0, max: 255 }),
});

function changed(passed: readonly Passed[], { which, what, at, value }: Change): Uint8Array {
  const { bytes } = passed[which % passed.length] as Passed;
  // Headers decide what is read: half of the changes are there.
  const place = value < 128 ? at % Math.min(bytes.length, 40) : at % bytes.length;
  switch (what) {
    case 'flip':
      return Uint8Array.from(bytes, (byte, i) => (i === place ? byte ^ (1 << (value & 7)) : byte));
    case 'set':
      return Uint8Array.from(bytes, (byte, i) => (i === place ? value : byte));
    case 'cut':
      return bytes.slice(0, place);
    case 'double':
      return Uint8Array.from([...bytes, ...bytes]);
    case 'join':
      return Uint8Array.from([...bytes, ...(passed[at % passed.length] as Passed).bytes]);
    case 'whole':
      return bytes.slice();
  }
}

async function talk(world: World, client: Side, server: Side): Promise<void> {
  const peer = await client.transport.connect(server.road.address);
  await world.say(client, peer, 'hello');
}

describe('a secured transport among strangers', () => {
  it('survives changed datagrams of every state, sent in the name of its peers', async () => {
    const way = fc.record({
      kind: fc.integer({ min: 0, max: 1 }),
      cid: fc.boolean(),
      /** Datagrams that pass before the road is cut: the state of both sides. */
      passes: fc.integer({ min: 0, max: 12 }),
      changes: fc.array(change, { minLength: 30, maxLength: 120 }),
    });
    await fc.assert(
      fc.asyncProperty(way, async ({ kind, cid, passes, changes }) => {
        const { credentials, store } = kinds[kind] as Parties;
        const connectionId = cid ? { length: 8 } : (false as const);
        const world = new World(7);
        const server = await world.side('server', 5684, { accept: store, connectionId }, { echo: true });
        const client = await world.side('client', 4000, { connect: credentials, connectionId });
        world.drops = (_, index) => index >= passes;
        void talk(world, client, server).catch(() => undefined);
        await world.clock.advance(300);
        world.drops = () => false;
        const seen = world.passed.slice(0, Math.max(1, passes));
        const before = server.transport.stats().associations;
        for (const each of changes) {
          const bytes = changed(seen, each);
          world.network.carry(client.road.address, server.road.address, bytes);
          world.network.carry(server.road.address, client.road.address, bytes);
          await world.clock.advance(each.value);
        }
        expect(server.transport.stats().handshakes).toBeLessThanOrEqual(4);
        expect(server.transport.stats().associations).toBeGreaterThanOrEqual(before);
        await world.clock.advance(200_000);
        expect(server.transport.stats().handshakes + client.transport.stats().handshakes).toBe(0);
        // An honest pair still comes together.
        const honest = await world.side('honest', 4000, { connect: credentials, connectionId });
        const peer = await world.connect(honest, server);
        await world.say(honest, peer, 'through');
        expect(honest.texts()).toEqual(['through']);
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});
