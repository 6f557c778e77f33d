import { describe, expect, it } from 'vitest';
import { deadlineSignal, delay, untilAborted } from './abort.ts';
import { days } from './clock.ts';
import { TimeoutError } from './errors.ts';
import { ExpiringMap } from './expiring-map.ts';
import { randomInteger, systemRandom } from './random.ts';
import { Secret } from './secret.ts';
import { SeededRandom, VirtualClock } from './testing/index.ts';
import { formatAddress } from './transport.ts';

describe('virtual time', () => {
  it('runs alarms in order, those of one instant in the order they were set', async () => {
    const clock = new VirtualClock();
    const rung: string[] = [];
    clock.at(5, () => rung.push('b'));
    clock.at(3, () => rung.push('a'));
    clock.at(5, () => rung.push('c'));
    await clock.advance(10);
    expect(rung).toEqual(['a', 'b', 'c']);
    expect(clock.now()).toBe(10);
  });

  it('lets promises settle between two instants', async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    void (async () => {
      for (let i = 0; i < 3; i += 1) {
        await delay(clock, 10);
        seen.push(clock.now());
      }
    })();
    await clock.advance(30);
    expect(seen).toEqual([10, 20, 30]);
  });

  it('moves the wall clock without touching timers', async () => {
    const clock = new VirtualClock({ wall: 0 });
    let rung = false;
    clock.at(100, () => {
      rung = true;
    });
    clock.shiftWall(days(3650));
    await clock.advance(99);
    expect(rung).toBe(false);
    expect(clock.wall()).toBe(days(3650) + 99);
  });
});

describe('signals with deadlines', () => {
  it('abort with TimeoutError that says what was waited for', async () => {
    const clock = new VirtualClock();
    using deadline = deadlineSignal(clock, 50, 'read /3/0');
    const waited = untilAborted(new Promise<void>(() => undefined), deadline.signal);
    const outcome = expect(waited).rejects.toThrow('read /3/0: no answer within 50 ms');
    await clock.advance(50);
    await outcome;
    expect(deadline.signal.reason).toBeInstanceOf(TimeoutError);
    expect(deadline.signal.reason).toMatchObject({ phase: undefined });
    using ofResponse = deadlineSignal(clock, 50, 'read /3/0', undefined, 'response');
    await clock.advance(50);
    expect(ofResponse.signal.reason).toMatchObject({ phase: 'response' });
  });

  it('pass on the outer reason, and leave no timer behind', () => {
    const clock = new VirtualClock();
    const outer = new AbortController();
    {
      using deadline = deadlineSignal(clock, 50, 'x', outer.signal);
      outer.abort(new Error('enough'));
      expect(deadline.signal.reason).toMatchObject({ message: 'enough' });
    }
    expect(clock.pending).toBe(0);
  });
});

describe('an ExpiringMap', () => {
  it('forgets an entry a fixed time after it was last set', () => {
    const map = new ExpiringMap<string, number>(100, 10);
    map.set('a', 1, 0);
    map.set('b', 2, 50);
    map.set('a', 3, 60);
    expect(map.get('b', 150)).toBeUndefined();
    expect(map.get('a', 150)).toBe(3);
    expect(map.earliest).toBe(150);
    expect(map.takeDue(160)).toEqual([
      ['b', 2],
      ['a', 3],
    ]);
  });

  it('gives up the oldest entry to keep its limit', () => {
    const map = new ExpiringMap<number, number>(100, 2);
    map.set(1, 1, 0);
    map.set(2, 2, 0);
    expect(map.set(3, 3, 0)).toEqual([1, 1]);
    expect(map.size).toBe(2);
  });
});

describe('chance', () => {
  it('repeats itself for the same seed and only then', () => {
    const a = new SeededRandom(7);
    const b = new SeededRandom(7);
    const c = new SeededRandom(8);
    const first = a.bytes(16);
    expect(b.bytes(16)).toEqual(first);
    expect(c.bytes(16)).not.toEqual(first);
  });

  it('draws integers without leaving the range', () => {
    for (const below of [1, 2, 7, 65_536, 2 ** 40]) {
      for (let i = 0; i < 200; i += 1) {
        const n = randomInteger(systemRandom, below);
        expect(Number.isInteger(n) && n >= 0 && n < below).toBe(true);
      }
    }
    expect(() => randomInteger(systemRandom, 0)).toThrow(RangeError);
  });

  it('B-06: never repeats the bytes that a token is made of, and spreads them evenly', () => {
    const seen = new Set<string>();
    const counts = new Array<number>(256).fill(0);
    for (let i = 0; i < 4000; i += 1) {
      const bytes = systemRandom.bytes(8);
      seen.add(bytes.join());
      for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
    }
    expect(seen.size).toBe(4000);
    const expected = (4000 * 8) / 256;
    const chiSquare = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    // 255 degrees of freedom: above 380 happens once in a million runs.
    expect(chiSquare).toBeLessThan(380);
    const fractions = Array.from({ length: 1000 }, () => systemRandom.fraction());
    expect(fractions.every((f) => f >= 0 && f < 1)).toBe(true);
    expect(Math.max(...fractions) - Math.min(...fractions)).toBeGreaterThan(0.9);
  });
});

describe('what people see', () => {
  it('prints a secret as its length on every road to text', () => {
    const secret = new Secret(Uint8Array.of(1, 2, 3));
    expect(`${secret} ${JSON.stringify({ secret })}`).toBe('[secret, 3 bytes] {"secret":"[secret, 3 bytes]"}');
    expect(secret.reveal()).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('prints an address as people write it', () => {
    expect(formatAddress({ via: 'udp', host: '2001:db8::1', port: 5683 })).toBe('[2001:db8::1]:5683');
    expect(formatAddress({ via: 'udp', host: '192.0.2.1', port: 5683 })).toBe('192.0.2.1:5683');
    expect(formatAddress({ via: 'sms', msisdn: '+491701234567' })).toBe('+491701234567');
  });
});
