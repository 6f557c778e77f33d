// A road that takes its time: a UDP proxy for one client that holds every datagram for half a round trip, each way.
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';

export interface SlowRoad {
  /** Where the client has to go instead of to the server. */
  readonly port: number;
  close(): void;
}

export async function slowRoad(server: number, roundTripMs: number): Promise<SlowRoad> {
  const near = createSocket('udp4');
  const far = createSocket('udp4');
  let client: RemoteInfo | undefined;
  near.on('message', (bytes, from) => {
    client = from;
    setTimeout(() => far.send(bytes, server, '127.0.0.1'), roundTripMs / 2);
  });
  far.on('message', (bytes) => {
    const to = client;
    if (to !== undefined) setTimeout(() => near.send(bytes, to.port, to.address), roundTripMs / 2);
  });
  near.bind(0, '127.0.0.1');
  far.bind(0, '127.0.0.1');
  await Promise.all([once(near, 'listening'), once(far, 'listening')]);
  return {
    port: near.address().port,
    close: () => {
      near.close();
      far.close();
    },
  };
}

/** What a round trip over such a road takes in fact, in ms: the mean of several, to an echo and back. Timers are late, never early. */
export async function measuredRoundTrip(roundTripMs: number): Promise<number> {
  const echo = createSocket('udp4');
  echo.on('message', (bytes, from) => echo.send(bytes, from.port, from.address));
  echo.bind(0, '127.0.0.1');
  await once(echo, 'listening');
  const road = await slowRoad(echo.address().port, roundTripMs);
  const client = createSocket('udp4');
  const times = 16;
  const began = performance.now();
  for (let i = 0; i < times; i += 1) {
    const back = once(client, 'message');
    client.send('x', road.port, '127.0.0.1');
    await back;
  }
  const mean = (performance.now() - began) / times;
  client.close();
  road.close();
  echo.close();
  return mean;
}
