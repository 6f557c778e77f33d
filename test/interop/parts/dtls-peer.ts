// What the DTLS tests want of every peer, whatever it is made of: a server that gives lines back, and a client that
// sends lines and sees them come back.
import type { Suite } from './dtls-suites.ts';
import type { Part } from './part.ts';
import type { Process } from './process.ts';

export interface DtlsOptions {
  /** The only suite that is offered or accepted. */
  readonly suite: Suite;
  /** Raw public keys on both sides, where the suite has signatures; default certificates. */
  readonly raw?: true;
  /** What a client shows, and whether a server insists on it, where the suite has signatures. Default 'shown'. */
  readonly client?: 'shown' | 'anonymous';
  /** Of a client: the name it asks for. A server has the certificate `second` for `second.test`. */
  readonly serverName?: string;
  /** Bytes in a datagram. */
  readonly mtu?: number;
  /** How sessions come back. Default 'ticket' where the peer has tickets. */
  readonly resumption?: 'id' | 'ticket';
  /** What the peer pretends not to know. */
  readonly without?: 'encrypt-then-MAC' | 'extended master secret';
  /** The only group of the peer. */
  readonly group?: 'P-256' | 'P-384' | 'X25519';
  /** Bytes in the connection id that others shall use towards this peer. Default: it knows of none. */
  readonly connectionId?: number;
}

export interface DtlsServer extends AsyncDisposable {
  readonly port: number;
  readonly process: Process;
  /** Waits for this line from a client and sends it back. */
  repeat(line: string): Promise<void>;
  stop(): Promise<void>;
}

export interface DtlsClient extends AsyncDisposable {
  readonly process: Process;
  /** Sends a line and waits until it has come back. */
  ask(line: string): Promise<void>;
  /** Says good-bye and ends. */
  leave(): Promise<void>;
  stop(): Promise<void>;
}

export interface DtlsPeer {
  readonly part: Part;
  /** As the program itself says. */
  version(): Promise<string>;
  serve(options: DtlsOptions): Promise<DtlsServer>;
  /** Ready to be asked; connected at the latest when the first line has come back. */
  connect(port: number, options: DtlsOptions): Promise<DtlsClient>;
  /** Connects, ends the connection and connects again; `ask` is what it says then. Whether the session was resumed. */
  resume(port: number, options: DtlsOptions, ask: string): Promise<boolean>;
}

/** Client and server of which one waits while the other speaks. */
export async function exchange(
  client: { ask(line: string): Promise<void> },
  server: { repeat(line: string): Promise<unknown> },
  line: string,
): Promise<void> {
  await Promise.all([server.repeat(line), client.ask(line)]);
}

/** A line of output that is exactly this text. */
export function exactly(line: string): RegExp {
  return new RegExp(`^${line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\r?$`, 'm');
}

/** The clients here that read lines from standard input and print what comes back. */
export class LineClient implements DtlsClient {
  readonly process: Process;

  constructor(process: Process) {
    this.process = process;
  }

  async ask(line: string): Promise<void> {
    const from = this.process.mark;
    this.process.write(`${line}\n`);
    await this.process.waitFor(exactly(line), { from });
  }

  async leave(): Promise<void> {
    this.process.end();
    await this.process.exited;
  }

  stop(): Promise<void> {
    return this.process.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
