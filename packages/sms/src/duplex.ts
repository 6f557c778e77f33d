// A duplex stream of the machine as a port of a modem.
import type { Duplex } from 'node:stream';
import type { Port } from './at/port.ts';

/** `stream` is open already; closing the port destroys it. */
export function portOf(stream: Duplex): Port {
  return {
    open: (sink) => {
      let cause: Error | undefined;
      stream.on('data', (bytes: Uint8Array) => sink.data(bytes));
      stream.on('error', (error) => {
        cause = error;
      });
      stream.on('close', () => sink.closed(cause));
    },
    write: (bytes) => void stream.write(bytes),
    close: () => void stream.destroy(),
  };
}
