import { Driver, seconds } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { type Attributes, makeValue, type ValueType } from '@lapwing/lwm2m';
import { describe, expect, it } from 'vitest';
import { crosses, isWorthTelling } from './conditions.ts';
import { Governor } from './governor.ts';

function setUp(attributes: Attributes) {
  const clock = new VirtualClock();
  const spoken: number[] = [];
  const governor = new Governor(attributes, clock.now());
  const driver = new Driver(governor, clock, () => spoken.push(clock.now() / 1000));
  return { clock, spoken, driver, changed: () => driver.handle({ kind: 'changed' }) };
}

/** When it looks; nothing is ever worth telling. */
function lookingAt(attributes: Attributes) {
  const clock = new VirtualClock();
  const looked: number[] = [];
  const driver = new Driver(new Governor(attributes, clock.now()), clock, ({ kind }) => {
    if (kind !== 'notify') looked.push(clock.now() / 1000);
  });
  return { clock, looked, touched: () => driver.handle({ kind: 'touched' }) };
}

describe('a governor', () => {
  it('lets a change be told at once without attributes', async () => {
    const { clock, spoken, changed } = setUp({});
    await clock.advance(seconds(3));
    changed();
    expect(spoken).toEqual([3]);
  });

  it('holds a change back until pmin has passed', async () => {
    const { clock, spoken, changed } = setUp({ pmin: 10 });
    changed();
    await clock.advance(seconds(9));
    changed();
    expect(spoken).toEqual([]);
    await clock.advance(seconds(30));
    expect(spoken).toEqual([10]);
  });

  it('speaks at pmax without a change, again and again', async () => {
    const { clock, spoken } = setUp({ pmax: 20 });
    await clock.advance(seconds(65));
    expect(spoken).toEqual([20, 40, 60]);
  });

  it('counts pmax from the last notification', async () => {
    const { clock, spoken, changed } = setUp({ pmin: 1, pmax: 20 });
    await clock.advance(seconds(15));
    changed();
    await clock.advance(seconds(25));
    expect(spoken).toEqual([15, 35]);
  });

  it('ignores a pmax below pmin', async () => {
    const { clock, spoken, changed } = setUp({ pmin: 30, pmax: 10 });
    await clock.advance(seconds(100));
    expect(spoken).toEqual([]);
    changed();
    expect(spoken).toEqual([100]);
  });

  it('follows attributes that change while a change is held back', async () => {
    const { clock, spoken, changed, driver } = setUp({ pmin: 60 });
    changed();
    await clock.advance(seconds(5));
    driver.handle({ kind: 'attributes', attributes: { pmin: 2 } });
    expect(spoken).toEqual([5]);
  });

  it('looks at once, and again no sooner than epmin', async () => {
    const { clock, looked, touched } = lookingAt({ epmin: 10 });
    await clock.advance(seconds(15));
    touched();
    touched();
    await clock.advance(seconds(3));
    touched();
    await clock.advance(seconds(60));
    expect(looked).toEqual([15, 25]);
  });

  it('looks without being touched at the latest at epmax, which counts for nothing when it is below epmin', async () => {
    const { clock, looked } = lookingAt({ epmax: 20 });
    await clock.advance(seconds(50));
    expect(looked).toEqual([20, 40]);
    const ignored = lookingAt({ epmin: 30, epmax: 20 });
    await ignored.clock.advance(seconds(100));
    expect(ignored.looked).toEqual([]);
  });

  it('never speaks twice within pmin nor stays silent beyond pmax, whatever happens', async () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const random = new SeededRandom(seed);
      const pmin = random.between(0, 10);
      const pmax = random.between(11, 40);
      const { clock, spoken, changed } = setUp({ pmin, pmax });
      for (let step = 0; step < 100; step += 1) {
        if (random.chance(0.5)) changed();
        await clock.advance(random.between(0, 8000));
      }
      const times = [0, ...spoken.map((s) => Math.round(s * 1000)), clock.now()];
      for (let i = 1; i < times.length; i += 1) {
        const gap = (times[i] as number) - (times[i - 1] as number);
        if (i < times.length - 1) expect(gap).toBeGreaterThanOrEqual(seconds(pmin));
        expect(gap).toBeLessThanOrEqual(seconds(pmax));
      }
    }
  });
});

describe('conditions', () => {
  const worth = (attributes: Attributes, told: unknown, seen: unknown, now: unknown, type: ValueType = 'integer') =>
    isWorthTelling(attributes, { told: makeValue(type, told), seen: makeValue(type, seen) }, makeValue(type, now));

  it('tell of rises where edge is 1 and of falls where it is 0, against what was seen last', () => {
    for (const [off, on, type] of [
      [false, true, 'boolean'],
      [0, 7, 'integer'],
    ] as const) {
      expect(worth({ edge: 1 }, off, off, on, type)).toBe(true);
      expect(worth({ edge: 1 }, on, on, off, type)).toBe(false);
      expect(worth({ edge: 0 }, on, on, off, type)).toBe(true);
      expect(worth({ edge: 0 }, off, off, on, type)).toBe(false);
      expect(worth({ edge: 1 }, on, off, on, type)).toBe(true);
      expect(worth({}, off, off, on, type)).toBe(true);
    }
    expect(worth({ edge: 1 }, 3, 3, 7)).toBe(false);
  });

  it('tell of every change of what is neither number nor truth', () => {
    expect(worth({ gt: 5, edge: 1 }, 'a', 'a', 'b', 'string')).toBe(true);
  });

  it('tell of a value that crosses gt or lt, in both directions', () => {
    expect(crosses({ gt: 30 }, 29, 31)).toBe(true);
    expect(crosses({ gt: 30 }, 31, 29)).toBe(true);
    expect(crosses({ gt: 30 }, 31, 35)).toBe(false);
    expect(crosses({ gt: 30 }, 29, 30)).toBe(false);
    expect(crosses({ lt: 10 }, 11, 9)).toBe(true);
    expect(crosses({ lt: 10 }, 9, 8)).toBe(false);
  });

  it('tell of a step of st or more from the value last told', () => {
    expect(crosses({ st: 0.5 }, 20, 20.4)).toBe(false);
    expect(crosses({ st: 0.5 }, 20, 19.5)).toBe(true);
    expect(crosses({ gt: 100, st: 5 }, 20, 26)).toBe(true);
  });
});
