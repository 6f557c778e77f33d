// A duplex stream of the machine as a port of a modem.
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { LimitError, untilAborted } from '@lapwing/kernel';
import type { Port } from './at/port.ts';
import { portError } from './port-error.ts';

/** Octets that may wait to leave. */
const MOST_UNWRITTEN = 256 * 1024;

/**
 * `stream` is open already. `close` closes what is below it; default: it is destroyed. Whoever asks much and reads nothing is hung up on.
 */
export function portOf(stream: Duplex, close: () => void = () => void stream.destroy()): Port {
  return {
    open: (sink) => {
      let cause: Error | undefined;
      stream.on('data', (bytes: Uint8Array) => sink.data(bytes));
      stream.on('error', (error) => {
        cause = error;
      });
      // A serial port that is unplugged ends, or closes with the reason; a socket closes.
      stream.on('end', () => sink.closed(cause));
      stream.on('close', (why: unknown) => sink.closed(cause ?? (why instanceof Error ? why : undefined)));
    },
    write: (bytes) => {
      stream.write(bytes);
      if (stream.writableLength > MOST_UNWRITTEN)
        stream.destroy(new LimitError('the other side does not read what it is sent', MOST_UNWRITTEN));
    },
    close,
  };
}

/** A socket that is being connected, as a port once `event` has come. Rejects with PortError, or the signal's reason. */
export async function connected(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  place: string,
  signal: AbortSignal,
): Promise<Port> {
  socket.setNoDelay(true);
  const open = new Promise<void>((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('error', (error) => reject(portError(place, error)));
  });
  try {
    await untilAborted(open, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return portOf(socket);
}
