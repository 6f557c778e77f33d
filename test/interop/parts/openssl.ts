// OpenSSL's `s_client` and `s_server` over DTLS 1.2. Both speak with a terminal: what comes in is what is sent, what was
// received is printed; a line that begins with Q, R or the like would be a command.
import { join } from 'node:path';
import { type Material, material, type Party } from './dtls-material.ts';
import { type DtlsClient, type DtlsOptions, type DtlsPeer, type DtlsServer, exactly, LineClient } from './dtls-peer.ts';
import type { Suite } from './dtls-suites.ts';
import { missing, type Part, program } from './part.ts';
import { freeUdpPort } from './ports.ts';
import { mustRun, Process } from './process.ts';

export const openssl: Part = { name: 'OpenSSL', from: 'Debian', available: async () => missing('openssl') };

/** CCM_8 and suites without forward secrecy stand below the default security level. */
function cipher({ name, openssl: own }: Suite): readonly string[] {
  if (own === undefined) throw new Error(`OpenSSL has no ${name}`);
  return ['-cipher', `${own}:@SECLEVEL=0`];
}

function tuned({ without, group }: DtlsOptions): readonly string[] {
  return [...(without === 'encrypt-then-MAC' ? ['-no_etm'] : []), ...(group === undefined ? [] : ['-groups', group])];
}

const show = ({ certificate, key }: Party): readonly string[] => ['-cert', certificate, '-key', key];

function serverArguments(made: Material, { suite, client = 'shown', mtu, resumption }: DtlsOptions): readonly string[] {
  const limit = mtu === undefined ? [] : ['-mtu', String(mtu)];
  const tickets = resumption === 'id' ? ['-no_ticket'] : [];
  if (suite.signedBy === undefined)
    return ['-nocert', '-psk', made.psk, '-psk_identity', made.identity, ...limit, ...tickets];
  const { second } = made;
  return [
    ...show(suite.signedBy === 'rsa' ? made.rsa : made.server),
    ...['-servername', second.name, '-cert2', second.certificate, '-key2', second.key],
    // Two errors of verification at least are fatal; without -Verify no certificate is asked for.
    ...(client === 'shown' ? ['-Verify', '2', '-verify_return_error', '-CAfile', made.authority] : []),
    ...limit,
    ...tickets,
  ];
}

function clientArguments(made: Material, options: DtlsOptions): readonly string[] {
  const { suite, client = 'shown', serverName, mtu, resumption } = options;
  return [
    ...(serverName === undefined ? ['-noservername'] : ['-servername', serverName]),
    ...(mtu === undefined ? [] : ['-mtu', String(mtu)]),
    ...(resumption === 'id' ? ['-no_ticket'] : []),
    ...(suite.signedBy === undefined
      ? ['-psk', made.psk, '-psk_identity', made.identity]
      : ['-CAfile', made.authority, '-verify_return_error', ...(client === 'shown' ? show(made.client) : [])]),
  ];
}

async function startClient(port: number, options: DtlsOptions, more: readonly string[] = []): Promise<Process> {
  const fixed = ['s_client', '-dtls1_2', '-connect', `127.0.0.1:${port}`, ...cipher(options.suite), ...tuned(options)];
  return Process.start({
    name: 'openssl s_client',
    command: program('openssl'),
    args: [...fixed, ...clientArguments(await material(), options), ...more],
    ready: /Extended master secret: \w+/,
  });
}

class OpensslServer implements DtlsServer {
  readonly port: number;
  readonly process: Process;

  constructor(port: number, process: Process) {
    this.port = port;
    this.process = process;
  }

  async repeat(line: string): Promise<void> {
    await this.process.waitFor(exactly(line));
    this.process.write(`${line}\n`);
  }

  stop(): Promise<void> {
    return this.process.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export const opensslPeer: DtlsPeer = {
  part: openssl,

  version: async () =>
    /OpenSSL (\S+)/.exec(await mustRun({ name: 'openssl', command: program('openssl'), args: ['version'] }))?.[1] ??
    '?',

  serve: async (options): Promise<DtlsServer> => {
    const port = await freeUdpPort();
    const fixed = ['s_server', '-dtls1_2', '-accept', `127.0.0.1:${port}`, ...cipher(options.suite), ...tuned(options)];
    const started = await Process.start({
      name: 'openssl s_server',
      command: program('openssl'),
      args: [...fixed, ...serverArguments(await material(), options)],
      ready: /^ACCEPT$/m,
    });
    return new OpensslServer(port, started);
  },

  connect: async (port, options): Promise<DtlsClient> => new LineClient(await startClient(port, options)),

  resume: async (port, options, ask) => {
    const session = join((await material()).folder, `session-${port}`);
    await new LineClient(await startClient(port, options, ['-sess_out', session])).leave();
    await using again = new LineClient(await startClient(port, options, ['-sess_in', session]));
    await again.ask(ask);
    return /^Reused, /m.test(again.process.output);
  },
};

/** For messages that are no lines: `s_client` that prints nothing but what it receives. */
export async function startRawClient(port: number, options: DtlsOptions): Promise<Process> {
  const fixed = [
    's_client',
    '-dtls1_2',
    '-quiet',
    '-connect',
    `127.0.0.1:${port}`,
    ...cipher(options.suite),
    ...tuned(options),
  ];
  return Process.start({
    name: 'openssl s_client',
    command: program('openssl'),
    args: [...fixed, ...clientArguments(await material(), options)],
  });
}
