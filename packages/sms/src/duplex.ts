// A duplex stream of the machine as a port of a modem.
import type { Duplex } from 'node:stream';
import { LimitError } from '@lapwing/kernel';
import type { Port } from './at/port.ts';

/** Octets that may wait to leave. */
const MOST_UNWRITTEN = 256 * 1024;

/** `stream` is open already; closing the port destroys it, and so does whoever asks much and reads nothing. */
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
    write: (bytes) => {
      stream.write(bytes);
      if (stream.writableLength > MOST_UNWRITTEN)
        stream.destroy(new LimitError('the other side does not read what it is sent', MOST_UNWRITTEN));
    },
    close: () => void stream.destroy(),
  };
}
