import { describe, expect, it } from 'vitest';
import type { Instant } from './clock.ts';
import type { Core } from './core.ts';
import { Driver } from './driver.ts';
import { VirtualClock } from './testing/index.ts';

/** Rings at every deadline it was given; `again` makes it ask for another input from inside an effect. */
class Bell implements Core<number, string> {
  deadlines: Instant[] = [];

  get deadline(): Instant | undefined {
    return this.deadlines[0];
  }

  handle(input: number, now: Instant): readonly string[] {
    this.deadlines = [...this.deadlines, now + input].sort((a, b) => a - b);
    return [`set ${input}`];
  }

  expire(now: Instant): readonly string[] {
    const due = this.deadlines.filter((at) => at <= now);
    this.deadlines = this.deadlines.filter((at) => at > now);
    return due.map((at) => `rang ${at}`);
  }
}

describe('a Driver', () => {
  it('wakes the core at its deadline and runs the effects in order', () => {
    const clock = new VirtualClock();
    const heard: string[] = [];
    const driver = new Driver(new Bell(), clock, (effect) => heard.push(`${clock.now()} ${effect}`));
    driver.handle(10);
    driver.handle(5);
    clock.advanceNow(20);
    expect(heard).toEqual(['0 set 10', '0 set 5', '5 rang 5', '10 rang 10']);
    expect(clock.pending).toBe(0);
  });

  it('tells the core when its effects have been carried out', () => {
    const heard: string[] = [];
    const bell = Object.assign(new Bell(), { carriedOut: () => heard.push('carried out') });
    const clock = new VirtualClock();
    const driver = new Driver<number, string>(bell, clock, (effect) => heard.push(effect));
    driver.handle(5);
    clock.advanceNow(5);
    expect(heard).toEqual(['set 5', 'carried out', 'rang 5', 'carried out']);
  });

  it('is armed from birth', () => {
    const clock = new VirtualClock();
    const bell = new Bell();
    bell.deadlines = [7];
    const heard: string[] = [];
    new Driver(bell, clock, (effect) => heard.push(effect));
    clock.advanceNow(7);
    expect(heard).toEqual(['rang 7']);
  });

  it('lets an effect that causes an input queue behind the step that is running', () => {
    const clock = new VirtualClock();
    const heard: string[] = [];
    const driver: Driver<number, string> = new Driver(new Bell(), clock, (effect) => {
      heard.push(`begin ${effect}`);
      if (effect === 'set 1') driver.handle(2);
      heard.push(`end ${effect}`);
    });
    driver.handle(1);
    expect(heard).toEqual(['begin set 1', 'end set 1', 'begin set 2', 'end set 2']);
  });

  it('keeps one timer, whatever the core asks for', () => {
    const clock = new VirtualClock();
    const driver = new Driver(new Bell(), clock, () => undefined);
    for (const wait of [50, 40, 60, 30, 70]) driver.handle(wait);
    expect(clock.pending).toBe(1);
    expect(clock.next).toBe(30);
  });

  it('does nothing more once it is disposed of', () => {
    const clock = new VirtualClock();
    const heard: string[] = [];
    const driver = new Driver(new Bell(), clock, (effect) => heard.push(effect));
    driver.handle(5);
    driver[Symbol.dispose]();
    driver.handle(6);
    clock.advanceNow(100);
    expect(heard).toEqual(['set 5']);
    expect(clock.pending).toBe(0);
  });
});
