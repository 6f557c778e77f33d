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
