// A modem behind a TCP port: a terminal server, or a virtual one (shell).
import { connect } from 'node:net';
import type { Dial } from './at/port.ts';
import { connected } from './duplex.ts';

/** Dialled anew each time that the connection is gone. Rejects with PortError. */
export function tcpPort(host: string, port: number): Dial {
  return (signal) => connected(connect({ host, port }), 'connect', `${host}:${port}`, signal);
}
