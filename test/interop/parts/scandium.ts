// Scandium, the DTLS library of Californium and Leshan, from Maven, under a small program of ours in `scandium/`. It knows
// pre-shared keys, raw public keys, certificates, connection ids and session ids; it has no tickets.
import { material } from './dtls-material.ts';
import { type DtlsClient, type DtlsOptions, type DtlsPeer, type DtlsServer, LineClient } from './dtls-peer.ts';
import { JavaPrograms } from './java.ts';
import { freeUdpPort } from './ports.ts';
import type { Process } from './process.ts';

const programs = new JavaPrograms('Scandium', 'scandium', { ready: /^started$/m });

async function start(role: 'server' | 'client', port: number, options: DtlsOptions): Promise<Process> {
  const { suite, raw, client = 'shown', serverName, mtu, connectionId, without } = options;
  const made = await material();
  const [own, other] = role === 'server' ? [made.server, made.client] : [made.client, made.server];
  const party = role === 'server' && suite.signedBy === 'rsa' ? made.rsa : own;
  const said: Record<string, string | number | undefined> = {
    role,
    port,
    suite: suite.name,
    serverName,
    mtu,
    connectionId,
    ...(without === 'extended master secret' ? { old: 'yes' } : {}),
    ...(suite.signedBy === undefined
      ? { identity: made.identity, psk: made.psk }
      : {
          key: party.key,
          ...(raw === true
            ? { raw: 'yes', publicKey: party.publicKey, trusted: other.publicKey }
            : { certificate: party.certificate, authority: made.authority }),
          ...(client === 'anonymous' ? { anonymous: 'yes' } : {}),
        }),
  };
  const args = Object.entries(said).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return programs.start(`Scandium ${role}`, 'DtlsProgram', args);
}

class ScandiumServer implements DtlsServer {
  readonly port: number;
  readonly process: Process;

  constructor(port: number, process: Process) {
    this.port = port;
    this.process = process;
  }

  async repeat(line: string): Promise<void> {
    await this.process.waitFor(new RegExp(`^received ${line}$`, 'm'));
  }

  stop(): Promise<void> {
    return this.process.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

export const scandiumPeer: DtlsPeer = {
  part: programs.part,

  version: async () => programs.versionOf('scandium'),

  serve: async (options): Promise<DtlsServer> => {
    const port = await freeUdpPort();
    return new ScandiumServer(port, await start('server', port, options));
  },

  // It begins with the first line that it is given.
  connect: async (port, options): Promise<DtlsClient> => new LineClient(await start('client', port, options)),

  resume: async (port, options, ask) => {
    await using client = new LineClient(await start('client', port, options));
    await client.ask(ask);
    client.process.write('resume\n');
    await client.ask(ask);
    return /^connected .*resumed=true$/m.test(client.process.output);
  },
};
