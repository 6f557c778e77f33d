import { expect, it } from 'vitest';
import { keyOf, outcomesOn, type Row, renderPage } from './dtls-page.ts';

const pass: Row = { peer: 'server', suite: 'TLS_A', credential: 'PSK', feature: 'data both ways', outcome: 'pass' };
const not: Row = { ...pass, peer: 'client', outcome: 'it has no such suite' };

it('finds on the page what was written there, peer by peer', () => {
  const page = renderPage([
    { name: 'One', version: '1.0', rows: [pass, not] },
    { name: 'One with more', version: '2.0', rows: [pass] },
  ]);
  expect(page).toContain('Version 1.0. 1 of 2 pass.');
  expect([...outcomesOn(page, 'One')]).toEqual([
    [keyOf(pass), 'pass'],
    [keyOf(not), 'it has no such suite'],
  ]);
  expect(outcomesOn(page, 'One with more').size).toBe(1);
  expect(outcomesOn(page, 'Another').size).toBe(0);
});
