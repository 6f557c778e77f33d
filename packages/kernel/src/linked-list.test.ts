import { describe, expect, it } from 'vitest';
import { type Linked, LinkedList } from './linked-list.ts';

class Guest implements Linked<Guest> {
  readonly name: string;
  list: LinkedList<Guest> | undefined = undefined;
  older: Guest | undefined = undefined;
  newer: Guest | undefined = undefined;

  constructor(name: string) {
    this.name = name;
  }
}

function listOf(names: string): { readonly list: LinkedList<Guest>; readonly guests: Guest[]; order(): string } {
  const list = new LinkedList<Guest>();
  const guests = [...names].map((name) => new Guest(name));
  for (const guest of guests) list.add(guest);
  return { list, guests, order: () => [...list].map((guest) => guest.name).join('') };
}

describe('a list of linked things', () => {
  it('gives them in the order in which they came, whoever leaves', () => {
    for (const leaving of [0, 1, 2]) {
      const { list, guests, order } = listOf('abc');
      expect(list.delete(guests[leaving]!)).toBe(true);
      expect(order()).toBe('abc'.replace('abc'[leaving]!, ''));
      expect(list.first?.name).toBe(leaving === 0 ? 'b' : 'a');
      list.add(guests[leaving]!);
      expect(order()).toBe(`${'abc'.replace('abc'[leaving]!, '')}${'abc'[leaving]}`);
      expect(list.size).toBe(3);
    }
  });

  it('is empty when the last has left, and begins anew', () => {
    const { list, guests, order } = listOf('a');
    list.delete(guests[0]!);
    expect(list.first).toBeUndefined();
    expect(list.size).toBe(0);
    list.add(guests[0]!);
    expect(order()).toBe('a');
  });

  it('lets the one at hand leave and come back while it is walked through', () => {
    const { list, order } = listOf('abc');
    for (const guest of list) {
      list.delete(guest);
      if (guest.name === 'c') break;
      list.add(guest);
    }
    expect(order()).toBe('ab');
  });

  it('knows its own: a thing is in one list at a time', () => {
    const { list, guests } = listOf('a');
    const other = new LinkedList<Guest>();
    expect(other.has(guests[0]!)).toBe(false);
    expect(other.delete(guests[0]!)).toBe(false);
    expect(() => other.add(guests[0]!)).toThrow(RangeError);
    expect(list.has(guests[0]!)).toBe(true);
  });
});
