// What becomes of TLS handshakes of those who come to us, told on a diagnostics channel.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { formatAddress, type Identity, trace } from '@lapwing/kernel';
import { remoteOf } from './node-stream.ts';

/** Published on `tls:handshake` for those who come to us. `problem` is a code of OpenSSL or Node.js, or says why nobody is let in. */
export type TlsHandshakeTrace =
  | {
      readonly what: 'established';
      readonly address: string;
      readonly protocol: string;
      readonly suite: string;
      readonly identity: Identity['kind'];
    }
  | { readonly what: 'failed'; readonly address: string; readonly problem: string; readonly error: Error };

const handshakes = trace('tls:handshake');

export function tellFailed(socket: Socket, error: NodeJS.ErrnoException): void {
  if (!handshakes.hasSubscribers) return;
  const event: TlsHandshakeTrace = {
    what: 'failed',
    address: placeOf(socket),
    problem: error.code ?? 'other',
    error,
  };
  handshakes.publish(event);
}

/** Of somebody whose handshake went well, and who has not proved what was asked for. */
export function tellUnproved(socket: TLSSocket): void {
  const { authorizationError: cause } = socket;
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : cause;
  const error = new Error('has proved nothing that lets it in');
  tellFailed(socket, Object.assign(error, { code: code ?? 'NOTHING_PROVED' }));
}

export function tellEstablished(socket: TLSSocket, { kind: identity }: Identity): void {
  if (!handshakes.hasSubscribers) return;
  const event: TlsHandshakeTrace = {
    what: 'established',
    address: placeOf(socket),
    protocol: socket.getProtocol() ?? '',
    suite: socket.getCipher().standardName,
    identity,
  };
  handshakes.publish(event);
}

function placeOf(socket: Socket): string {
  const remote = remoteOf(socket);
  return remote === undefined ? 'gone already' : formatAddress(remote);
}
