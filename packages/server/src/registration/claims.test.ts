import { Code } from '@lapwing/coap';
import { describe, expect, it } from 'vitest';
import type { Verdict } from '../options.ts';
import { MemorySecurityStore } from '../security/memory-store.ts';
import { MemoryRegistrationStore } from '../stores/memory-stores.ts';
import type { RegistrationChange, RegistrationStore } from '../stores/registration-store.ts';
import { certified, peerOf, Wire } from '../testing/wire.ts';

const a = peerOf('a');

const kept = async (name: string, listener: string, key: string): Promise<RegistrationStore> => {
  const registrations = new MemoryRegistrationStore();
  const before = new Wire();
  await before.listen({ listeners: [{ name: listener, transport: before.transport }], stores: { registrations } });
  await before.location(peerOf(key, certified(name, 1)), name);
  await before.server[Symbol.asyncDispose]();
  return registrations;
};

/** One of two listeners is open. */
const halfOpen = async (registrations: RegistrationStore): Promise<{ wire: Wire; open: () => Promise<void> }> => {
  const wire = new Wire();
  let opened: () => void = () => undefined;
  const late = { ...wire.transport, open: () => new Promise<void>((resolve) => (opened = resolve)) };
  const listeners = [
    { name: 'early', transport: wire.transport },
    { name: 'late', transport: late },
  ];
  const listening = wire.listen({ listeners, stores: { registrations } });
  await wire.clock.advance(0);
  const open = (): Promise<void> => {
    opened();
    return listening;
  };
  return { wire, open };
};

describe('A name that somebody has proved to be', () => {
  it('I-01, I-05: leaves a name to who has proved to be it, also where no store has credentials of it', async () => {
    const pump = peerOf('p', certified('pump', 1));
    for (const options of [{}, { security: new MemorySecurityStore() }]) {
      const wire = await Wire.open(options);
      const refused: string[] = [];
      wire.server.events.on('not-owner', ({ name, peer }) => refused.push(`${name} of ${peer.key}`));
      const location = await wire.location(pump, 'pump');
      expect((await wire.register(a, ['ep=pump', 'lwm2m=1.1'])).code).toBe(Code.Forbidden);
      expect(wire.server.registration('pump')?.peer.key).toBe('p');
      expect((await wire.register(peerOf('q', certified('pump', 2)), ['ep=pump', 'lwm2m=1.1'])).code).toBe(
        Code.Created,
      );
      expect((await wire.ask(pump, Code.Post, location)).code).toBe(Code.NotFound);
      expect(refused).toEqual(['pump of a']);
      wire.server.drop('pump');
      expect((await wire.register(a, ['ep=pump', 'lwm2m=1.1'])).code).toBe(Code.Created);
      expect((await wire.register(pump, ['ep=pump', 'lwm2m=1.1'])).code).toBe(Code.Created);
    }
  });

  it.each([
    [[0, 1], { registered: 1, 'not-owner': 1 }],
    [[1, 0], { registered: 2 }],
  ])('I-05: and of two that are judged at once, one without proof, in the order %j', async (order, outcomes) => {
    const open: ((verdict: Verdict) => void)[] = [];
    const wire = await Wire.open({ authorize: () => new Promise((resolve) => open.push(resolve)) });
    const peers = [peerOf('p', certified('pump', 1)), a];
    for (const peer of peers) await wire.register(peer, ['ep=pump', 'lwm2m=1.1']).catch(() => undefined);
    for (const i of order) {
      open[i]?.({ allow: true });
      await wire.clock.advance(0);
    }
    expect(wire.server.registration('pump')?.peer.key).toBe('p');
    expect(wire.server.stats().outcomes).toMatchObject(outcomes);
  });

  it.each([['the proved one first'], ['the proved one last']])(
    'I-05: and of two that are written down at once, %s',
    async (which) => {
      const registrations = new MemoryRegistrationStore();
      const written: (() => void)[] = [];
      const write = registrations.write.bind(registrations);
      const slow: RegistrationStore = Object.assign(registrations, {
        registersWait: true,
        write: (changes: readonly RegistrationChange[]) =>
          new Promise<readonly boolean[]>((resolve) => written.push(() => resolve(write(changes)))),
      });
      const wire = await Wire.open({ stores: { registrations: slow } });
      const peers = [peerOf('p', certified('pump', 1)), a];
      if (which.endsWith('last')) peers.reverse();
      for (const peer of peers) await wire.register(peer, ['ep=pump', 'lwm2m=1.1']).catch(() => undefined);
      for (const done of written) done();
      await wire.clock.advance(0);
      expect(wire.server.registration('pump')?.peer.key).toBe('p');
      expect((await registrations.get('pump'))?.peer.key).toBe('p');
      expect(wire.server.stats().outcomes).toMatchObject({ registered: 1, 'not-owner': 1 });
    },
  );

  it('I-05: is kept for him after a restart too, also while his listener is not open yet', async () => {
    const registrations = await kept('pump', 'late', 'p');
    const { wire, open } = await halfOpen(registrations);
    expect((await wire.register(a, ['ep=pump', 'lwm2m=1.1'])).code).toBe(Code.Forbidden);
    expect((await wire.register(a, ['ep=other', 'lwm2m=1.1'])).code).toBe(Code.Created);
    await open();
    expect(wire.server.registration('pump')?.peer.key).toBe('p');
    expect((await wire.register(a, ['ep=pump', 'lwm2m=1.1'])).code).toBe(Code.Forbidden);
  });

  it('is his new registration at another listener, not the one that is restored after it', async () => {
    const registrations = await kept('pump', 'late', 'p');
    const { wire, open } = await halfOpen(registrations);
    const location = await wire.location(peerOf('q', certified('pump', 1)), 'pump');
    await open();
    expect(wire.server.registration('pump')?.peer.key).toBe('q');
    expect((await wire.ask(peerOf('q', certified('pump', 1)), Code.Post, location)).code).toBe(Code.Changed);
  });

  it('is free again once nobody can come back under it', async () => {
    const wire = await Wire.open({ stores: { registrations: await kept('pump', 'gone', 'p') } });
    expect((await wire.register(a, ['ep=pump', 'lwm2m=1.1'])).code).toBe(Code.Created);
  });
});
