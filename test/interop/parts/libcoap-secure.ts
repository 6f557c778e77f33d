// libcoap's example client and server over coaps, once with OpenSSL and once with GnuTLS below. They offer what their
// library offers; only the one with GnuTLS has raw public keys.
import { type Material, material, type Party } from './dtls-material.ts';
import { type Answer, type AskOptions, clientArguments } from './libcoap.ts';
import { missing, type Part, program } from './part.ts';
import { freeUdpPair } from './ports.ts';
import { Process, run } from './process.ts';

export type Library = 'openssl' | 'gnutls';
export type CoapsCredential = 'psk' | 'rpk' | 'x509';

export const libraryName = (library: Library) =>
  library === 'openssl' ? 'libcoap with OpenSSL' : 'libcoap with GnuTLS';

/** As the program says it when it is asked for nothing. */
export async function libcoapVersion(library: Library): Promise<string> {
  const name = `coap-client-${library}`;
  const { output } = await run({ name, command: program(name), args: [] });
  const [, own = '?'] = /coap-client\S* v(\S+)/.exec(output) ?? [];
  return own;
}

export const secureLibcoap = (library: Library): Part => ({
  name: libraryName(library),
  from: 'Debian',
  available: async () => {
    const answer = missing(`coap-client-${library}`);
    return answer === true ? missing(`coap-server-${library}`) : answer;
  },
});

function show(made: Material, credential: CoapsCredential, party: Party): readonly string[] {
  switch (credential) {
    case 'psk':
      return ['-k', Buffer.from(made.psk, 'hex').toString()];
    case 'rpk':
      return ['-M', party.pair];
    case 'x509':
      return ['-c', party.certificate, '-j', party.key, '-C', made.authority];
  }
}

/** Asks once with coap-client and waits for its end. */
export async function askSecurely(
  library: Library,
  credential: CoapsCredential,
  uri: string,
  options: AskOptions = {},
): Promise<Answer> {
  const made = await material();
  const user = credential === 'psk' ? ['-u', made.identity] : [];
  const args = [...show(made, credential, made.client), ...user, ...(options.args ?? [])];
  const { code, signal, output, stdout } = await run({
    name: `coap-client-${library}`,
    command: program(`coap-client-${library}`),
    args: clientArguments(uri, { ...options, args }),
    ...(options.payload === undefined ? {} : { input: options.payload }),
    lifetime: (options.within ?? 10) + 10,
  });
  if (code !== 0) throw new Error(`coap-client-${library} ended with ${code ?? signal}:\n${output}`);
  return { payload: stdout, refusal: /^([45]\.\d\d)\b/m.exec(output)?.[1], output };
}

export class SecureLibcoapServer implements AsyncDisposable {
  /** Of coaps. */
  readonly port: number;
  readonly process: Process;

  private constructor(port: number, process: Process) {
    this.port = port;
    this.process = process;
  }

  static async start(library: Library, credential: CoapsCredential): Promise<SecureLibcoapServer> {
    const made = await material();
    const port = await freeUdpPair();
    const started = await Process.start({
      name: `coap-server-${library}`,
      command: program(`coap-server-${library}`),
      args: [...['-A', '127.0.0.1', '-p', String(port), '-d', '20', '-v', '7'], ...show(made, credential, made.server)],
      ready: /created DTLS\s+endpoint/,
    });
    return new SecureLibcoapServer(port + 1, started);
  }

  get uri(): string {
    return `coaps://127.0.0.1:${this.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.process.stop();
  }
}
