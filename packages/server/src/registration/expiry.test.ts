import { Driver, days, hours, seconds } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { type Expiring, ExpiryWheel } from './expiry.ts';

interface Item extends Expiring {
  readonly name: string;
}

function setUp() {
  const clock = new VirtualClock();
  const wheel = new ExpiryWheel<Item>();
  const ended: string[] = [];
  const driver = new Driver(wheel, clock, (item) => ended.push(`${item.name}@${clock.now()}`));
  const watch = (name: string, lifetime: number): Item => {
    const item: Item = { name, expiresAt: clock.now() + lifetime, tick: undefined, slot: 0 };
    driver.handle(item);
    return item;
  };
  return { clock, wheel, driver, ended, watch };
}

describe('the end of registrations', () => {
  it('comes no earlier than the lifetime says, and less than a second after', async () => {
    const { clock, ended, watch } = setUp();
    watch('a', 1500);
    watch('b', 1000);
    await clock.advance(999);
    expect(ended).toEqual([]);
    await clock.advance(1);
    expect(ended).toEqual(['b@1000']);
    await clock.advance(1000);
    expect(ended).toEqual(['b@1000', 'a@2000']);
  });

  it('moves later without a word to the wheel', async () => {
    const { clock, ended, watch } = setUp();
    const item = watch('a', seconds(10));
    await clock.advance(seconds(9));
    item.expiresAt = clock.now() + seconds(10);
    await clock.advance(seconds(9));
    expect(ended).toEqual([]);
    await clock.advance(seconds(1));
    expect(ended).toEqual(['a@19000']);
  });

  it('moves earlier when the item is watched anew', async () => {
    const { clock, ended, watch, driver } = setUp();
    const item = watch('a', hours(10));
    item.expiresAt = clock.now() + seconds(5);
    driver.handle(item);
    await clock.advance(hours(11));
    expect(ended).toEqual(['a@5000']);
  });

  it('never comes for what was forgotten, nor for an infinite lifetime', async () => {
    const { clock, ended, watch, wheel } = setUp();
    wheel.forget(watch('a', seconds(5)));
    watch('b', Number.POSITIVE_INFINITY);
    await clock.advance(days(400));
    expect(ended).toEqual([]);
  });

  it('I-14: comes after 30 days for a lifetime of 30 days, not at once', async () => {
    const { clock, ended, watch } = setUp();
    watch('a', days(30));
    watch('b', 2 ** 32 * 1000);
    await clock.advance(days(30) - 1);
    expect(ended).toEqual([]);
    await clock.advance(1000);
    expect(ended).toEqual([`a@${days(30)}`]);
  });

  it('I-24: is spread over many turns when a population ends in one second', () => {
    const { clock, wheel, ended } = setUp();
    const population = 10_000;
    for (let i = 0; i < population; i += 1)
      wheel.handle({ name: `${i}`, expiresAt: seconds(5), tick: undefined, slot: 0 });
    let most = 0;
    let turns = 0;
    let sum = 0;
    while (wheel.deadline !== undefined) {
      const batch = wheel.expire(seconds(5)).length;
      most = Math.max(most, batch);
      sum += batch;
      turns += 1;
    }
    expect(sum).toBe(population);
    expect(most).toBeLessThanOrEqual(512);
    expect(turns).toBeGreaterThan(population / 512);
    expect(clock.now()).toBe(0);
    expect(ended).toEqual([]);
  });

  it('I-23: agrees with a plain map for every random script of starts, updates and ends', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = new SeededRandom(seed);
      const { clock, wheel, driver } = setUp();
      const alive = new Map<string, Item>();
      const heard: string[] = [];
      const own = new Driver(wheel, clock, (item) => {
        expect(item.expiresAt).toBeLessThanOrEqual(clock.now());
        expect(clock.now() - item.expiresAt).toBeLessThan(1000);
        expect(alive.get(item.name)).toBe(item);
        alive.delete(item.name);
        heard.push(item.name);
      });
      driver[Symbol.dispose]();
      for (let step = 0; step < 300; step += 1) {
        const name = `d${random.between(0, 15)}`;
        const item = alive.get(name);
        const expiresAt = clock.now() + random.between(1, 20_000);
        if (item === undefined) {
          const fresh: Item = { name, expiresAt, tick: undefined, slot: 0 };
          alive.set(name, fresh);
          own.handle(fresh);
        } else if (random.chance(0.2)) {
          alive.delete(name);
          wheel.forget(item);
        } else {
          const sooner = expiresAt < item.expiresAt;
          item.expiresAt = expiresAt;
          if (sooner) own.handle(item);
        }
        await clock.advance(random.between(0, 1500));
        for (const each of alive.values()) expect(clock.now() - each.expiresAt).toBeLessThan(1000);
      }
      expect(heard.length).toBeGreaterThan(0);
    }
  });
});
