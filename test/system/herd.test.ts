import { hours, minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

describe('a fleet that lost its server', () => {
  it('comes back spread over time, all of it', async () => {
    await using world = await World.make();
    await world.stopServer();
    const population = 200;
    // All of them start at the same instant, as after a power cut.
    for (let i = 0; i < population; i += 1) await world.device(`d${i}`, { lifetime: hours(1) });
    await world.pass(minutes(4));
    await world.startServer();
    const start = world.clock.now();
    await world.pass(minutes(30));
    expect(world.server.stats().registrations).toBe(population);
    const came = world.heard.filter(({ kind }) => kind === 'registered').map(({ at }) => at - start);
    const perSecond = new Map<number, number>();
    for (const at of came) perSecond.set(Math.floor(at / 1000), (perSecond.get(Math.floor(at / 1000)) ?? 0) + 1);
    expect(Math.max(...perSecond.values())).toBeLessThan(population / 5);
  });

  it('heeds a server that says how long to wait', async () => {
    await using world = await World.make({ server: { limits: { registrations: 1 } } });
    await world.device('first', { lifetime: seconds(60) });
    await world.pass(seconds(1));
    const second = await world.device('second', {
      lifetime: hours(1),
      retry: { retryTimer: seconds(1), retryCount: 100 },
    });
    await world.pass(seconds(40));
    const { outcomes } = world.server.stats();
    // Max-Age is 10 s: in 40 s that is four or five attempts, not forty.
    expect(outcomes['full']).toBeGreaterThanOrEqual(3);
    expect(outcomes['full']).toBeLessThanOrEqual(5);
    expect(second.client.phase()).toBe('waiting');
  });

  it('one that restarts all the time is held to its rate and hurts nobody', async () => {
    await using world = await World.make();
    await world.device('calm', { lifetime: hours(1) });
    await world.pass(seconds(1));
    for (let i = 0; i < 60; i += 1) {
      const thing = await world.device('restless', { lifetime: hours(24 * 365) });
      await world.pass(200);
      await world.cut(thing);
    }
    const { outcomes, registrations } = world.server.stats();
    expect(outcomes['registered']).toBeLessThan(62);
    expect(registrations).toBe(2);
    expect(world.server.registration('calm')).toBeDefined();
  });

  it('closes in bounded time when nobody answers a Deregister', async () => {
    await using world = await World.make();
    const { client } = await world.device('a');
    await world.pass(seconds(1));
    await world.stopServer();
    const start = world.clock.now();
    await world.during(client[Symbol.asyncDispose]());
    expect(world.clock.now() - start).toBeLessThanOrEqual(5100);
    expect(world.clock.pending).toBe(0);
  });
});
