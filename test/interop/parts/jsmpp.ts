// An SMS centre on jSMPP, the SMPP library of Java, from Maven, under the small program in `jsmpp/`.
import { join } from 'node:path';
import { material } from './dtls-material.ts';
import { EventLines, JavaPrograms, startedEvent } from './java.ts';
import { program } from './part.ts';
import { freeTcpPort } from './ports.ts';
import { mustRun, type Process } from './process.ts';

const programs = new JavaPrograms('jSMPP', 'jsmpp', { ready: startedEvent });

export const jsmpp = programs.part;

/** All but the name as text. */
export interface CentreEvent {
  readonly event: string;
  readonly account?: string;
  readonly from?: string;
  readonly to?: string;
  readonly sourceTon?: string;
  readonly sourceNpi?: string;
  readonly esmClass?: string;
  readonly coding?: string;
  readonly hex?: string;
  readonly what?: string;
}

export interface Account {
  readonly password: string;
  /** Without a plus. */
  readonly number: string;
}

export class JavaCentre implements AsyncDisposable {
  readonly port: number;
  readonly process: Process;
  readonly #events: EventLines<CentreEvent>;

  private constructor(port: number, process: Process) {
    this.port = port;
    this.process = process;
    this.#events = new EventLines(process);
  }

  static async start(
    accounts: Readonly<Record<string, Account>>,
    { port: given, security }: { readonly port?: number; readonly security?: 'tls' } = {},
  ): Promise<JavaCentre> {
    const port = given ?? (await freeTcpPort());
    const args = Object.entries(accounts).map(([name, { password, number }]) => `${name}:${password}:${number}`);
    if (security === 'tls') args.push(`tls=${await keyStore()}:changeit`);
    return new JavaCentre(port, await programs.start('jSMPP centre', 'CentreProgram', [String(port), ...args]));
  }

  /** `bound`, `refused`, `gone`, `message`, `delivered`, `undelivered`, `failed`. */
  next(kind: string, wanted?: (event: CentreEvent) => boolean, options?: { within?: number }): Promise<CentreEvent> {
    return this.#events.next(kind, wanted, options);
  }

  /** A line as `CentreProgram.java` takes it. */
  tell(command: string): void {
    this.process.write(`${command}\n`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.process.stop();
  }
}

/** The server's key and certificate as Java wants them. */
async function keyStore(): Promise<string> {
  const { folder, server } = await material();
  const file = join(folder, 'centre.p12');
  const from = ['-inkey', server.key, '-in', server.certificate];
  await mustRun({
    ...{ name: 'openssl pkcs12', command: program('openssl'), lifetime: 30 },
    args: ['pkcs12', '-export', ...from, '-name', 'centre', '-passout', 'pass:changeit', '-out', file],
  });
  return file;
}
