import { Driver, seconds } from '@lapwing/kernel';
import { VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { Awake, type AwakeEffect, type AwakeInput, type Sleeper } from './awake.ts';

interface Thing extends Sleeper {
  readonly name: string;
}

function setUp(window = seconds(93)) {
  const clock = new VirtualClock();
  const told: string[] = [];
  const driver = new Driver<AwakeInput<Thing>, AwakeEffect<Thing>>(new Awake<Thing>(window), clock, ({ kind, item }) =>
    told.push(`${clock.now() / 1000} ${item.name} ${kind}`),
  );
  const thing = (name: string): Thing => ({ name, awakeUntil: undefined });
  return { clock, told, driver, thing };
}

describe('queue mode', () => {
  it('takes a device for awake from a contact until the window has passed', async () => {
    const { clock, told, driver, thing } = setUp();
    driver.handle({ kind: 'heard', item: thing('a') });
    await clock.advance(seconds(200));
    expect(told).toEqual(['0 a awake', '93 a asleep']);
  });

  it('starts the window anew with every contact', async () => {
    const { clock, told, driver, thing } = setUp();
    const a = thing('a');
    driver.handle({ kind: 'heard', item: a });
    await clock.advance(seconds(90));
    driver.handle({ kind: 'heard', item: a });
    await clock.advance(seconds(90));
    expect(told).toEqual(['0 a awake']);
    await clock.advance(seconds(3));
    expect(told).toEqual(['0 a awake', '183 a asleep']);
  });

  it('takes a device that does not answer for asleep at once', async () => {
    const { clock, told, driver, thing } = setUp();
    const a = thing('a');
    driver.handle({ kind: 'heard', item: a });
    await clock.advance(seconds(5));
    driver.handle({ kind: 'silent', item: a });
    driver.handle({ kind: 'silent', item: a });
    await clock.advance(seconds(500));
    expect(told).toEqual(['0 a awake', '5 a asleep']);
  });

  it('says nothing more of a device that left', async () => {
    const { clock, told, driver, thing } = setUp();
    const a = thing('a');
    driver.handle({ kind: 'heard', item: a });
    driver.handle({ kind: 'left', item: a });
    await clock.advance(seconds(500));
    expect(told).toEqual(['0 a awake']);
    expect(clock.pending).toBe(0);
  });
});
