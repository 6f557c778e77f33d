import { describe, expect, it } from 'vitest';
import { codecFor, formatTraits } from './registry.ts';

const registered = [0, 42, 60, 110, 112, 320, 322, 11_542, 11_543, 11_544];

describe('the registry of formats', () => {
  it.each(registered)('has a codec that writes format %i', (format) => {
    expect(codecFor(format)?.format).toBe(format);
    expect(formatTraits(format)?.format).toBe(format);
  });

  it.each([
    [1541, 0],
    [1542, 11_542],
    [1543, 11_543],
    [1544, 42],
  ])('reads the legacy number %i as %i, which is what it writes', (legacy, format) => {
    expect(codecFor(legacy)).toBe(codecFor(format));
    expect(codecFor(legacy)?.format).toBe(format);
    expect(formatTraits(legacy)?.format).toBe(format);
  });

  it('L-28: knows no codec for other formats', () => {
    for (const format of [-1, 1, 40, 41, 50, 1545, 65_535, Number.NaN]) {
      expect(codecFor(format)).toBeUndefined();
      expect(formatTraits(format)).toBeUndefined();
    }
  });

  it('says what each format can carry', () => {
    const named = (scope: string) => registered.filter((format) => formatTraits(format)?.scope === scope);
    expect(named('value')).toEqual([0, 42, 60]);
    expect(named('object')).toEqual([11_542, 11_543]);
    expect(named('composite')).toEqual([110, 112, 320, 322, 11_544]);
    expect(registered.filter((format) => formatTraits(format)?.times)).toEqual([110, 112, 320, 322, 11_543]);
  });
});
