import { expect, it } from 'vitest';
import { RegistrationOrder } from './order.ts';

const place = (instance: number, priority: number | undefined, blocks = false) => ({
  instance,
  priority,
  blocks,
  delay: 0,
});
const ids = (order: RegistrationOrder): number[] => order.begin().map(({ instance }) => instance);

it('lets those without a place begin at once, and the others one after the other, lowest first', () => {
  const order = new RegistrationOrder([place(0, 7), place(1, undefined), place(2, 3), place(3, 3)]);
  expect(ids(order)).toEqual([1, 2]);
  expect(ids(order)).toEqual([]);
  order.note(1, 'registered');
  expect(ids(order)).toEqual([]);
  order.note(2, 'registered');
  expect(ids(order)).toEqual([3]);
  order.note(3, 'failed');
  expect(ids(order)).toEqual([0]);
});

it('keeps those behind one that blocks waiting for as long as it fails', () => {
  const order = new RegistrationOrder([place(0, 1, true), place(1, 2), place(2, 3)]);
  expect(ids(order)).toEqual([0]);
  order.note(0, 'failed');
  expect(ids(order)).toEqual([]);
  order.note(0, 'registered');
  expect(ids(order)).toEqual([1]);
  order.note(1, 'failed');
  expect(ids(order)).toEqual([2]);
});
