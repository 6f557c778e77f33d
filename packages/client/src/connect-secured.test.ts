import { Secret } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, VirtualClock } from '@lapwing/kernel/testing';
import { expect, it } from 'vitest';
import { secured } from './connect-secured.ts';

/** The first hello of a device, as text. */
async function helloOf(extensions?: number): Promise<string> {
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  const network = new MemoryNetwork(clock, random);
  let hello = '';
  const server = network.transport('10.0.0.1', 5684);
  await server.open({
    receive: ({ bytes }) => {
      hello ||= Buffer.from(bytes).toString('latin1');
    },
    lost: () => undefined,
  });
  const address = { via: 'udp', host: '10.0.0.1', port: 5684 } as const;
  const credentials = { kind: 'psk', identity: Uint8Array.of(1), key: new Secret(new Uint8Array(16)) } as const;
  const road = secured(network.transport('10.0.0.2', 40_000), {
    address,
    credentials,
    serverName: 'gw.example',
    clock,
    random,
    ...(extensions === undefined ? {} : { extensions }),
  });
  await road.open({ receive: () => undefined, lost: () => undefined });
  road.connect(address).catch(() => undefined);
  await clock.advance(100);
  await road[Symbol.asyncDispose]();
  return hello;
}

/** Number 54 with an id of no bytes (RFC 9146 §3). */
const connectionId = '\x00\x36\x00\x01\x00';

it.each([
  [undefined, true, true],
  [0b1_0000_0000_0001, true, true],
  [0b0_0000_0000_0001, true, false],
  [0b1_0000_0000_0000, false, true],
  [0, false, false],
])('uses the extensions of /0/x/24: with %s the name of the server %s, connection ids %s', async (bits, name, id) => {
  const hello = await helloOf(bits);
  expect([hello.includes('gw.example'), hello.includes(connectionId)]).toEqual([name, id]);
});
