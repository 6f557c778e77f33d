// Sockets that listen and connect, plain or secured (shell): what TCP and TLS have in common.
import { isIP, type Server, type Socket } from 'node:net';
import {
  type Address,
  type ByteStream,
  ClosedError,
  ConfigError,
  formatAddress,
  type StreamRoad,
} from '@lapwing/kernel';
import { attemptDelay, attemptsOf } from './look-up.ts';

export interface ListenOptions {
  /** Address to bind; default `127.0.0.1`. */
  readonly host?: string;
  /** To listen at; 0: the system chooses. Without it connections are only made. */
  readonly port?: number;
}

/** How the addresses of a host are tried: in the order of the resolver, one after the other (RFC 8305 §5). */
export const eachFamily = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: attemptDelay } as const;

/** What differs between plain and secured sockets. */
export interface SocketKind {
  /** A server that calls `accept` with each connection that is ready for bytes. */
  serve(accept: (stream: ByteStream) => void): Server;
  /** A socket that connects; `ready` is called once, when bytes can go. Its errors and its end are seen to elsewhere. */
  connect(address: Extract<Address, { host: string }>, ready: (stream: ByteStream | Error) => void): Socket;
}

/** Throws ConfigError for a host that is no address or a port out of range. */
export function socketRoad(kind: SocketKind, options: ListenOptions, connections: number | undefined): StreamRoad {
  const { host = '127.0.0.1', port } = options;
  const problems: string[] = [];
  if (isIP(host) === 0) problems.push(`host: ${host} is no IP address`);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) problems.push(`port: ${port}`);
  if (problems.length > 0) throw new ConfigError(problems);
  return new SocketRoad(kind, host, port, connections);
}

/** The outcome of an attempt that `begin` makes; rejects with ClosedError, or with the signal's reason. */
export function connected(
  begin: (ready: (stream: ByteStream | Error) => void) => Socket,
  address: Address,
  signal: AbortSignal | undefined,
): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const socket = begin((outcome) => {
      settle();
      if (outcome instanceof Error) {
        socket.destroy();
        reject(outcome);
      } else resolve(outcome);
    });
    const failed = (error: Error): void => {
      settle();
      reject(new ClosedError(`no connection to ${formatAddress(address)}: ${attemptsOf(error)}`));
    };
    const aborted = (): void => {
      settle();
      socket.destroy();
      reject(signal?.reason);
    };
    const gone = (): void => failed(new Error('closed by the other side'));
    // An error after the end of the attempt must not end the process.
    socket.on('error', () => undefined);
    socket.on('error', failed);
    socket.on('close', gone);
    signal?.addEventListener('abort', aborted, { once: true });
    function settle(): void {
      signal?.removeEventListener('abort', aborted);
      socket.removeListener('error', failed);
      socket.removeListener('close', gone);
    }
  });
}

class SocketRoad implements StreamRoad {
  private readonly kind: SocketKind;
  private readonly host: string;
  private readonly port: number | undefined;
  private readonly connections: number | undefined;
  private server: Server | undefined;
  private bound: Address | undefined;
  private closed = false;

  constructor(kind: SocketKind, host: string, port: number | undefined, connections: number | undefined) {
    this.kind = kind;
    this.host = host;
    this.port = port;
    this.connections = connections;
  }

  get address(): Address | undefined {
    return this.bound;
  }

  async open(accept: (stream: ByteStream) => void): Promise<void> {
    if (this.port === undefined) return;
    const { host, port } = this;
    const server = this.kind.serve(accept);
    this.server = server;
    // Above it the system's connections are closed at once, those in a handshake included.
    if (this.connections !== undefined) server.maxConnections = this.connections;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.removeListener('error', reject);
        // Such as too many open files: one connection less, no reason to stop.
        server.on('error', () => undefined);
        resolve();
      });
    });
    const at = server.address();
    if (at !== null && typeof at === 'object') this.bound = { via: 'tcp', host: at.address, port: at.port };
  }

  connect(address: Address, signal?: AbortSignal): Promise<ByteStream> {
    return new Promise((resolve) => {
      if (this.closed) throw new ClosedError('the transport is closed');
      signal?.throwIfAborted();
      if (address.via === 'sms') throw new ConfigError([`address: ${address.via} has no streams`]);
      const { port } = address;
      if (!(Number.isInteger(port) && port > 0 && port <= 65_535))
        throw new ConfigError([`address: ${formatAddress(address)} has no port`]);
      resolve(connected((ready) => this.kind.connect(address, ready), { ...address, via: 'tcp' }, signal));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    this.bound = undefined;
    const { server } = this;
    this.server = undefined;
    // Connections are closed by whom they belong to; those that linger in the system are not waited for.
    server?.close();
    await Promise.resolve();
  }
}
