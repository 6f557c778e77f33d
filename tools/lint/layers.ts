// Who may import whom, and which file may touch the machine: the import rules of the
// workspace as one table. biome-config.ts turns it into lint rules, check-rules.ts holds
// every package.json against it.

export interface Layer {
  /** Workspace packages, without scope, that its sources may import. */
  readonly packages: readonly string[];
  /** Node.js modules any of its sources may import; 'any' for an application. */
  readonly node: readonly string[] | 'any';
  /** Said to whoever breaks the rule. */
  readonly because: string;
  /** Files of the package that may do more, and why they exist. */
  readonly rooms?: readonly Room[];
}

export interface Room {
  /** Globs below the package's src. */
  readonly files: readonly string[];
  readonly packages?: readonly string[];
  readonly node?: readonly string[];
  /** May name UDP, TCP and TLS of coap. */
  readonly roads?: true;
}

const strangers = 'coap, dtls and sms do not know each other: security and roads reach CoAP as a transport.';
const wire = 'client and server meet only on the wire: what both need belongs in lwm2m.';
const trace = ['diagnostics_channel'];

export const layers: Readonly<Record<string, Layer>> = {
  kernel: {
    packages: [],
    node: trace,
    because: 'kernel imports nothing of ours.',
    rooms: [{ files: ['crypto.ts', 'random.ts'], node: ['crypto'] }],
  },
  dtls: {
    packages: ['kernel'],
    node: trace,
    because: strangers,
    rooms: [{ files: ['handshake/**', 'x509/**'], node: ['crypto'] }],
  },
  coap: {
    packages: ['kernel'],
    node: trace,
    because: strangers,
    rooms: [{ files: ['transports/**'], node: ['dgram', 'net', 'tls', 'stream', 'dns', 'dns/promises', ...trace] }],
  },
  sms: {
    packages: ['kernel'],
    node: trace,
    because: strangers,
    rooms: [
      { files: ['tcp.ts', 'duplex.ts', 'virtual/**'], node: ['dgram', 'net', 'stream'] },
      { files: ['tls.ts'], node: ['net', 'tls'] },
    ],
  },
  lwm2m: { packages: ['kernel', 'coap'], node: [], because: 'lwm2m is pure vocabulary on kernel and coap.' },
  client: {
    packages: ['kernel', 'coap', 'lwm2m'],
    node: trace,
    because: wire,
    rooms: [
      {
        files: ['connect.ts', 'connect-secured.ts', 'late.ts'],
        packages: ['kernel', 'coap', 'lwm2m', 'dtls'],
        roads: true,
      },
      { files: ['persistence/**'], node: ['fs', 'fs/promises', 'path'] },
      { files: ['download/http.ts'], node: ['http', 'https', 'dns'] },
    ],
  },
  server: {
    packages: ['kernel', 'coap', 'lwm2m'],
    node: trace,
    because: wire,
    rooms: [{ files: ['listen.ts'], packages: ['kernel', 'coap', 'lwm2m', 'dtls'], roads: true }],
  },
  gateway: {
    packages: ['kernel', 'coap', 'lwm2m', 'server', 'sms'],
    node: 'any',
    because: 'gateway stands on server: it neither opens DTLS itself nor runs a client.',
  },
  dashboard: { packages: [], node: 'any', because: 'dashboard talks to the gateway by HTTP only.' },
  agent: {
    packages: ['kernel', 'coap', 'lwm2m', 'client', 'sms'],
    node: 'any',
    because: 'A device application stands on client.',
  },
  carrier: {
    packages: ['kernel', 'coap', 'lwm2m', 'client', 'sms'],
    node: 'any',
    because: 'A device application stands on client.',
  },
  cli: {
    packages: ['kernel', 'coap', 'sms', 'lwm2m', 'client', 'server', 'gateway', 'agent', 'carrier'],
    node: 'any',
    because: 'cli starts applications through their public main.',
    rooms: [{ files: ['commands/dtls-probe.ts'], packages: ['kernel', 'coap', 'dtls'] }],
  },
};

/** Nobody imports these but cli, and cli only their `main`. */
export const applications = ['gateway', 'dashboard', 'agent', 'carrier'];

/** The packages that are no application: they do not log and do no I/O outside their rooms. */
export const libraries = ['kernel', 'dtls', 'coap', 'sms', 'lwm2m', 'client', 'server'];
