import { describe, expect, it } from 'vitest';
import { type Entry, equalEntries } from './entry.ts';
import { parsePath } from './path.ts';
import { makeValue } from './value.ts';

describe('an entry', () => {
  it('equals another with the same path, value and time', () => {
    const entry: Entry = { path: parsePath('/3/0/9'), value: makeValue('integer', 80), time: 1.5 };
    expect(equalEntries(entry, { ...entry, path: parsePath('/3/0/9') })).toBe(true);
    expect(equalEntries(entry, { ...entry, path: parsePath('/3/0/10') })).toBe(false);
    expect(equalEntries(entry, { ...entry, value: makeValue('integer', 81) })).toBe(false);
    expect(equalEntries(entry, { ...entry, time: 2 })).toBe(false);
  });

  it('without a value equals only another without', () => {
    const path = parsePath('/3/0');
    expect(equalEntries({ path }, { path })).toBe(true);
    expect(equalEntries({ path }, { path, value: makeValue('integer', 0) })).toBe(false);
  });
});
