// A duplex stream of the machine as a port of a modem.
import type { Duplex } from 'node:stream';
import type { Port } from './at/port.ts';

/** `stream` is open already. `close` closes what is below it; default: it is destroyed. */
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
    write: (bytes) => void stream.write(bytes),
    close,
  };
}
