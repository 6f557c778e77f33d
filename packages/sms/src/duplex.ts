// A duplex stream of the machine as a port of a modem.
import type { Duplex } from 'node:stream';
import { LimitError } from '@lapwing/kernel';
import type { Port } from './at/port.ts';

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
