// One credential does not fill the table, and nobody stays for ever.
import { days, hours } from '@lapwing/kernel';
import { expect, it } from 'vitest';
import { KeptJournal } from './testing/kept-journal.ts';
import { pskParties, x509Parties } from './testing/parties.ts';
import { World } from './testing/world.ts';

it.each([
  ['a pre-shared key', pskParties()],
  ['a certificate', x509Parties()],
] as const)('keeps as many associations of %s as it may, those that were heard last', async (_, parties) => {
  const world = new World();
  const journal = new KeptJournal();
  const server = await world.side('server', 5684, { accept: parties.store, limits: { perIdentity: 3 }, journal });
  for (let i = 0; i < 10; i += 1) {
    const side = await world.side('thief', 4000 + i, { connect: parties.credentials, resumption: false });
    await world.connect(side, server);
  }
  expect(server.transport.stats()).toMatchObject({ associations: 3, associationsEvicted: 7 });
  expect([...server.transport.peers()].map(({ address }) => 'port' in address && address.port)).toEqual([
    4007, 4008, 4009,
  ]);
  expect(server.lost).toHaveLength(7);
  expect(server.lost[0]?.cause.message).toContain('same identity');
  expect(journal.records.size).toBe(4);
});

it('ends an association that was not heard for 30 days, and tells the journal', async () => {
  const world = new World();
  const journal = new KeptJournal();
  const parties = pskParties();
  const server = await world.side('server', 5684, { accept: parties.store, journal });
  const client = await world.side('client', 4000, { connect: parties.credentials });
  const peer = await world.connect(client, server);
  await world.clock.advance(days(29));
  await world.say(client, peer, 'still here');
  await world.clock.advance(days(29));
  expect(server.transport.stats().associations).toBe(1);
  await world.clock.advance(days(1) + hours(1));
  expect(server.transport.stats()).toMatchObject({ associations: 0, unheard: 1 });
  expect(server.lost[0]?.cause.message).toContain('not heard');
  expect([...journal.records.keys()]).toEqual(['time']);
});
