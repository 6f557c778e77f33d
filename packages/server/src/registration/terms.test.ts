import { seconds } from '@lapwing/kernel';
import { describe, expect, it } from 'vitest';
import type { Terms } from './registration.ts';
import { TermsCache } from './terms.ts';

const terms = (...parameters: [string, string][]): Terms => ({
  lifetime: seconds(60),
  version: '1.1',
  binding: 'U',
  queueMode: false,
  parameters: new Map(parameters),
});

describe('terms', () => {
  it('are shared by those who send the same', () => {
    const cache = new TermsCache();
    const first = cache.share(terms(['a', 'b'], ['c', 'd']));
    expect(cache.share(terms(['a', 'b'], ['c', 'd']))).toBe(first);
    expect(cache.share({ ...terms(['a', 'b'], ['c', 'd']), queueMode: true })).not.toBe(first);
    expect(cache.share({ ...terms(['a', 'b'], ['c', 'd']), lifetime: 1 })).not.toBe(first);
  });

  it('are not mixed up by values that look like parameters', () => {
    const cache = new TermsCache();
    const two = terms(['a', 'b'], ['c', 'd']);
    cache.share(terms(['a', 'b&1,1:cd']));
    cache.share(terms(['a', 'b&1:cd']));
    expect(cache.share(two)).toBe(two);
  });

  it('take no more room than they may: long ones are not kept, nor more than a few thousand', () => {
    const cache = new TermsCache();
    cache.share(terms(['a', 'x'.repeat(1000)]));
    expect(cache.size).toBe(0);
    for (let i = 0; i < 10_000; i += 1) cache.share(terms(['a', `${i}`]));
    expect(cache.size).toBeLessThanOrEqual(4096);
  });
});
