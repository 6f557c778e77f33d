// GnuTLS's `gnutls-cli` and `gnutls-serv` over DTLS 1.2, with certificates, pre-shared keys and raw public keys. The
// server repeats lines by itself. It listens on all addresses: it has no option for one.

import { type Material, material, type Party } from './dtls-material.ts';
import { type DtlsClient, type DtlsOptions, type DtlsPeer, type DtlsServer, LineClient } from './dtls-peer.ts';
import { missing, type Part, program } from './part.ts';
import { freeUdpPort } from './ports.ts';
import { mustRun, Process } from './process.ts';

export const gnutls: Part = {
  name: 'GnuTLS',
  from: 'Debian',
  available: async () => {
    const answer = missing('gnutls-cli');
    return answer === true ? missing('gnutls-serv') : answer;
  },
};

const groups = { 'P-256': 'GROUP-SECP256R1', 'P-384': 'GROUP-SECP384R1', X25519: 'GROUP-X25519' } as const;
const flags = { 'encrypt-then-MAC': '%NO_ETM', 'extended master secret': '%NO_SESSION_HASH' } as const;

function priority({ suite: { name, gnutls: own }, raw, group, without }: DtlsOptions): readonly string[] {
  if (own === undefined) throw new Error(`GnuTLS has no ${name}`);
  const [exchange, cipher, mac] = own;
  const types = raw === true ? ['CTYPE-CLI-RAWPK', 'CTYPE-SRV-RAWPK'] : ['CTYPE-X509'];
  const words = [
    'VERS-DTLS1.2',
    exchange,
    cipher,
    mac,
    'COMP-NULL',
    'SIGN-ALL',
    group === undefined ? 'GROUP-ALL' : groups[group],
    ...types,
  ];
  return [
    '--priority',
    ['NONE', ...words.map((word) => `+${word}`), ...(without === undefined ? [] : [flags[without]])].join(':'),
  ];
}

function show({ certificate, key, publicKey }: Party, { raw }: DtlsOptions): readonly string[] {
  return raw === true
    ? ['--rawpkkeyfile', key, '--rawpkfile', publicKey]
    : ['--x509keyfile', key, '--x509certfile', certificate];
}

function common({ mtu, resumption }: DtlsOptions): readonly string[] {
  return [...(mtu === undefined ? [] : ['--mtu', String(mtu)]), ...(resumption === 'id' ? ['--noticket'] : [])];
}

function serverArguments(made: Material, options: DtlsOptions): readonly string[] {
  const { suite, raw, client = 'shown' } = options;
  if (suite.signedBy === undefined) return ['--pskpasswd', made.pskFile];
  const own = show(suite.signedBy === 'rsa' ? made.rsa : made.server, options);
  if (client === 'anonymous') return [...own, '--disable-client-cert'];
  const trust = raw === true ? [] : ['--x509cafile', made.authority, '--verify-client-cert'];
  return [...own, '--require-client-cert', ...trust];
}

function clientArguments(made: Material, options: DtlsOptions): readonly string[] {
  const { suite, raw, client = 'shown', serverName } = options;
  const name = serverName === undefined ? ['--disable-sni'] : ['--sni-hostname', serverName];
  if (suite.signedBy === undefined) return [...name, '--pskusername', made.identity, '--pskkey', made.psk];
  const own = client === 'shown' ? show(made.client, options) : [];
  // It has no way to be told which raw key to expect.
  const trust = raw === true ? ['--insecure'] : ['--x509cafile', made.authority];
  const host = raw === true ? [] : ['--verify-hostname', serverName ?? 'localhost'];
  return [...name, ...own, ...trust, ...host];
}

async function startClient(port: number, options: DtlsOptions, more: readonly string[] = []): Promise<Process> {
  return Process.start({
    name: 'gnutls-cli',
    command: program('gnutls-cli'),
    args: [
      ...['--udp', '--port', String(port), ...priority(options), ...common(options)],
      ...clientArguments(await material(), options),
      ...more,
      '127.0.0.1',
    ],
    ready: /Simple Client Mode/,
  });
}

class GnutlsServer implements DtlsServer {
  readonly port: number;
  readonly process: Process;

  constructor(port: number, process: Process) {
    this.port = port;
    this.process = process;
  }

  async repeat(line: string): Promise<void> {
    await this.process.waitFor(new RegExp(`Processing \\d+ bytes command: ${line}`));
  }

  stop(): Promise<void> {
    return this.process.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export const gnutlsPeer: DtlsPeer = {
  part: gnutls,

  version: async () =>
    /gnutls-cli (\S+)/.exec(
      await mustRun({ name: 'gnutls-cli', command: program('gnutls-cli'), args: ['--version'] }),
    )?.[1] ?? '?',

  serve: async (options): Promise<DtlsServer> => {
    const port = await freeUdpPort();
    const started = await Process.start({
      name: 'gnutls-serv',
      command: program('gnutls-serv'),
      args: [
        ...['--udp', '--echo', '--port', String(port), ...priority(options), ...common(options)],
        ...serverArguments(await material(), options),
      ],
      // The line begins before the port is bound.
      ready: /UDP Echo Server listening on IPv4 .*\.\.\.done/,
    });
    return new GnutlsServer(port, started);
  },

  connect: async (port, options): Promise<DtlsClient> => new LineClient(await startClient(port, options)),

  // One process does both: the first time ends by itself.
  resume: async (port, options, ask) => {
    await using client = new LineClient(await startClient(port, options, ['--resume']));
    await client.ask(ask);
    return client.process.output.includes('This is a resumed session');
  },
};
