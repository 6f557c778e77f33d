// Every row of the table, gone through by the machine: from a phase that is reached by a script, one input more, and what comes
// of it. The rows are written down here a second time, from the list of events of the engine's documentation.
import { type Duration, seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { defaultRetry } from './backoff.ts';
import { type RegistrationInput, RegistrationMachine } from './machine.ts';
import { isRegistered, type Phase, type Signal, transitions } from './transitions.ts';

type Step = RegistrationInput | { readonly kind: 'time'; readonly passes: Duration };

const start: Step = { kind: 'start' };
const accepted: Step = { kind: 'accepted', location: ['rd', '1'] };
const refused: Step = { kind: 'refused' };
const busy: Step = { kind: 'refused', after: seconds(300) };
const failed: Step = { kind: 'failed' };
const reworded: Step = { kind: 'refused', changed: true };
const unheard: Step = { kind: 'unheard' };
const stop: Step = { kind: 'stop' };
const disable: Step = { kind: 'disable', wait: seconds(100) };
const pause: Step = { kind: 'pause' };
const resume: Step = { kind: 'resume' };
const trigger: Step = { kind: 'trigger' };
const called: Step = { kind: 'called' };
const stirred: Step = { kind: 'stirred' };
const after = (passes: Duration): Step => ({ kind: 'time', passes });

/** As left by another, 73 s after it was stirred last. */
const recall = (phase: 'registered' | 'rx-off'): Step => ({
  kind: 'recall',
  kept: { phase, location: ['rd', '1'], endsAt: seconds(133), dueAt: seconds(40), stirredAt: seconds(-73) },
});

/** How each phase is come by. */
const ways: Readonly<Record<Phase, readonly Step[]>> = {
  idle: [],
  held: [{ kind: 'start', delay: seconds(10) }],
  registering: [start],
  leaving: [start, stop],
  registered: [start, accepted],
  'rx-off': [start, accepted, after(seconds(93))],
  updating: [start, accepted, trigger],
  waiting: [start, failed],
  deregistering: [start, accepted, stop],
  disabled: [start, accepted, disable, accepted],
  suspended: [start, accepted, pause],
};

function go(way: readonly Step[]) {
  const machine = new RegistrationMachine({
    lifetime: seconds(600),
    updateMargin: seconds(93),
    awakeTime: seconds(93),
    keepAlive: undefined,
    retry: { ...defaultRetry, retryCount: 2, spread: 0 },
    random: new SeededRandom(1),
  });
  let now = 0;
  let told: string[] = [];
  for (const step of way) {
    let effects = [];
    if (step.kind === 'time') {
      now += step.passes;
      effects = [...machine.expire(now)];
    } else effects = [...machine.handle(step, now)];
    told = effects.flatMap((effect) =>
      effect.kind === 'phase' ? [] : [effect.kind === 'event' ? effect.event : `(${effect.kind})`],
    );
  }
  return { phase: machine.phase, told };
}

/** From, what happens, the rows that it goes through, where it leads, and what is told and (asked). */
type Case = readonly [Phase, readonly Step[], readonly (Signal | `${Phase} ${Signal}`)[], Phase, readonly string[]];

/** What ends a registration, wherever it is. */
const leavings = (from: Phase): Case[] => [
  [from, [unheard], ['unheard'], 'registering', ['disconnect', '(register)']],
  [from, [stop], ['stop'], 'deregistering', ['deregister', '(deregister)']],
  [from, [disable], ['disable'], 'deregistering', ['server-disabled', 'deregister', '(deregister)']],
  [from, [pause], ['pause'], 'suspended', ['engine-suspended']],
];

const departures = (from: Phase, wait: Duration): Case[] => [
  [from, [after(wait)], ['due'], 'registering', ['(register)']],
  [from, [start], ['start'], 'registering', ['(register)']],
  [from, [stop], ['stop'], 'idle', []],
  [from, [disable], ['disable'], 'disabled', ['server-disabled']],
  [from, [pause], ['pause'], 'suspended', ['engine-suspended']],
];

const cases: readonly Case[] = [
  ['idle', [start], ['start'], 'registering', ['(register)']],
  ['idle', [{ kind: 'start', delay: 1 }], ['hold'], 'held', []],
  [
    'idle',
    [{ kind: 'restore', location: ['rd', '1'], left: 1 }],
    ['restore'],
    'updating',
    ['registration-complete', 'reg-update', '(update)'],
  ],
  ['idle', [recall('registered')], ['recall'], 'registered', []],
  ['idle', [recall('rx-off')], ['recall-asleep'], 'rx-off', []],
  ['idle', [recall('registered'), after(seconds(40))], [], 'updating', ['reg-update', '(update)']],
  ['idle', [recall('registered'), after(seconds(20))], [], 'rx-off', ['queue-mode-rx-off']],
  ['idle', [recall('rx-off'), after(seconds(39))], [], 'rx-off', []],
  ['idle', [disable], ['disable'], 'disabled', ['server-disabled']],
  ...departures('held', seconds(10)),
  ['held', [called], ['called'], 'registering', ['(register)']],
  ['registering', [accepted], ['accepted'], 'registered', ['registration-complete']],
  ['registering', [refused], ['refused'], 'waiting', ['registration-failure']],
  ['registering', [busy], ['put-off'], 'waiting', ['registration-failure']],
  ['registering', [failed], ['unanswered'], 'waiting', ['reg-timeout']],
  ['registering', [reworded], ['reworded'], 'registering', ['(register)']],
  ['registering', [stop], ['stop'], 'leaving', []],
  ['registering', [disable], ['disable'], 'leaving', ['server-disabled']],
  ['registering', [pause], ['pause'], 'suspended', ['engine-suspended']],
  ['leaving', [accepted], ['accepted'], 'deregistering', ['deregister', '(deregister)']],
  ['leaving', [refused], ['refused'], 'idle', []],
  ['leaving', [busy], ['put-off'], 'idle', []],
  ['leaving', [reworded], ['reworded'], 'idle', []],
  ['leaving', [failed], ['unanswered'], 'idle', []],
  ['leaving', [disable, failed], [], 'disabled', []],
  ['leaving', [start], ['start'], 'registering', []],
  ['registered', [after(seconds(93))], ['quiet'], 'rx-off', ['queue-mode-rx-off']],
  ['registered', [stirred, after(seconds(92))], [], 'registered', []],
  ['registered', [after(seconds(507))], ['due'], 'updating', ['reg-update', '(update)']],
  ['registered', [trigger], ['trigger'], 'updating', ['reg-update', '(update)']],
  ['registered', [called], ['called'], 'updating', ['reg-update', '(update)']],
  ...leavings('registered'),
  ['rx-off', [stirred], ['stirred'], 'registered', []],
  ['rx-off', [after(seconds(414))], ['due'], 'updating', ['reg-update', '(update)']],
  ['rx-off', [trigger], ['trigger'], 'updating', ['reg-update', '(update)']],
  ['rx-off', [called], ['called'], 'updating', ['reg-update', '(update)']],
  ...leavings('rx-off'),
  ['updating', [accepted], ['accepted'], 'registered', ['reg-update-complete']],
  ['updating', [refused], ['refused'], 'registering', ['(register)']],
  ['updating', [busy], ['put-off'], 'waiting', []],
  ['updating', [failed], ['unanswered'], 'registering', ['reg-timeout', '(register)']],
  ...leavings('updating'),
  [
    'waiting',
    [after(seconds(60)), failed],
    ['due', 'registering unanswered', 'spent'],
    'waiting',
    ['reg-timeout', 'network-error', '(bootstrap)'],
  ],
  ...departures('waiting', seconds(60)),
  ['waiting', [called], ['called'], 'registering', ['(register)']],
  // The device is about to be heard, or was told not to be.
  ['registering', [called], [], 'registering', []],
  ['updating', [called, accepted], ['accepted'], 'registered', ['reg-update-complete']],
  ['disabled', [called], [], 'disabled', []],
  ['deregistering', [accepted], ['accepted'], 'idle', ['disconnect']],
  ['deregistering', [refused], ['refused'], 'idle', ['deregister-failure']],
  ['deregistering', [busy], ['put-off'], 'idle', ['deregister-failure']],
  ['deregistering', [failed], ['unanswered'], 'idle', ['deregister-failure']],
  ['deregistering', [start, accepted], [], 'disabled', ['disconnect']],
  ['deregistering', [start, accepted, after(0)], [], 'registering', ['(register)']],
  ...departures('disabled', seconds(100)),
  ['suspended', [resume], ['resume'], 'updating', ['reg-update', '(update)']],
  ['suspended', [after(seconds(600)), resume], ['resume-late'], 'registering', ['(register)']],
  ['disabled', [pause, after(seconds(50)), resume], ['pause', 'suspended resume-away'], 'disabled', []],
  ['suspended', [stop], ['stop'], 'deregistering', ['deregister', '(deregister)']],
  ['suspended', [after(seconds(600)), stop], ['stop-late'], 'idle', []],
  ['suspended', [after(seconds(600)), disable], [], 'disabled', []],
  ['registered', [disable, pause, accepted, after(seconds(50)), resume], [], 'disabled', []],
  // The newer time counts.
  ['disabled', [pause, after(seconds(90)), disable, after(seconds(50))], [], 'disabled', []],
];

const shown = (steps: readonly Step[]): string =>
  steps.map((step) => (step.kind === 'time' ? `${step.passes / 1000} s` : step.kind)).join(', ');

describe('the table of a registration', () => {
  it.each(cases.map((each) => [each[0], shown(each[1]), each[3], each] as const))(
    'from %s, by %s, leads to %s',
    (_from, _by, _to, [from, steps, , to, told]) => {
      expect(go(ways[from]).phase).toBe(from);
      expect(go([...ways[from], ...steps])).toEqual({ phase: to, told });
    },
  );

  it('has no row that is not gone through here', () => {
    const covered = new Set(
      cases.flatMap(([from, , rows]) => rows.map((each) => (each.includes(' ') ? each : `${from} ${each}`))),
    );
    expect(transitions.map((row) => `${row.from} ${row.on}`).filter((row) => !covered.has(row))).toEqual([]);
  });

  it('knows where the server knows the device', () => {
    expect((Object.keys(ways) as Phase[]).filter(isRegistered)).toEqual(['registered', 'rx-off', 'updating']);
  });
});
