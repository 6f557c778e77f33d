import { Endpoint, udpTransport } from '@lapwing/coap';
import { encodeUtf8, type Peer } from '@lapwing/kernel';
import { expect, it } from 'vitest';
import { openListener } from './listener.ts';

const listener = {
  type: 'udp',
  name: 'default',
  dtls: undefined,
  bind: { host: '127.0.0.1', port: 0 },
  maxConnections: 1,
  maxConnectionRate: 1,
  authentication: 'none',
  mountpoint: undefined,
  accessRules: [],
  buffers: { receive: 65_536, send: undefined },
  healthCheck: { request: encodeUtf8('PING'), reply: encodeUtf8('PONG') },
} as const;

it('answers a health check word by word, and leaves CoAP to the endpoint', async () => {
  const transport = openListener(listener);
  await using endpoint = await Endpoint.open({ transport });
  const heard: string[] = [];
  let wake: () => void = () => undefined;
  await using stranger = udpTransport({ host: '127.0.0.1', port: 0 });
  await stranger.open({
    receive: ({ bytes }) => {
      heard.push(Buffer.from(bytes).toString('latin1'));
      wake();
    },
    lost: () => undefined,
  });
  const peer: Peer = await stranger.connect(transport.address);
  const answer = async (text: string): Promise<string | undefined> => {
    const arrived = new Promise<void>((resolve) => (wake = resolve));
    stranger.send(peer, Buffer.from(text, 'latin1'));
    await arrived;
    return heard.shift();
  };
  expect(await answer('PING')).toBe('PONG');
  // A CoAP ping is answered with a reset (RFC 7252 §4.3).
  expect(await answer('\x40\x00\x00\x07')).toBe('\x70\x00\x00\x07');
  expect(endpoint.stats().received).toBe(1);
});
