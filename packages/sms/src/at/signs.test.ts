// What a modem says unasked, and what it means to whoever listens.
import { expect, it } from 'vitest';
import { signOf } from './signs.ts';

it.each([
  ['RDY', 'starts'],
  ['APP RDY', 'starts'],
  ['Ready', 'starts'],
  ['+CFUN: 1', 'starts'],
  ['^SYSSTART', 'starts'],
  ['^SYSSTART AIRPLANE MODE', 'starts'],
  ['+WIND: 3', 'starts'],
  ['+CFUN: 0', undefined],
  ['+CPIN: NOT READY', 'stirs'],
  ['#QSS: 1', 'stirs'],
  ['^SMMEMFULL: "SM"', 'full'],
  ['+QIND: "smsfull","SM"', 'full'],
  ['+CIEV: "smsfull",1', 'full'],
  ['+CIEV: "smsfull",0', undefined],
  ['+CMTI: "SM",5', 'announces'],
  ['+CREG: 1', undefined],
  ['RING', undefined],
  ['', undefined],
])('%j: %s', (line, kind) => {
  expect(signOf(line)?.kind).toBe(kind);
});
