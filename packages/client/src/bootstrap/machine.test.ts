import { Driver, hours, minutes, seconds } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { type BootstrapEffect, type BootstrapInput, BootstrapMachine, defaultBootstrapTerms } from './machine.ts';

function setUp() {
  const clock = new VirtualClock();
  const done: string[] = [];
  const events: string[] = [];
  const machine = new BootstrapMachine({ ...defaultBootstrapTerms, spread: 0 }, new SeededRandom(1));
  const driver = new Driver<BootstrapInput, BootstrapEffect>(machine, clock, (effect) => {
    if (effect.kind === 'event') events.push(effect.event);
    if (effect.kind === 'phase' || effect.kind === 'event') return;
    done.push(`${clock.now() / 1000} ${effect.kind}${effect.kind === 'abandon' ? ` ${effect.failure}` : ''}`);
  });
  const say = (kind: BootstrapInput['kind']): void => {
    if (kind === 'start') driver.handle({ kind, cause: 'fallback', holdOff: 0 });
    else if (kind === 'finished') driver.handle({ kind, accountTimeout: Number.POSITIVE_INFINITY });
    else driver.handle({ kind });
  };
  return { clock, machine, driver, done, events, say };
}

describe('a bootstrap', () => {
  it('asks, is served, and hangs up when its last answer need not be repeated any more', async () => {
    const { clock, machine, done, say } = setUp();
    for (const kind of ['start', 'answered', 'heard', 'finished'] as const) say(kind);
    expect([done, machine.phase]).toEqual([['0 request'], 'idle']);
    await clock.advance(minutes(5));
    expect(done).toEqual(['0 request', '93 hang-up']);
    expect(machine.deadline).toBeUndefined();
  });

  it('tells what the engine tells of a bootstrap', () => {
    const told = (...kinds: readonly BootstrapInput['kind'][]) => {
      const { events, say } = setUp();
      for (const kind of kinds) say(kind);
      return events;
    };
    expect(told('start', 'answered', 'heard', 'finished')).toEqual([
      'bootstrap-reg-complete',
      'bootstrap-transfer-complete',
    ]);
    expect(told('start', 'heard', 'answered')).toEqual(['bootstrap-reg-complete']);
    expect(told('start', 'refused')).toEqual(['bootstrap-reg-failure']);
    expect(told('start', 'failed')).toEqual(['bootstrap-reg-failure']);
    expect(told('start', 'answered', 'rejected')).toEqual(['bootstrap-reg-complete', 'bootstrap-reg-failure']);
  });

  it('waits for the hold-off time of its account', async () => {
    const { clock, driver, done, machine } = setUp();
    driver.handle({ kind: 'start', cause: 'fallback', holdOff: seconds(10) });
    expect(machine.phase).toBe('held');
    await clock.advance(seconds(10));
    expect(done).toEqual(['10 request']);
  });

  it('takes an operation for the answer that was lost', () => {
    const { machine, say } = setUp();
    for (const kind of ['start', 'heard'] as const) say(kind);
    expect(machine.phase).toBe('provisioning');
    say('failed');
    say('refused');
    expect(machine.phase).toBe('provisioning');
  });

  it('J-10: is given up when the server is silent for EXCHANGE_LIFETIME, and tried again later', async () => {
    const { clock, done, say } = setUp();
    for (const kind of ['start', 'answered'] as const) say(kind);
    await clock.advance(seconds(200));
    say('heard');
    await clock.advance(seconds(246));
    expect(done).toEqual(['0 request']);
    await clock.advance(seconds(1));
    expect(done.slice(1)).toEqual(['447 abandon silent', '447 hang-up']);
    await clock.advance(minutes(1));
    expect(done.at(-1)).toBe('507 request');
  });

  it('is tried again after a refusal, not before the server has said', async () => {
    const { clock, driver, done, say } = setUp();
    say('start');
    driver.handle({ kind: 'refused', after: seconds(300) });
    await clock.advance(seconds(299));
    expect(done).toEqual(['0 request', '0 abandon refused', '0 hang-up']);
    await clock.advance(seconds(1));
    expect(done.at(-1)).toBe('300 request');
  });

  it('waits longer after each one that led to nothing, up to a day', async () => {
    const { clock, done, say } = setUp();
    say('start');
    const waits: number[] = [];
    for (let i = 0; i < 14; i += 1) {
      const from = clock.now();
      const before = done.length;
      say('failed');
      while (!done.slice(before).some((each) => each.endsWith('request'))) await clock.advance(seconds(10));
      waits.push((clock.now() - from) / 60_000);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440, 1440]);
  });

  it('J-15: that succeeds and leads to no registration is repeated after a minute, then after ever longer', async () => {
    const { clock, done, say } = setUp();
    const at: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      say('start');
      while (done.filter((each) => each.endsWith('request')).length <= i) await clock.advance(seconds(1));
      at.push(clock.now() / 1000);
      for (const kind of ['answered', 'finished'] as const) say(kind);
    }
    expect(at).toEqual([0, 60, 180, 420, 900]);
    say('registered');
    say('start');
    expect(done.at(-1)).toBe(`${clock.now() / 1000} request`);
  });

  it('is not needed any more when every server has taken the device after all, unless somebody has requested it', async () => {
    const { clock, machine, driver, done, say } = setUp();
    for (const kind of ['start', 'failed', 'registered'] as const) say(kind);
    await clock.advance(hours(48));
    expect([machine.phase, machine.deadline, done]).toEqual([
      'idle',
      undefined,
      ['0 request', '0 abandon unanswered', '0 hang-up'],
    ]);
    driver.handle({ kind: 'start', cause: 'request', holdOff: 0 });
    for (const kind of ['failed', 'registered'] as const) say(kind);
    await clock.advance(minutes(1));
    expect(done.at(-1)).toBe(`${clock.now() / 1000} request`);
  });

  it('keeps the answer 4.06 at hand before it asks again', async () => {
    const { clock, done, say } = setUp();
    for (const kind of ['start', 'answered', 'rejected'] as const) say(kind);
    expect(done).toEqual(['0 request', '0 abandon inconsistent']);
    await clock.advance(minutes(1));
    expect(done.slice(2)).toEqual(['60 hang-up', '60 request']);
  });

  it('takes its account away when the time of it is over, but not while it is in use', async () => {
    const { clock, driver, done, say } = setUp();
    say('start');
    say('answered');
    driver.handle({ kind: 'finished', accountTimeout: seconds(200) });
    say('registered');
    await clock.advance(seconds(199));
    say('start');
    say('answered');
    await clock.advance(seconds(100));
    expect(done).not.toContain('200 purge-account');
    say('finished');
    await clock.advance(seconds(1));
    expect(done.filter((each) => each.endsWith('purge-account'))).toEqual([]);
  });

  it('ends with nothing left to do when it is stopped', async () => {
    const { clock, machine, say, done } = setUp();
    for (const kind of ['start', 'answered', 'stop'] as const) say(kind);
    await clock.advance(hours(1));
    expect([machine.phase, machine.deadline, done]).toEqual(['idle', undefined, ['0 request', '0 hang-up']]);
  });
});
