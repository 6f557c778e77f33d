import { seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import { lookEvery, type RestInput, Rests } from './rests.ts';

/** What comes of it until `end`, step by step. */
function play(rests: Rests, until: number): string[] {
  const said: string[] = [];
  for (let { deadline } = rests; deadline !== undefined && deadline <= until; { deadline } = rests)
    for (const { kind, device } of rests.expire(deadline)) said.push(`${deadline / 1000} ${kind} ${device}`);
  return said;
}

const say = (rests: Rests, at: number, ...inputs: RestInput[]): void => {
  for (const input of inputs) rests.handle(input, at);
};

describe('the rest of devices', () => {
  it('is thought of every five seconds, from when each has begun or was woken', () => {
    const rests = new Rests();
    say(rests, 0, { kind: 'began', device: 0 });
    say(rests, seconds(2), { kind: 'began', device: 1 });
    expect(play(rests, seconds(12))).toEqual(['5 look 0', '7 look 1', '10 look 0', '12 look 1']);
    expect(lookEvery).toBe(seconds(5));
  });

  it('ends when it is time, or when somebody wakes the device', () => {
    const rests = new Rests();
    say(rests, 0, { kind: 'began', device: 0 }, { kind: 'began', device: 1 }, { kind: 'began', device: 2 });
    say(
      rests,
      seconds(1),
      { kind: 'rested', device: 0, until: seconds(60) },
      { kind: 'rested', device: 1, until: undefined },
      { kind: 'rested', device: 2, until: seconds(90) },
    );
    expect([rests.size, play(rests, seconds(60))]).toEqual([3, ['60 wake 0']]);
    say(rests, seconds(60), { kind: 'woken', device: 0 });
    say(rests, seconds(61), { kind: 'woken', device: 2 });
    expect([rests.size, play(rests, seconds(66))]).toEqual([1, ['65 look 0', '66 look 2']]);
  });

  it('is for nobody any more when the run is over; who sleeps is woken', () => {
    const rests = new Rests();
    say(rests, 0, { kind: 'began', device: 0 }, { kind: 'began', device: 1 });
    say(rests, 1, { kind: 'rested', device: 1, until: seconds(30) }, { kind: 'end' });
    expect(play(rests, seconds(60))).toEqual(['30 wake 1']);
    say(rests, seconds(30), { kind: 'woken', device: 1 });
    expect([rests.size, rests.deadline]).toEqual([0, undefined]);
  });

  it('takes turns with the rest of the process: no more than sixteen at once', () => {
    const rests = new Rests();
    for (let device = 0; device < 40; device += 1) say(rests, 0, { kind: 'began', device });
    expect(rests.expire(seconds(5))).toHaveLength(16);
    expect(rests.deadline).toBe(seconds(5));
  });
});
