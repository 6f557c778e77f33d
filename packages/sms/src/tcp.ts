// A modem behind a TCP port: a terminal server, or a virtual one (shell).
import { connect } from 'node:net';
import { untilAborted } from '@lapwing/kernel';
import type { Dial } from './at/port.ts';
import { portOf } from './duplex.ts';
import { portError } from './port-error.ts';

/** Dialled anew each time that the connection is gone. Rejects with PortError. */
export function tcpPort(host: string, port: number): Dial {
  return async (signal) => {
    const socket = connect({ host, port });
    socket.setNoDelay(true);
    const open = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error) => reject(portError(`${host}:${port}`, error)));
    });
    try {
      await untilAborted(open, signal);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return portOf(socket);
  };
}
