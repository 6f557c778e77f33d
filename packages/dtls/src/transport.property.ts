// Whole transports on roads that lose, double and shuffle datagrams: hands are shaken, nothing is delivered twice, nothing
// arrives that was not sent (reliability G-35).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SecureOptions } from './index.ts';
import { type Parties, pskParties, rpkParties, x509Parties } from './testing/parties.ts';
import { type Side, World } from './testing/world.ts';

const kinds: readonly Parties[] = [pskParties(), rpkParties(), x509Parties()];

describe('a secured transport on a bad road', () => {
  it.each([0.01, 0.05, 0.2])('shakes hands and talks at a loss of %d', async (loss) => {
    const way = fc.record({
      seed: fc.integer(),
      kind: fc.integer({ min: 0, max: kinds.length - 1 }),
      connectionId: fc.constantFrom<SecureOptions['connectionId']>(false, { length: 8 }, { length: 0 }),
      mtu: fc.integer({ min: 107, max: 1450 }),
      duplicate: fc.constantFrom(0, 0.2, 1),
      reorder: fc.constantFrom(0, 0.5),
    });
    await fc.assert(
      fc.asyncProperty(way, async ({ seed, kind, connectionId, mtu, duplicate, reorder }) => {
        const { credentials, store } = kinds[kind] as Parties;
        const world = new World(seed, { loss, duplicate, reorder, reorderBy: 400, latency: 20, jitter: 10 });
        const options = {
          connectionId,
          limits: { retransmissions: 20 },
          // Who tries for ten minutes needs somebody who remembers his last flight for as long.
          timers: { connect: 600_000, accept: 600_000, linger: 600_000 },
        } as SecureOptions;
        const server = await world.side('server', 5684, { ...options, accept: store }, { echo: true, mtu });
        const client = await world.side('client', 4000, { ...options, connect: credentials }, { mtu });
        const peer = await connected(world, client, server);
        const sent: string[] = [];
        for (let i = 0; i < 20; i += 1) {
          sent.push(`${i}`);
          await world.say(client, peer, `${i}`);
        }
        await world.clock.advance(5000);
        for (const texts of [server.texts(), client.texts()]) {
          expect(new Set(texts).size).toBe(texts.length);
          expect(texts.every((text) => sent.includes(text))).toBe(true);
        }
        expect(server.texts().length).toBeGreaterThan(loss > 0.1 ? 4 : 10);
        expect(server.transport.stats().forged + client.transport.stats().forged).toBe(0);
        await world.clock.advance(1_000_000);
        for (const side of [server, client]) {
          expect(side.transport.stats()).toMatchObject({ handshakes: 0, lingering: 0, warm: 0 });
          await side.transport[Symbol.asyncDispose]();
        }
        expect(world.clock.pending).toBe(0);
      }),
      { numRuns: 12 },
    );
  });
});

async function connected(world: World, client: Side, server: Side) {
  const connecting = client.transport.connect(server.road.address);
  connecting.catch(() => undefined);
  await world.clock.advance(601_000);
  return connecting;
}
