// CoAP over TLS (RFC 8323 §9): node:tls under a transport over streams. Certificates with TLS 1.2 and 1.3, pre-shared keys with
// TLS 1.2. Raw public keys (RFC 7250) are not in node:tls, and an identity that is no UTF-8 cannot pass through it.

import { isIP, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect,
  createServer,
  type TlsOptions as NodeTlsOptions,
  type PeerCertificate,
} from 'node:tls';
import {
  type Address,
  type ByteStream,
  ConfigError,
  type Duration,
  decodeUtf8,
  encodeUtf8,
  equalBytes,
  FormatError,
  type Identity,
  nobody,
  type Secret,
  type StreamRoad,
  seconds,
} from '@lapwing/kernel';
import { NodeStream, remoteOf } from './node-stream.ts';
import { type StreamSecuring, streamsOver } from './securing.ts';
import { eachFamily, type ListenOptions, type SocketKind, socketRoad } from './sockets.ts';
import type { StreamOptions } from './stream-options.ts';
import { type StreamTransport, streamTransport } from './streams.ts';
import {
  certificatePem,
  certificatesDer,
  privateKeyPem,
  type TlsCertificateAndKey,
  type TlsMaterial,
} from './tls-material.ts';
import { tellEstablished, tellFailed, tellUnproved } from './tls-telling.ts';

/** What we prove ourselves with when we connect, and what we trust. */
export type TlsCredentials =
  | { readonly kind: 'psk'; readonly identity: Uint8Array; readonly key: Secret }
  | {
      readonly kind: 'x509';
      readonly own?: TlsCertificateAndKey;
      /** Who vouches for servers. */
      readonly roots: readonly TlsMaterial[];
      /** The leaf that the server must show. */
      readonly pinned?: TlsMaterial;
      /** Whether a pinned leaf needs somebody to vouch for it besides; default 'needed'. */
      readonly vouching?: 'needed' | 'pinned-is-enough';
      /** The name in the server's certificate; default: the host that is connected to. `false` checks none. */
      readonly hostName?: string | false;
      /** Whether a common name counts where the certificate has no other names (RFC 9525 §2); default 'ignored'. */
      readonly commonName?: 'ignored' | 'accepted';
    };

/** Whom we let in when we listen. */
export interface TlsAcceptance {
  /**
   * Key of an identity; undefined for nobody. node:tls waits for no answer: a store that is asked far away has to have it
   * at hand.
   */
  readonly psk?: (identity: Uint8Array) => Secret | undefined;
  readonly certificate?: TlsCertificateAndKey;
  /** Who vouches for those who show a certificate. */
  readonly authorities?: readonly TlsMaterial[];
  /** Whether who comes with a cipher suite of certificates must show one; default 'required'. */
  readonly clientAuthentication?: 'required' | 'optional' | 'none';
}

export interface TlsOptions extends ListenOptions, StreamOptions {
  readonly connect?: TlsCredentials;
  readonly accept?: TlsAcceptance;
  /** For a handshake of those who come to us, in ms; default 30 s. Runs on the machine's clock. */
  readonly handshakeTimeout?: Duration;
}

/** Both roles on one transport. Throws ConfigError for options out of range and for what is no key or certificate. */
export function tlsTransport(options: TlsOptions): StreamTransport {
  return streamTransport(tlsRoad(options, 'coap'), options);
}

/** RFC 8323 §8.2: the application protocol is `coap`, under WebSockets that of HTTP. */
export function tlsRoad(options: TlsOptions, protocol: 'coap' | 'http/1.1'): StreamRoad {
  if (options.port !== undefined && options.accept === undefined)
    throw new ConfigError(['accept: nobody could come in: say who may']);
  return socketRoad(new TlsSockets(options, protocol), options, options.connections);
}

/** TLS over any road of streams, which node:tls takes for its sockets. */
export function tlsOver(inner: StreamRoad, options: Omit<TlsOptions, keyof ListenOptions>): StreamRoad {
  return streamsOver(inner, new TlsSockets(options, 'coap'));
}

/** Suites of RFC 4279, RFC 5487, RFC 6655 and RFC 8442, which node:tls leaves out unless they are asked for. */
const pskSuites = [
  'ECDHE-PSK-CHACHA20-POLY1305',
  'PSK-AES128-GCM-SHA256',
  'PSK-AES256-GCM-SHA384',
  'PSK-AES128-CCM',
  'PSK-AES128-CCM8',
  'ECDHE-PSK-AES128-CBC-SHA256',
  'PSK-AES128-CBC-SHA256',
];
const certificateSuites = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE+AESGCM',
  'ECDHE+CHACHA20',
  'ECDHE-ECDSA-AES128-CCM8',
  'ECDHE-ECDSA-AES128-CCM',
];
/** SSL_OP_NO_TICKET and SSL_OP_NO_RENEGOTIATION of OpenSSL: who comes back proves itself again, and does so once. */
const SECURE_OPTIONS = 0x4000 | 0x4000_0000;

class TlsSockets implements SocketKind, StreamSecuring {
  private readonly options: TlsOptions;
  private readonly protocol: string;
  private readonly client: ClientSide | undefined;
  private readonly server: NodeTlsOptions | undefined;
  /** As whom a connection came in by a pre-shared key. */
  private readonly identities = new WeakMap<Socket, Uint8Array>();

  constructor(options: TlsOptions, protocol: string) {
    this.options = options;
    this.protocol = protocol;
    this.client = options.connect === undefined ? undefined : clientSide(options.connect);
    this.server = options.accept === undefined ? undefined : this.serverSide(options.accept);
  }

  readonly serve: SocketKind['serve'] = (accept) => this.serving(accept, remoteOf);

  readonly secureServer: StreamSecuring['secureServer'] = (stream, remote, accept) => {
    this.serving(accept, () => remote).emit('connection', stream);
  };

  readonly secureClient: StreamSecuring['secureClient'] = (stream, address, ready) =>
    this.connecting({ socket: stream }, address, ready);

  private serving(accept: (stream: ByteStream) => void, remoteOf: (socket: TLSSocket) => Address | undefined): Server {
    const { handshakeTimeout = seconds(30), accept: acceptance = {} } = this.options;
    const server = createServer({ ...this.server, handshakeTimeout }, (socket) => {
      socket.on('error', () => undefined);
      const remote = remoteOf(socket);
      const identity = this.identityOf(socket, acceptance);
      if (remote === undefined) socket.destroy();
      else if (identity === undefined) {
        tellUnproved(socket);
        socket.destroy();
      } else {
        tellEstablished(socket, identity);
        accept(new NodeStream(socket, remote, identity));
      }
    });
    // A handshake that fails concerns one connection.
    server.on('tlsClientError', (error, socket) => {
      tellFailed(socket, error);
      socket.destroy();
    });
    return server;
  }

  readonly connect: SocketKind['connect'] = (address, ready) => {
    const { host, port } = address;
    return this.connecting({ host, port, ...eachFamily }, address, ready);
  };

  private connecting(
    by: ConnectionOptions,
    { host, port }: Parameters<SocketKind['connect']>[0],
    ready: Parameters<SocketKind['connect']>[1],
  ): TLSSocket {
    const { client } = this;
    if (client === undefined) throw new ConfigError(['connect: there are no credentials to connect with']);
    const name = client.hostName === undefined || client.hostName === false ? host : client.hostName;
    const socket = connect(
      {
        ...client.options,
        ...by,
        ...(isIP(name) === 0 ? { servername: name } : {}),
        ALPNProtocols: [this.protocol],
        minVersion: 'TLSv1.2',
        secureOptions: SECURE_OPTIONS,
        checkServerIdentity: (_host, certificate) =>
          client.hostName === false ? undefined : client.wrongName(name, certificate),
      },
      () => {
        const problem = client.judge(socket);
        const identity = problem === undefined ? client.identityOf(socket) : nobody;
        ready(problem ?? new NodeStream(socket, { via: 'tcp', host, port }, identity));
      },
    );
    return socket;
  }

  private serverSide(accept: TlsAcceptance): NodeTlsOptions {
    const { psk, certificate, authorities = [], clientAuthentication = 'required' } = accept;
    if (psk === undefined && certificate === undefined) throw new ConfigError(['accept: neither psk nor certificate']);
    if (certificate !== undefined && clientAuthentication === 'required' && authorities.length === 0)
      throw new ConfigError(['accept.authorities: nobody vouches for those who come']);
    const suites = [...(certificate === undefined ? [] : certificateSuites), ...(psk === undefined ? [] : pskSuites)];
    return {
      ALPNProtocols: [this.protocol],
      minVersion: 'TLSv1.2',
      ciphers: suites.join(':'),
      honorCipherOrder: true,
      secureOptions: SECURE_OPTIONS,
      ...(certificate === undefined ? { maxVersion: 'TLSv1.2' as const } : shown(certificate, 'accept.certificate')),
      ca: authorities.map((each, i) => certificatePem(each, `accept.authorities[${i}]`)),
      requestCert: certificate !== undefined && clientAuthentication !== 'none',
      // `identityOf` judges: from 24 on Node.js sends away who comes by a key and therefore shows no certificate.
      rejectUnauthorized: false,
      ...(psk === undefined ? {} : { pskCallback: (socket: TLSSocket, text: string) => this.keyOf(socket, text, psk) }),
    };
  }

  private keyOf(socket: TLSSocket, text: string, psk: NonNullable<TlsAcceptance['psk']>): Uint8Array | null {
    const identity = encodeUtf8(text);
    const key = psk(identity);
    if (key === undefined) return null;
    this.identities.set(socket, identity);
    return key.reveal();
  }

  /** Undefined for somebody who has proved nothing and should have. */
  private identityOf(
    socket: TLSSocket,
    { certificate, clientAuthentication = 'required' }: TlsAcceptance,
  ): Identity | undefined {
    // Under TLS 1.3 an identity may have been asked for and then not been used: it proves nothing.
    const isPsk = socket.getProtocol() === 'TLSv1.2' && socket.getCipher().name.includes('PSK');
    const id = isPsk ? this.identities.get(socket) : undefined;
    if (id !== undefined) return { kind: 'psk', id };
    const shownIdentity = certificateIdentity(socket);
    if (certificate === undefined) return undefined;
    if (shownIdentity.kind === 'none') return clientAuthentication === 'required' ? undefined : nobody;
    return socket.authorized ? shownIdentity : undefined;
  }
}

interface ClientSide {
  readonly options: ConnectionOptions;
  readonly hostName: string | false | undefined;
  wrongName(name: string, certificate: PeerCertificate): Error | undefined;
  /** What is wrong with a server whose handshake went well; undefined when nothing is. */
  judge(socket: TLSSocket): Error | undefined;
  identityOf(socket: TLSSocket): Identity;
}

function clientSide(credentials: TlsCredentials): ClientSide {
  if (credentials.kind === 'psk') {
    const { identity, key } = credentials;
    const text = textIdentity(identity);
    return {
      options: {
        ciphers: pskSuites.join(':'),
        maxVersion: 'TLSv1.2',
        pskCallback: () => ({ psk: key.reveal(), identity: text }),
      },
      hostName: false,
      wrongName: () => undefined,
      judge: () => undefined,
      identityOf: () => ({ kind: 'psk', id: identity }),
    };
  }
  const { own, roots, pinned, vouching = 'needed', hostName, commonName } = credentials;
  const leaf = pinned === undefined ? undefined : certificatesDer(pinned, 'pinned')[0];
  const isPinned = vouching === 'pinned-is-enough';
  const wrongName = (name: string, certificate: PeerCertificate): Error | undefined =>
    certificate.subjectaltname === undefined && commonName !== 'accepted'
      ? new FormatError('the certificate of the server has no names')
      : checkServerIdentity(name, certificate);
  if (isPinned && leaf === undefined) throw new ConfigError(['connect.pinned: missing']);
  if (!isPinned && roots.length === 0) throw new ConfigError(['connect.roots: nobody vouches for the server']);
  return {
    options: {
      ciphers: certificateSuites.join(':'),
      ca: roots.map((each, i) => certificatePem(each, `connect.roots[${i}]`)),
      rejectUnauthorized: !isPinned,
      ...(own === undefined ? {} : shown(own, 'connect.own')),
    },
    hostName: isPinned && hostName === undefined ? false : hostName,
    wrongName,
    judge: (socket) => {
      const raw = socket.getPeerCertificate().raw as Uint8Array | undefined;
      if (leaf === undefined) return undefined;
      if (raw !== undefined && equalBytes(raw, leaf)) {
        // Where nobody vouches, node:tls does not look at names either.
        const named = isPinned && typeof hostName === 'string';
        return named ? wrongName(hostName, socket.getPeerCertificate()) : undefined;
      }
      return new FormatError('the server shows another certificate than the one that is pinned');
    },
    identityOf: certificateIdentity,
  };
}

function shown({ chain, privateKey }: TlsCertificateAndKey, what: string): { cert: string; key: string } {
  return {
    cert: chain.map((each, i) => certificatePem(each, `${what}.chain[${i}]`)).join(''),
    key: privateKeyPem(privateKey, `${what}.privateKey`),
  };
}

function textIdentity(identity: Uint8Array): string {
  try {
    const text = decodeUtf8(identity);
    if (!text.includes('\0')) return text;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  throw new ConfigError(['connect.identity: over TLS a PSK identity has to be text']);
}

/** Subject as RFC 4514 text and the chain, leaf first; nobody where no certificate was shown. */
function certificateIdentity(socket: TLSSocket): Identity {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return nobody;
  const chain: Uint8Array[] = [];
  let each: PeerCertificate | undefined = socket.getPeerCertificate(true);
  while (each?.raw !== undefined && !chain.some((known) => equalBytes(known, each?.raw as Uint8Array))) {
    chain.push(new Uint8Array(each.raw));
    each = 'issuerCertificate' in each ? (each.issuerCertificate as PeerCertificate | undefined) : undefined;
  }
  // One line for each relative name, in the order of the certificate; most specific first is the other way round.
  const subject = (leaf.subject ?? '')
    .split('\n')
    .reverse()
    .map((part) => part.replaceAll(' + ', '+'))
    .join(',');
  return { kind: 'x509', subject, chain };
}
