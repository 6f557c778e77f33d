// The terminal of a virtual modem as a TCP port: whoever connected last types and reads (shell).
import { createServer, type Server, type Socket } from 'node:net';
import type { AttachedModem } from './network.ts';

export interface TcpTerminal extends AsyncDisposable {
  readonly port: number;
}

/** Rejects when the address cannot be bound. Port 0: one of the system's choice. */
export async function tcpTerminal(modem: AttachedModem, host: string, port: number): Promise<TcpTerminal> {
  let current: Socket | undefined;
  const server: Server = createServer((socket) => {
    current?.destroy();
    current = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => modem.type(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (current === socket) modem.attach(undefined);
    });
    modem.attach({ print: (bytes) => void socket.write(bytes) });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    [Symbol.asyncDispose]: async () => {
      current?.destroy();
      await new Promise<void>((done) => void server.close(() => done()));
    },
  };
}
