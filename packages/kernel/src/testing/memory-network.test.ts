import { describe, expect, it } from 'vitest';
import type { Datagram } from '../transport.ts';
import { type LinkProfile, MemoryNetwork, SeededRandom, VirtualClock } from './index.ts';

async function pair(profile: Partial<LinkProfile> = {}) {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock, new SeededRandom(1), profile);
  const got: { at: number; from: string; byte: number | undefined }[] = [];
  const here = network.transport('10.0.0.1', 1);
  const there = network.transport('10.0.0.2', 2);
  const receive = ({ peer, bytes, at }: Datagram): void => void got.push({ at, from: peer.key, byte: bytes[0] });
  await here.open({ receive: () => undefined, lost: () => undefined });
  await there.open({ receive, lost: () => undefined });
  const peer = await here.connect(there.address);
  return { clock, network, here, there, got, say: (byte: number) => here.send(peer, Uint8Array.of(byte)) };
}

describe('a network in memory', () => {
  it('carries datagrams after the latency', async () => {
    const { clock, got, say } = await pair({ latency: 20 });
    say(7);
    await clock.advance(19);
    expect(got).toEqual([]);
    await clock.advance(1);
    expect(got).toEqual([{ at: 20, from: '10.0.0.1:1', byte: 7 }]);
  });

  it('loses, duplicates and reorders as often as it is told, the same for the same seed', async () => {
    const run = async () => {
      const { clock, network, got, say } = await pair({
        loss: 0.2,
        duplicate: 0.1,
        reorder: 0.3,
        reorderBy: 50,
        jitter: 0,
      });
      for (let i = 0; i < 200; i += 1) {
        say(i);
        await clock.advance(1);
      }
      await clock.advance(1000);
      return { bytes: got.map((g) => g.byte), counters: network.counters() };
    };
    const first = await run();
    expect(await run()).toEqual(first);
    expect(first.counters.lost).toBeGreaterThan(20);
    expect(first.counters.duplicated).toBeGreaterThan(5);
    expect(first.counters.sent).toBe(first.counters.delivered + first.counters.lost - first.counters.duplicated);
    expect(first.bytes).not.toEqual([...first.bytes].sort((a, b) => (a ?? 0) - (b ?? 0)));
  });

  it('drops what is longer than the MTU', async () => {
    const { clock, network, here, there, got } = await pair({ mtu: 10 });
    here.send(await here.connect(there.address), new Uint8Array(11));
    await clock.advance(10);
    expect(got).toEqual([]);
    expect(network.counters().tooLong).toBe(1);
  });

  it('lets a host move, and loses what still goes to its old place', async () => {
    const { clock, there, got, say, network } = await pair();
    there.rebind({ port: 99 });
    say(1);
    await clock.advance(5);
    expect(got).toEqual([]);
    expect(network.counters().unreachable).toBe(1);
    expect(there.address.port).toBe(99);
  });

  it('loses everything from and to a host that is dark', async () => {
    const { clock, network, got, say } = await pair();
    network.darken('10.0.0.2');
    say(1);
    await clock.advance(5);
    network.lighten('10.0.0.2');
    say(2);
    await clock.advance(5);
    expect(got.map((g) => g.byte)).toEqual([2]);
  });
});
