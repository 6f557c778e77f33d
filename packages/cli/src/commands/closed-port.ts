// Whether a host says that nobody listens at a port of UDP: an ICMP error, which only reaches a socket that is connected.
import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { type Duration, systemClock } from '@lapwing/kernel';

/** False also where nothing comes back, as behind most firewalls. Sends one empty datagram; `patience` in ms. */
export function isPortClosed(host: string, port: number, patience: Duration = 500): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
    const timer = systemClock.at(systemClock.now() + patience, () => done(false));
    function done(isClosed: boolean): void {
      timer[Symbol.dispose]();
      socket.removeAllListeners('error').on('error', () => undefined);
      socket.close();
      resolve(isClosed);
    }
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code === 'ECONNREFUSED'));
    socket.connect(port, host, (error?: Error) => {
      if (error === undefined || error === null) socket.send(new Uint8Array(0), () => undefined);
      else done(false);
    });
  });
}
