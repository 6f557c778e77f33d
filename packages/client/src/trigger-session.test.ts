// The association by which a server may wake a device: when it is made, made again, and asked after.
import { hours, minutes, seconds } from '@lapwing/kernel';
import { SeededRandom } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { TriggerSession, type TriggerSessionInput } from './trigger-session.ts';

type Kind = TriggerSessionInput['kind'];

/** Effects and when, of a script of minutes and inputs; whatever else comes, comes of time alone. */
function run(script: string, until: number, { refuses = false }: { refuses?: boolean } = {}) {
  const session = new TriggerSession();
  const done: string[] = [];
  const inputs = script.split(', ').map((each) => each.split(' ') as [string, Kind]);
  for (let now = 0; now <= minutes(until); now += seconds(1)) {
    const kinds = inputs.filter(([minute]) => minutes(Number(minute)) === now).map(([, kind]) => kind);
    const effects = [...session.expire(now), ...kinds.flatMap((kind) => session.handle({ kind }, now))];
    for (const { kind } of effects) {
      done.push(`${Math.floor(now / 60_000)} ${kind}`);
      if (kind === 'shake' && refuses) session.handle({ kind: 'failed' }, now);
    }
  }
  return { done, session };
}

describe('the association for triggers', () => {
  it('is made at the beginning, and again when it has ended', () => {
    expect(run('0 open, 1 made', 60 * 48).done).toEqual(['0 shake']);
    expect(run('0 open, 1 made, 100 lost', 200).done).toEqual(['0 shake', '100 shake']);
    // Not at once where it did not last.
    expect(run('0 open, 1 made, 2 lost', 200).done).toEqual(['0 shake', '10 shake']);
  });

  it('is tried again after half an hour, which doubles up to a day', () => {
    const { done } = run('0 open', 60 * 80, { refuses: true });
    expect(done.map((each) => Number.parseInt(each, 10))).toEqual([0, 30, 90, 210, 450, 930, 1890, 3330, 4770]);
  });

  it('is tried again where the server has taken a Register since', () => {
    expect(run('0 open, 1 failed, 15 registered', 20).done).toEqual(['0 shake', '15 shake']);
    expect(run('0 open, 1 failed, 2 registered', 20).done).toEqual(['0 shake', '10 shake']);
    expect(run('0 open, 5 registered, 8 made', 200).done).toEqual(['0 shake']);
  });

  it('is asked after when the server takes the device for a new one, and made anew where nobody answers', () => {
    const begun = '0 open, 1 made, 2 registered, 50 registered';
    expect(run(`${begun}, 51 heard`, 100).done).toEqual(['0 shake', '50 ask']);
    expect(run(begun, 100).done).toEqual(['0 shake', '50 ask', '51 drop', '51 shake']);
    expect(run('0 open, 0 found, 1 registered', 20).done).toEqual(['0 shake', '1 ask', '2 drop', '10 shake']);
  });

  it('has no time and begins nothing while the device stands still', () => {
    const { done, session } = run('0 open, 1 failed, 2 pause', 100);
    expect([done, session.deadline]).toEqual([['0 shake'], undefined]);
    expect(session.handle({ kind: 'resume' }, minutes(100))).toEqual([{ kind: 'shake' }]);
  });

  it('costs six handshakes an hour at most, whatever the road and the server do (100 runs)', () => {
    const kinds = ['made', 'failed', 'lost', 'heard', 'registered', 'pause', 'resume', 'found'] as const;
    for (let seed = 0; seed < 100; seed += 1) {
      const random = new SeededRandom(seed);
      const session = new TriggerSession();
      const shakes: number[] = [];
      for (let now = 0; now < hours(10); now += random.between(0, minutes(5))) {
        const input = now === 0 ? 'open' : (kinds[random.between(0, kinds.length - 1)] as Kind);
        const effects = [...session.expire(now), ...session.handle({ kind: input }, now)];
        for (const { kind } of effects) if (kind === 'shake') shakes.push(now);
      }
      const within = (at: number): number => shakes.filter((each) => each >= at && each < at + hours(1)).length;
      expect(Math.max(...shakes.map(within))).toBeLessThanOrEqual(6);
    }
  });
});
