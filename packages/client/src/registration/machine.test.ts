import { Driver, hours, seconds } from '@lapwing/kernel';
import { SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { defaultRetry, longestWait, nextAttempt } from './backoff.ts';
import {
  defaultUpdateMargin,
  type RegistrationEffect,
  type RegistrationInput,
  RegistrationMachine,
} from './machine.ts';

const location = ['rd', '1'];

function setUp(lifetime = seconds(600)) {
  const clock = new VirtualClock();
  const done: string[] = [];
  const machine = new RegistrationMachine({
    lifetime,
    updateMargin: defaultUpdateMargin,
    awakeTime: undefined,
    keepAlive: undefined,
    retry: { ...defaultRetry, spread: 0 },
    random: new SeededRandom(1),
  });
  const driver = new Driver<RegistrationInput, RegistrationEffect>(machine, clock, (effect) => {
    if (effect.kind === 'phase' || effect.kind === 'event') return;
    const detail =
      effect.kind === 'update'
        ? `${effect.withObjects ? ' objects' : ''}${effect.withLifetime ? ' lifetime' : ''}${effect.withBinding ? ' binding' : ''}`
        : '';
    done.push(`${clock.now() / 1000} ${effect.kind}${detail}`);
  });
  const say = (kind: Exclude<RegistrationInput['kind'], 'recall'>): void => {
    if (kind === 'accepted') driver.handle({ kind, location });
    else if (kind === 'disable') driver.handle({ kind, wait: seconds(100) });
    else if (kind === 'restore') driver.handle({ kind, location, left: seconds(100) });
    else if (kind === 'lifetime-changed') driver.handle({ kind, lifetime: seconds(60) });
    else driver.handle({ kind });
  };
  return { clock, machine, driver, done, say };
}

describe('a registration', () => {
  it('is made, kept up before the lifetime ends, and taken back', async () => {
    const { clock, done, say, machine } = setUp();
    say('start');
    say('accepted');
    await clock.advance(seconds(507));
    say('accepted');
    await clock.advance(seconds(10));
    say('stop');
    say('accepted');
    expect(done).toEqual(['0 register', '507 update', '517 deregister']);
    expect(machine.phase).toBe('idle');
    expect(machine.deadline).toBeUndefined();
  });

  it('leaves half of a short lifetime for an Update to be repeated', async () => {
    const { clock, done, say } = setUp(seconds(60));
    say('start');
    say('accepted');
    await clock.advance(seconds(30));
    expect(done).toEqual(['0 register', '30 update']);
  });

  it('is made anew at once when the server does not know it any more', () => {
    const { done, say, machine } = setUp();
    for (const kind of ['start', 'accepted', 'trigger', 'refused'] as const) say(kind);
    expect(done).toEqual(['0 register', '0 update', '0 register']);
    expect(machine.phase).toBe('registering');
  });

  it('is tried five times, with a wait that doubles, and then asks for a bootstrap', async () => {
    const { clock, done, say } = setUp();
    say('start');
    for (let i = 0; i < 5; i += 1) {
      say('failed');
      await clock.advance(seconds(60 * 2 ** i));
    }
    expect(done).toEqual([
      '0 register',
      '60 register',
      '180 register',
      '420 register',
      '900 register',
      '900 bootstrap',
      '1860 register',
    ]);
  });

  it('is tried once a day at the least, however often a server wants it tried (/1/x/17)', () => {
    const often = { ...defaultRetry, retryCount: 4_294_967_295 };
    const waits = [1, 2, 12, 13, 2000, 4_294_967_294].map((failures) => nextAttempt(often, failures));
    expect(waits.map((next) => next.kind === 'wait' && next.wait / 1000)).toEqual([
      60, 120, 86_400, 86_400, 86_400, 86_400,
    ]);
    expect(longestWait(often)).toBe(hours(24));
    // A wait that a server has written is believed.
    expect(nextAttempt({ ...often, retryTimer: hours(48) }, 3)).toEqual({ kind: 'wait', wait: hours(48) });
  });

  it('carries the object list, the lifetime and the binding in the next Update when they changed, once', () => {
    const { done, say } = setUp();
    for (const kind of [
      'start',
      'accepted',
      'objects-changed',
      'lifetime-changed',
      'accepted',
      'binding-changed',
      'accepted',
      'accepted',
      'trigger',
    ] as const)
      say(kind);
    expect(done).toEqual(['0 register', '0 update objects', '0 update lifetime', '0 update binding', '0 update']);
  });

  it('does not lose a change that comes while it is being registered', () => {
    const { done, say } = setUp();
    for (const kind of ['start', 'objects-changed', 'accepted'] as const) say(kind);
    expect(done).toEqual(['0 register', '0 update objects']);
  });

  it('comes back by itself after it was disabled for a time', async () => {
    const { clock, done, say } = setUp();
    for (const kind of ['start', 'accepted', 'disable', 'accepted'] as const) say(kind);
    await clock.advance(seconds(99));
    expect(done).toEqual(['0 register', '0 deregister']);
    await clock.advance(seconds(1));
    expect(done).toEqual(['0 register', '0 deregister', '100 register']);
  });

  it('is made anew when something else that was sent got lost', () => {
    const { done, say } = setUp();
    for (const kind of ['start', 'unheard', 'accepted', 'unheard', 'accepted', 'trigger', 'unheard'] as const)
      say(kind);
    expect(done).toEqual(['0 register', '0 register', '0 update', '0 register']);
  });

  it('is taken back as soon as it is known where it is, when it was to end before', () => {
    const { done, say, machine } = setUp();
    for (const kind of ['start', 'stop', 'accepted', 'accepted'] as const) say(kind);
    expect(done).toEqual(['0 register', '0 deregister']);
    expect([machine.phase, machine.deadline]).toEqual(['idle', undefined]);
    for (const kind of ['start', 'stop', 'start', 'accepted'] as const) say(kind);
    expect(machine.phase).toBe('registered');
    for (const kind of ['stop', 'accepted', 'start', 'stop', 'failed'] as const) say(kind);
    expect(machine.phase).toBe('idle');
  });

  it('waits as long as the server says, and a little longer by chance', async () => {
    const { clock, driver, done } = setUp();
    driver.handle({ kind: 'start' });
    driver.handle({ kind: 'refused', after: seconds(300) });
    await clock.advance(seconds(299));
    expect(done).toEqual(['0 register']);
    await clock.advance(seconds(1));
    expect(done).toEqual(['0 register', '300 register']);
    const waits = new Set<number>();
    for (let seed = 1; seed <= 50; seed += 1) {
      const machine = new RegistrationMachine({
        lifetime: seconds(600),
        updateMargin: defaultUpdateMargin,
        awakeTime: undefined,
        keepAlive: undefined,
        retry: { ...defaultRetry, spread: 0.25 },
        random: new SeededRandom(seed),
      });
      machine.handle({ kind: 'start' }, 0);
      machine.handle({ kind: 'failed' }, 0);
      waits.add(machine.deadline ?? 0);
    }
    expect(waits.size).toBeGreaterThan(45);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(seconds(60));
    expect(Math.max(...waits)).toBeLessThanOrEqual(seconds(75));
  });

  it('keeps its invariants under every random script, and is registered again once the server answers', async () => {
    const kinds = [
      'start',
      'stop',
      'trigger',
      'objects-changed',
      'lifetime-changed',
      'binding-changed',
      'disable',
      'pause',
      'resume',
      'restore',
      'stirred',
      'accepted',
      'refused',
      'failed',
      'unheard',
    ] as const;
    for (let seed = 1; seed <= 50; seed += 1) {
      const random = new SeededRandom(seed);
      const { clock, machine, say } = setUp();
      for (let step = 0; step < 100; step += 1) {
        say(random.pick(kinds));
        if (machine.phase === 'waiting') expect(machine.deadline).toBeDefined();
        if (['registering', 'leaving', 'updating', 'deregistering', 'suspended'].includes(machine.phase))
          expect(machine.deadline).toBeUndefined();
        if (machine.phase === 'registered') expect(machine.deadline).toBeGreaterThan(clock.now());
        await clock.advance(random.between(0, 100_000));
      }
      say('resume');
      say('start');
      for (let i = 0; i < 6 && machine.phase !== 'registered'; i += 1) {
        say('accepted');
        await clock.advance(hours(1) / 6);
      }
      expect(['registered', 'updating']).toContain(machine.phase);
    }
  });
});

describe('the wait after a failure', () => {
  it('doubles within a sequence, is long between sequences, and ends with the last one', () => {
    const policy = { retryCount: 3, retryTimer: 10, sequenceDelay: 1000, sequenceCount: 2, spread: 0 };
    expect([1, 2, 3, 4, 5, 6].map((n) => nextAttempt(policy, n))).toEqual([
      { kind: 'wait', wait: 10 },
      { kind: 'wait', wait: 20 },
      { kind: 'wait', wait: 1000 },
      { kind: 'wait', wait: 10 },
      { kind: 'wait', wait: 20 },
      { kind: 'spent' },
    ]);
  });
});
