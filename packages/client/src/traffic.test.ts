import type { Address, Peer } from '@lapwing/kernel';
import { nobody } from '@lapwing/kernel';
import { expect, it } from 'vitest';
import { ObjectStore } from './objects/store.ts';
import { countTraffic, Traffic } from './traffic.ts';

const secret = { kind: 'psk', id: Uint8Array.of(1) } as const;
const peer = (address: Address, identity: Peer['identity'] = nobody): Peer => ({ key: 'x', address, identity });
const udp = { via: 'udp', host: '192.0.2.1', port: 1 } as const;
const udp6 = { via: 'udp', host: '2001:db8::1', port: 1 } as const;
const tcp = { via: 'tcp', host: '192.0.2.1', port: 1 } as const;

function setUp() {
  const objects = new ObjectStore();
  const traffic = new Traffic(objects);
  const heard: string[] = [];
  const counting = countTraffic(objects, {
    carried: (direction, bytes, packets) => heard.push(`${direction} ${bytes} in ${packets}`),
  });
  return { objects, traffic, heard, counting };
}

it.each([
  ['UDP over IPv4', peer(udp), 100, ['sent 128 in 1']],
  ['UDP over IPv6', peer(udp6), 100, ['sent 148 in 1']],
  ['one segment of TCP', peer(tcp), 100, ['sent 140 in 1']],
  ['three segments of TCP', peer(tcp, secret), 3000, ['sent 3120 in 3']],
  ['a text message, which is no IP', peer({ via: 'sms', msisdn: '+1' }), 100, []],
  ['what DTLS has inside, which its datagrams are counted for', peer(udp, secret), 100, []],
] as const)('counts a message with its headers: %s', (_what, to, bytes, counted) => {
  const { traffic, heard } = setUp();
  traffic.message('sent', to, bytes);
  expect(heard).toEqual(counted);
});

it('counts datagrams of DTLS, and what a connection carries', () => {
  const { traffic, heard } = setUp();
  traffic.datagram('received', peer(udp), 100);
  traffic.stream('received', 1460);
  traffic.stream('sent', 0);
  expect(heard).toEqual(['received 128 in 1', 'received 1500 in 1']);
});

it('counts nothing when nobody does any more, nor for other objects', () => {
  const { objects, traffic, heard, counting } = setUp();
  new Traffic(new ObjectStore()).message('sent', peer(udp), 1);
  counting[Symbol.dispose]();
  counting[Symbol.dispose]();
  traffic.message('sent', peer(udp), 1);
  expect(heard).toEqual([]);
  using _ = countTraffic(objects, { carried: (_direction, bytes) => heard.push(String(bytes)) });
  traffic.message('sent', peer(udp), 1);
  expect(heard).toEqual(['29']);
});
