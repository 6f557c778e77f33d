// Real sockets, on loopback only.
import { createSocket } from 'node:dgram';
import { afterTurn, ConfigError, type Datagram, type Peer, systemClock } from '@lapwing/kernel';
import { afterEach, describe, expect, test } from 'vitest';
import { type UdpOptions, type UdpTransport, udpTransport } from './udp.ts';

const open: UdpTransport[] = [];

async function listening(options: UdpOptions = {}) {
  const transport = udpTransport(options);
  open.push(transport);
  const inbox: Datagram[] = [];
  let wake: (() => void) | undefined;
  await transport.open({
    receive: (datagram) => {
      inbox.push(datagram);
      wake?.();
    },
    lost: () => undefined,
  });
  const receive = async (): Promise<Datagram> => {
    while (inbox.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return inbox.shift() as Datagram;
  };
  return { transport, receive };
}

afterEach(async () => {
  for (const transport of open.splice(0)) await transport[Symbol.asyncDispose]();
});

describe('a UDP transport', () => {
  test('carries bytes both ways and gives the same peer for the same address', async () => {
    const a = await listening();
    const b = await listening();
    const peer = await a.transport.connect(b.transport.address);
    a.transport.send(peer, Uint8Array.of(1, 2, 3));
    const first = await b.receive();
    expect([...first.bytes]).toEqual([1, 2, 3]);
    expect(first.peer.address).toEqual(a.transport.address);
    expect(first.at).toBeLessThanOrEqual(systemClock.now());
    b.transport.send(first.peer, Uint8Array.of(4));
    expect((await a.receive()).peer).toBe(peer);
    a.transport.send(peer, Uint8Array.of(5));
    expect((await b.receive()).peer).toBe(first.peer);
    expect(a.transport.counters()).toMatchObject({ sent: 2, sentBytes: 4, received: 1, receivedBytes: 1 });
  });

  test('sends at the end of the turn, all in order, and before it closes', async () => {
    const a = await listening();
    const b = await listening();
    const peer = await a.transport.connect(b.transport.address);
    for (let i = 0; i < 63; i += 1) a.transport.send(peer, Uint8Array.of(i));
    expect(a.transport.counters().sent).toBe(0);
    a.transport.send(peer, Uint8Array.of(63));
    expect(a.transport.counters().sent).toBe(64);
    a.transport.send(peer, Uint8Array.of(64));
    await a.transport[Symbol.asyncDispose]();
    expect(a.transport.counters().sent).toBe(65);
    const numbers: number[] = [];
    while (numbers.length < 65) numbers.push((await b.receive()).bytes[0] as number);
    expect(numbers).toEqual(Array.from({ length: 65 }, (_, i) => i));
  });

  test('resolves a name once, when it connects', async () => {
    const a = await listening();
    const b = await listening();
    const { port } = b.transport.address;
    const peer = await a.transport.connect({ via: 'udp', host: 'localhost', port });
    expect(peer.key).toBe(`127.0.0.1:${port}`);
  });

  test('speaks IPv6', async () => {
    const a = await listening({ host: '::1' });
    const b = await listening({ host: '::1' });
    const peer = await a.transport.connect(b.transport.address);
    expect(peer.key).toBe(`[::1]:${b.transport.address.port}`);
    a.transport.send(peer, Uint8Array.of(6));
    expect((await b.receive()).peer.key).toBe(`[::1]:${a.transport.address.port}`);
  });

  test('tells what was sent to a group from what was sent to it alone', async () => {
    const group = '239.255.77.1';
    const a = await listening({ groups: [group] });
    const { port } = a.transport.address;
    const sender = createSocket('udp4');
    await new Promise<void>((resolve) => sender.bind(0, '127.0.0.1', resolve));
    sender.setMulticastInterface('127.0.0.1');
    sender.send(Uint8Array.of(1), port, group);
    const toGroup = await a.receive();
    expect(toGroup).toMatchObject({ multicast: true, peer: { address: { host: '127.0.0.1' } } });
    sender.send(Uint8Array.of(2), port, '127.0.0.1');
    const toUs = await a.receive();
    expect(toUs.multicast).toBeUndefined();
    expect(toUs.peer).toBe(toGroup.peer);
    await new Promise<void>((resolve) => void sender.close(resolve));
    expect(() => udpTransport({ host: '0.0.0.0', groups: [group] })).toThrow('wildcard');
  });

  test('E-11: connects to no broadcast, group, unspecified address, port 0 or itself', async () => {
    const { transport } = await listening();
    const refused = ['255.255.255.255', '224.0.1.187', '239.1.2.3', '0.0.0.0'].map((host) => ({ host, port: 5683 }));
    refused.push({ host: '192.0.2.1', port: 0 }, { host: '192.0.2.1', port: 65_536 });
    refused.push({ host: transport.address.host, port: transport.address.port });
    for (const place of refused) {
      await expect(transport.connect({ via: 'udp', ...place })).rejects.toBeInstanceOf(ConfigError);
    }
    await expect(transport.connect({ via: 'sms', msisdn: '+491' })).rejects.toBeInstanceOf(ConfigError);
  });

  test('B-18: a port where nobody listens is no error, and the socket goes on', async () => {
    const a = await listening();
    const b = await listening();
    const gone = await listening();
    const nobody = await a.transport.connect(gone.transport.address);
    await gone.transport[Symbol.asyncDispose]();
    for (let i = 0; i < 5; i += 1) a.transport.send(nobody, Uint8Array.of(i));
    a.transport.send(await a.transport.connect(b.transport.address), Uint8Array.of(9));
    expect([...(await b.receive()).bytes]).toEqual([9]);
  });

  test('a datagram that the system refuses is counted, not thrown', async () => {
    const { transport } = await listening();
    const peer: Peer = {
      key: 'x',
      address: { via: 'udp', host: '127.0.0.1', port: 70_000 },
      identity: { kind: 'none' },
    };
    transport.send(peer, Uint8Array.of(1));
    await new Promise<void>(afterTurn);
    expect(transport.counters()).toMatchObject({ sent: 0, sendErrors: 1 });
  });

  test('opening at a port that is taken rejects', async () => {
    const { transport } = await listening();
    const second = udpTransport({ port: transport.address.port });
    open.push(second);
    await expect(second.open({ receive: () => undefined, lost: () => undefined })).rejects.toThrow('EADDRINUSE');
  });

  test('every wrong option is named', () => {
    expect(() => udpTransport({ host: 'example.org', port: 70_000, groups: ['10.0.0.1'] })).toThrow('3 problems');
  });
});
