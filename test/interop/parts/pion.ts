// pion, the DTLS library of Go, under a small program of ours in `pion/`, built by the Go tools with what their module
// proxy serves. It knows connection ids and session ids, but neither tickets nor raw public keys.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { material } from './dtls-material.ts';
import { type DtlsClient, type DtlsOptions, type DtlsPeer, type DtlsServer, LineClient } from './dtls-peer.ts';
import { type Suite, suites } from './dtls-suites.ts';
import { cache, findProgram, lastLine, type Part } from './part.ts';
import { freeUdpPort } from './ports.ts';
import { mustRun, Process } from './process.ts';

const sources = fileURLToPath(new URL('pion', import.meta.url));
const digest = createHash('sha256')
  .update(
    readdirSync(sources)
      .map((name) => `${name}\n${readFileSync(join(sources, name), 'utf8')}`)
      .join('\n'),
  )
  .digest('hex')
  .slice(0, 12);
const build = join(cache, `pion-${digest}`);
const binary = join(build, 'pion');

let prepared: Promise<true | string> | undefined;

export const pion: Part = {
  name: 'pion',
  from: 'Go',
  available: () => {
    prepared ??= prepare();
    return prepared;
  },
};

async function prepare(): Promise<true | string> {
  const go = findProgram('go');
  if (go === undefined) return 'go is not installed';
  if (existsSync(binary)) return true;
  try {
    rmSync(build, { recursive: true, force: true });
    mkdirSync(build, { recursive: true });
    // Neither another version of Go nor anything that go.sum does not name is fetched.
    const env = { GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', CGO_ENABLED: '0' };
    const args = ['build', '-buildvcs=false', '-trimpath', '-o', binary, '.'];
    await mustRun({ name: 'go build', command: go, args, cwd: sources, env, lifetime: 300 });
    return true;
  } catch (error) {
    return `pion cannot be built: ${lastLine(error)}`;
  }
}

/** The numbers of the suites that pion has, in the registry of IANA. */
const numbers = new Map<Suite, number>([
  [suites.pskCcm8, 0xc0a8],
  [suites.pskCcm, 0xc0a4],
  [suites.pskGcm, 0x00a8],
  [suites.pskCbc, 0x00ae],
  [suites.ecdhePskCbc, 0xc037],
  [suites.ecdsaCcm8, 0xc0ae],
  [suites.ecdsaCcm, 0xc0ac],
  [suites.ecdsaGcm, 0xc02b],
  [suites.ecdsaGcm256, 0xc02c],
  [suites.rsaGcm, 0xc02f],
  [suites.rsaGcm256, 0xc030],
]);

export const hasSuite = (suite: Suite): boolean => numbers.has(suite);

async function start(role: 'server' | 'client', port: number, options: DtlsOptions): Promise<Process> {
  const { suite, raw, client = 'shown', serverName, mtu, connectionId, without } = options;
  const number = numbers.get(suite);
  if (number === undefined || raw === true) throw new Error(`pion has no ${raw === true ? 'raw keys' : suite.name}`);
  const made = await material();
  const signed = suite.signedBy !== undefined;
  const party = role === 'client' ? made.client : suite.signedBy === 'rsa' ? made.rsa : made.server;
  const shown = signed && (role === 'server' || client === 'shown');
  const said = {
    role,
    port,
    suite: number,
    mtu,
    connectionId,
    serverName,
    old: without === 'extended master secret',
    ...(signed
      ? { authority: made.authority, mutual: client === 'shown' }
      : { identity: made.identity, psk: made.psk }),
    ...(shown ? { certificate: party.certificate, privateKey: party.key } : {}),
  };
  return Process.start({
    name: `pion ${role}`,
    command: binary,
    args: [JSON.stringify(said)],
    ready: role === 'server' ? /^started$/m : /^connected .*$/m,
  });
}

class PionServer implements DtlsServer {
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

export const pionPeer: DtlsPeer = {
  part: pion,

  version: async () => /pion\/dtls\/v3 v(\S+)/.exec(readFileSync(join(sources, 'go.mod'), 'utf8'))?.[1] ?? '?',

  serve: async (options): Promise<DtlsServer> => {
    const port = await freeUdpPort();
    return new PionServer(port, await start('server', port, options));
  },

  connect: async (port, options): Promise<DtlsClient> => new LineClient(await start('client', port, options)),

  resume: async (port, options, ask) => {
    await using client = new LineClient(await start('client', port, options));
    const from = client.process.mark;
    client.process.write('reconnect\n');
    const [, resumed] = await client.process.waitFor(/^connected .*resumed=(\w+)$/m, { from });
    await client.ask(ask);
    return resumed === 'true';
  },
};
