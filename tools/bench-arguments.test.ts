import { describe, expect, it } from 'vitest';
import { parseArguments } from '../bench/arguments.ts';

const names = ['codec', 'coap', 'dtls'];
const groups = (...args: string[]) => parseArguments(args, names).groups;

describe('arguments of the bench', () => {
  it('name groups, as they stand, with commas or with --only; without any it is all of them', () => {
    expect(groups()).toEqual(names);
    expect(groups('dtls')).toEqual(['dtls']);
    expect(groups('codec,coap', '--quick', 'dtls')).toEqual(['codec', 'coap', 'dtls']);
    expect(groups('--only', 'codec,dtls', 'dtls')).toEqual(['dtls', 'codec']);
    expect(parseArguments(['--rounds', '2', '--quick'], names)).toMatchObject({ rounds: 2, seconds: 3, quick: true });
  });

  it.each([
    [['nonsense'], /no group 'nonsense': there are codec, coap, dtls/],
    [['--nonsense'], /Unknown option '--nonsense'/],
    [['--rounds', 'x'], /--rounds must be a number above 0/],
    [['--only'], /--only/],
  ])('%j is told what is wrong with it', (args, problem) => {
    expect(() => parseArguments(args, names)).toThrow(problem);
  });
});
