import { type Datagram, nobody, type Peer, type Transport, type TransportSink } from '@lapwing/kernel';
import { expect, it } from 'vitest';
import { Road } from './road.ts';

const peer: Peer = { key: '10.0.0.1:5683', address: { via: 'udp', host: '10.0.0.1', port: 5683 }, identity: nobody };
const datagram = (n: number): Datagram => ({ peer, bytes: Uint8Array.of(n), at: 0 });

function build() {
  const counts: Record<string, number> = {};
  const sockets: { sink?: TransportSink; closed: boolean }[] = [];
  const make = (): Transport => {
    const socket: (typeof sockets)[number] = { closed: false };
    sockets.push(socket);
    return {
      traits: { reliable: false, framing: 'rfc7252', mtu: 1152 },
      open: async (sink) => {
        socket.sink = sink;
      },
      connect: async () => peer,
      send: () => undefined,
      [Symbol.asyncDispose]: async () => {
        socket.closed = true;
      },
    };
  };
  const count = (what: string): void => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  const road = new Road(make, { drops: () => false, count });
  const heard: number[] = [];
  const sink: TransportSink = { receive: ({ bytes }) => void heard.push(bytes[0] ?? -1), lost: () => undefined };
  const receive = (n: number): void => sockets.at(-1)?.sink?.receive(datagram(n));
  return { road, sockets, counts, heard, sink, receive };
}

it('keeps its socket while the device rests, and what comes meanwhile, in order; sixteen datagrams of a flood', async () => {
  const { road, sockets, counts, heard, sink, receive } = build();
  await road.open(sink);
  receive(1);
  let woken = 0;
  road.rest(() => {
    woken += 1;
  });
  await road[Symbol.asyncDispose]();
  for (let n = 2; n < 1002; n += 1) receive(n & 255);
  expect([woken, heard, sockets[0]?.closed]).toEqual([1, [1], false]);
  await road.open(sink);
  expect(heard).toEqual([1]);
  road.wake();
  receive(200);
  expect(heard).toEqual([1, ...Array.from({ length: 16 }, (_, i) => i + 2), 200]);
  expect(counts).toEqual({ datagramsReceived: 1002, datagramsLost: 1000 - 16 });
  expect(sockets).toHaveLength(1);
});

it('moves in its sleep, and is closed for good when the device goes', async () => {
  const { road, sockets, heard, sink, receive } = build();
  await road.open(sink);
  road.rest(() => undefined);
  await road[Symbol.asyncDispose]();
  await road.move();
  expect(sockets.map(({ closed }) => closed)).toEqual([true, false]);
  receive(1);
  await road.open(sink);
  road.wake();
  expect(heard).toEqual([1]);
  await road.close();
  await road.move();
  expect(sockets.map(({ closed }) => closed)).toEqual([true, true]);
});

it('has nothing to keep where the device had given up its socket', async () => {
  const { road, sockets, sink } = build();
  await road.open(sink);
  await road[Symbol.asyncDispose]();
  road.rest(() => undefined);
  expect([road.isResting, sockets[0]?.closed]).toEqual([false, true]);
});
