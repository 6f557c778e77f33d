import { expect, it } from 'vitest';
import { likelyKey } from './known-keys.ts';

it('a mistyped key is told what it probably was', () => {
  expect(likelyKey('listners')).toBe('listeners');
  expect(likelyKey('mount_point')).toBe('mountpoint');
  expect(likelyKey('Auto_Observe')).toBe('auto_observe');
  expect(likelyKey('brokr')).toBe('broker');
  expect(likelyKey('max_conections')).toBe('max_connections');
});

it('what is like no key gets no guess, however long it is', () => {
  expect(likelyKey('xyzzy')).toBeUndefined();
  expect(likelyKey('zq')).toBeUndefined();
  expect(likelyKey('a'.repeat(100_000))).toBeUndefined();
});
