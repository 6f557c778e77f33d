import { type Datagram, decodeUtf8, encodeUtf8, type Peer, Secret } from '@lapwing/kernel';
import { MemoryNetwork, SeededRandom, settle, VirtualClock } from '@lapwing/kernel/testing';
import { describe, expect, it } from 'vitest';
import { type SecureOptions, secure } from './index.ts';

const key = new Secret(encodeUtf8('0123456789abcdef'));
const identity = encodeUtf8('device-1');

function world(options: { server?: Partial<SecureOptions>; client?: Partial<SecureOptions> } = {}) {
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  const network = new MemoryNetwork(clock, random);
  const bottom = network.transport('server', 5684);
  const road = network.transport('client', 4000);
  const server = secure(bottom, { accept: { psk: () => key }, clock, random, ...options.server });
  const client = secure(road, { connect: { kind: 'psk', identity, key }, clock, random, ...options.client });
  return { clock, random, network, server, client, bottom, road };
}

describe('a secured transport', () => {
  it('shakes hands and carries what is sent both ways', async () => {
    const { clock, server, client } = world();
    const atServer: Datagram[] = [];
    const atClient: Datagram[] = [];
    await server.open({
      receive: (d) => {
        atServer.push(d);
        server.send(d.peer, encodeUtf8('pong'));
      },
      lost: () => {},
    });
    await client.open({ receive: (d) => void atClient.push(d), lost: () => {} });
    const connecting = client.connect({ via: 'udp', host: 'server', port: 5684 });
    await clock.advance(20);
    const peer: Peer = await connecting;
    client.send(peer, encodeUtf8('ping'));
    await clock.advance(20);
    await settle();
    expect(atServer.map((d) => decodeUtf8(d.bytes))).toEqual(['ping']);
    expect(atClient.map((d) => decodeUtf8(d.bytes))).toEqual(['pong']);
    expect(atServer[0]?.peer.identity).toEqual({ kind: 'psk', id: identity });
  });
});
