import { describe, expect, it } from 'vitest';
import { Fifo } from './fifo.ts';

function filled(count: number): Fifo<number> {
  const queue = new Fifo<number>();
  for (let n = 0; n < count; n += 1) queue.push(n);
  return queue;
}

describe('a queue', () => {
  it('gives back what went in, in order', () => {
    const queue = filled(5000);
    expect(Array.from({ length: 5001 }, () => queue.shift())).toEqual([...Array(5000).keys(), undefined]);
    queue.push(7);
    expect([queue.first, queue.size]).toEqual([7, 1]);
  });

  it('takes one out wherever it is', () => {
    const queue = filled(4);
    queue.shift();
    expect([queue.remove(2), queue.remove(0)]).toEqual([true, false]);
    expect([queue.shift(), queue.shift(), queue.shift()]).toEqual([1, 3, undefined]);
  });

  it('takes out all but some, those not that are gone already', () => {
    const queue = filled(10);
    queue.shift();
    queue.shift();
    queue.keep((n) => n % 2 === 0);
    expect(queue.size).toBe(4);
    expect(Array.from({ length: 4 }, () => queue.shift())).toEqual([2, 4, 6, 8]);
  });
});
