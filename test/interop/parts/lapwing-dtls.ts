// Lapwing's DTLS over UDP in both roles, speaking lines like the other peers: a server that gives every line back, and a
// client that asks. What each proves itself with follows from the same options as those of the peers.
import { readFileSync } from 'node:fs';
import { udpTransport } from '@lapwing/coap';
import {
  type CertificateAndKey,
  type CredentialStore,
  type Credentials,
  type DtlsTransport,
  type EstablishedEvent,
  type SecureOptions,
  secure,
} from '@lapwing/dtls';
import { type Datagram, type Peer, Secret } from '@lapwing/kernel';
import { derOf, type Material, material, type Party } from './dtls-material.ts';
import type { DtlsOptions } from './dtls-peer.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString().trimEnd();

/** A party's certificate and key as Lapwing takes them. */
export function show({ certificate, key }: Party): CertificateAndKey {
  return { chain: [readFileSync(certificate, 'utf8')], privateKey: readFileSync(key, 'utf8') };
}

function storeOf(made: Material, { suite, raw, client = 'shown' }: DtlsOptions): CredentialStore {
  const known = Buffer.from(made.identity);
  if (suite.signedBy === undefined)
    return { psk: (identity) => (known.equals(identity) ? new Secret(Buffer.from(made.psk, 'hex')) : undefined) };
  const clientAuthentication = client === 'shown' ? 'required' : 'none';
  if (raw === true) {
    const expected = Buffer.from(derOf(made.client.publicKey, 'PUBLIC KEY'));
    return {
      rawPublicKey: { privateKey: readFileSync(made.server.key, 'utf8') },
      acceptRawPublicKey: (key) => expected.equals(key),
      clientAuthentication,
    };
  }
  const own = show(suite.signedBy === 'rsa' ? made.rsa : made.server);
  const second = show(made.second);
  return {
    certificate: (name) => (name === made.second.name ? second : own),
    acceptCertificate: { trust: { roots: [readFileSync(made.authority, 'utf8')] } },
    clientAuthentication,
  };
}

/** What a client proves itself with, and whom it trusts. */
export function credentialsOf(made: Material, { suite, raw, client = 'shown', serverName }: DtlsOptions): Credentials {
  if (suite.signedBy === undefined)
    return { kind: 'psk', identity: Buffer.from(made.identity), key: new Secret(Buffer.from(made.psk, 'hex')) };
  if (raw === true) {
    const trusted = [readFileSync(made.server.publicKey, 'utf8')];
    return { kind: 'rpk', privateKey: readFileSync(made.client.key, 'utf8'), trusted };
  }
  const roots = [readFileSync(made.authority, 'utf8')];
  return {
    kind: 'x509',
    ...(client === 'shown' ? { own: show(made.client) } : {}),
    trust: { roots, ...(serverName === undefined ? {} : { hostName: serverName }) },
  };
}

/** What both roles understand the same way. */
function common({ suite, connectionId, resumption, serverName }: DtlsOptions): SecureOptions {
  return {
    suites: [suite.name],
    ...(connectionId === undefined ? { connectionId: false } : { connectionId: { length: connectionId } }),
    ...(resumption === 'id' ? { resumption: { tickets: false } } : {}),
    ...(resumption === 'ticket' ? { resumption: { sessions: false } } : {}),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

/** Waits for what comes by itself; `within` in s. */
async function until<T>(what: string, find: () => T | undefined, within = 15): Promise<T> {
  for (let waited = 0; ; waited += 10) {
    const found = find();
    if (found !== undefined) return found;
    if (waited >= within * 1000) throw new Error(`waited ${within} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The secured transport, its options, and the handshakes that were finished on it. */
export async function secured(
  role: 'server' | 'client',
  options: DtlsOptions,
  more: Partial<SecureOptions> = {},
): Promise<{
  readonly transport: DtlsTransport;
  readonly port: () => number;
  readonly established: EstablishedEvent[];
}> {
  const made = await material();
  const established: EstablishedEvent[] = [];
  const udp = udpTransport(options.mtu === undefined ? {} : { mtu: options.mtu });
  const transport = secure(udp, {
    ...common(options),
    ...(role === 'server' ? { accept: storeOf(made, options) } : { connect: credentialsOf(made, options) }),
    onEstablished: (event) => established.push(event),
    ...more,
  });
  return { transport, port: () => udp.address.port, established };
}

export class LapwingDtlsServer implements AsyncDisposable {
  readonly transport: DtlsTransport;
  readonly port: number;
  readonly established: readonly EstablishedEvent[];
  readonly received: readonly Datagram[];

  private constructor(transport: DtlsTransport, port: number, established: EstablishedEvent[], received: Datagram[]) {
    this.transport = transport;
    this.port = port;
    this.established = established;
    this.received = received;
  }

  static async start(options: DtlsOptions, more: Partial<SecureOptions> = {}): Promise<LapwingDtlsServer> {
    const { transport, port, established } = await secured('server', options, more);
    const received: Datagram[] = [];
    await transport.open({
      receive: (datagram) => {
        received.push(datagram);
        transport.send(datagram.peer, datagram.bytes);
      },
      lost: () => {},
    });
    return new LapwingDtlsServer(transport, port(), established, received);
  }

  /** Waits for a line, which it has sent back by then; gives who sent it. */
  async repeat(line: string): Promise<Peer> {
    const find = (): Datagram | undefined => this.received.find(({ bytes }) => text(bytes) === line);
    return (await until(`the line "${line}"`, find)).peer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport[Symbol.asyncDispose]();
  }
}

export class LapwingDtlsClient implements AsyncDisposable {
  readonly transport: DtlsTransport;
  readonly established: readonly EstablishedEvent[];
  readonly #port: number;
  readonly #received: string[];
  #peer: Peer | undefined;

  private constructor(transport: DtlsTransport, port: number, established: EstablishedEvent[], received: string[]) {
    this.transport = transport;
    this.established = established;
    this.#port = port;
    this.#received = received;
  }

  /** Connected to the server at this port. */
  static async start(
    port: number,
    options: DtlsOptions,
    more: Partial<SecureOptions> = {},
  ): Promise<LapwingDtlsClient> {
    const { transport, established } = await secured('client', options, more);
    const received: string[] = [];
    await transport.open({ receive: ({ bytes }) => received.push(text(bytes)), lost: () => {} });
    const client = new LapwingDtlsClient(transport, port, established, received);
    try {
      await client.connect();
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
    return client;
  }

  async connect(): Promise<void> {
    this.#peer = await this.transport.connect(
      { via: 'udp', host: '127.0.0.1', port: this.#port },
      AbortSignal.timeout(20_000),
    );
  }

  /** Sends a line and waits until it has come back. */
  async ask(line: string): Promise<void> {
    this.transport.send(this.#peer!, Buffer.from(`${line}\n`));
    await until(`the line "${line}"`, () => (this.#received.includes(line) ? true : undefined));
  }

  /** Says good-bye and connects again. */
  async reconnect(): Promise<void> {
    this.transport.close(this.#peer!);
    await this.connect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport[Symbol.asyncDispose]();
  }
}
