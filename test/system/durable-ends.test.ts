// When a kept registration ends after a restart: nobody who was told that he lives on ends before that (ADR 5).
import { minutes, seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { setUp } from './durable.ts';

describe('a registration that is kept', () => {
  it('E 112: lives on for all that was acknowledged, when the power goes before that is written', async () => {
    const { world, restart } = await setUp();
    await using _ = world;
    const { host } = await world.device('a', { lifetime: minutes(10) });
    await world.pass(minutes(10) - seconds(92));
    expect(world.of('updated')).toHaveLength(1);
    const start = await restart('loses its power');
    world.network.darken(host);
    await start();
    world.heard.length = 0;
    await world.pass(minutes(10) - seconds(5));
    expect(world.of('expired')).toEqual([]);
    await world.pass(seconds(10));
    expect(world.of('expired')).toHaveLength(1);
  });

  it('is given one lifetime more in all after sudden ends, however many there are, and none after orderly ones', async () => {
    const { world, restart } = await setUp();
    await using _ = world;
    const { host } = await world.device('a', { lifetime: minutes(10) });
    await world.pass(seconds(1));
    world.network.darken(host);
    for (const how of ['stops', 'loses its power', 'stops', 'loses its power', 'stops'] as const) {
      await world.pass(minutes(3));
      await (await restart(how))();
    }
    world.heard.length = 0;
    await world.pass(minutes(5) - seconds(10));
    expect(world.of('expired')).toEqual([]);
    await world.pass(seconds(25));
    expect(world.of('expired')).toHaveLength(1);
  });
});
