import { describe, expect, it } from 'vitest';
import { PeerCache } from './peer-cache.ts';

const host = (n: number): string => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;

describe('the peers of a socket', () => {
  it('say where they are, from the first datagram on', () => {
    const cache = new PeerCache();
    for (let i = 0; i < 3; i += 1) {
      expect(cache.at('192.0.2.1', 5683).key).toBe('192.0.2.1:5683');
      expect(cache.at('2001:db8::1', 5684).address).toEqual({ via: 'udp', host: '2001:db8::1', port: 5684 });
    }
  });

  it('are the same objects when they come again', () => {
    const cache = new PeerCache();
    const first = cache.at('192.0.2.1', 5683);
    for (let i = 0; i < 3; i += 1) expect(cache.at('192.0.2.1', 5683)).toBe(first);
    expect(cache.at('192.0.2.1', 5684)).not.toBe(first);
    expect(cache.at('192.0.2.2', 5683)).not.toBe(first);
  });

  it('are the same objects from the first time on, while they are few', () => {
    const cache = new PeerCache();
    const known = Array.from({ length: 20 }, (_, n) => cache.at(host(n), 5683));
    expect(known.filter((peer, n) => cache.at(host(n), 5683) === peer).length).toBe(20);
  });

  it('are not driven out by strangers that never come again', () => {
    const cache = new PeerCache();
    const known = Array.from({ length: 1000 }, (_, n) => [cache.at(host(n), 5683), cache.at(host(n), 5683)][1]);
    for (let n = 0; n < 100_000; n += 1) cache.at(host(1_000_000 + n), 40_000);
    // Few strangers have by chance the mark of another.
    expect(known.filter((peer, n) => cache.at(host(n), 5683) === peer).length).toBeGreaterThan(980);
  });

  it('are found again in a fleet that speaks in turn', () => {
    const cache = new PeerCache();
    const round = () => Array.from({ length: 20_000 }, (_, n) => cache.at(host(n), 5683));
    for (let i = 0; i < 4; i += 1) round();
    const before = round();
    expect(round().filter((peer, n) => peer === before[n]).length).toBeGreaterThan(19_000);
  });
});
