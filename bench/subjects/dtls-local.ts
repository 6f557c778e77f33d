// What DTLS costs without sockets, both ends in one process: handshakes, the server's and the client's CPU apart, and a record
// from one to the other. Arguments: rounds, seconds of each stretch. Prints a line for each stretch, then `done`.
import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { type CredentialStore, type Credentials, type DtlsTransport, secure } from '@lapwing/dtls';
import { type Peer, Secret } from '@lapwing/kernel';
import { computed } from '../harness/phase.ts';
import { type Issued, issue } from './certificates.ts';
import { groupIn, lockstep, type Wire, wire } from './wire.ts';

const rounds = Number(process.argv[2]);
const microseconds = Number(process.argv[3]) * 1e6;

const key = new Secret(Buffer.from('sixteen-byte-key'));
const identity = Buffer.from('bench');
const payload = Buffer.alloc(64, 'x');
const nothing = () => {};

const rootName = 'Root of the bench';
const root = issue(rootName, 1);
const byRoot = { name: rootName, key: root.privateKey };
const own = issue('server', 2, byRoot);
/** So many that nothing is gained by remembering some. */
const clients = Array.from({ length: 1000 }, (_, i) => issue(`device-${i}`, i + 3, byRoot));

function tell(operation: string, name: string, count: number, used: number): void {
  const phase = computed(operation, count, used / 1e6, used / count);
  console.log(JSON.stringify({ operation, name, phase }));
}

function pkcs8({ privateKey }: Issued): Buffer {
  return privateKey.export({ type: 'pkcs8', format: 'der' });
}

function spki({ publicKey }: Issued): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' });
}

interface Scenario {
  readonly name: string;
  readonly suite: string;
  readonly accept: CredentialStore;
  /** Credentials of the client's n-th handshake. */
  readonly connect: (n: number) => Credentials;
  readonly resumes?: true;
}

const psk: Pick<Scenario, 'suite' | 'accept' | 'connect'> = {
  suite: 'TLS_PSK_WITH_AES_128_CCM_8',
  accept: { psk: () => key },
  connect: () => ({ kind: 'psk', identity, key }),
};
const ecdsa = 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8';
const roots = [root.certificate];
const shown: Credentials[] = clients.map((client) => ({
  kind: 'x509',
  own: { chain: [client.certificate], privateKey: pkcs8(client) },
  trust: { roots, hostName: false },
}));
const raw: Credentials[] = clients.map((client) => ({ kind: 'rpk', privateKey: pkcs8(client), trusted: [spki(own)] }));
const ownCertificate = { chain: [own.certificate], privateKey: pkcs8(own) };

const scenarios: readonly Scenario[] = [
  { name: 'pre-shared key', ...psk },
  { name: 'pre-shared key, resumed', ...psk, resumes: true },
  {
    name: 'certificates both ways',
    suite: ecdsa,
    accept: { certificate: () => ownCertificate, acceptCertificate: { trust: { roots } } },
    connect: (n) => shown[n % shown.length] as Credentials,
  },
  {
    name: 'raw public keys both ways',
    suite: ecdsa,
    accept: { rawPublicKey: { privateKey: pkcs8(own) }, acceptRawPublicKey: () => true },
    connect: (n) => raw[n % raw.length] as Credentials,
  },
];

interface Crowd {
  readonly ends: Wire;
  readonly clients: readonly DtlsTransport[];
  readonly server: DtlsTransport;
  /** What the server was given so far. */
  readonly received: { count: number };
  shakeHands(): Promise<Peer[]>;
}

async function crowd(scenario: Scenario, count: number): Promise<Crowd> {
  const ends = wire(count);
  let n = 0;
  const resumption = scenario.resumes === true ? {} : { resumption: false as const };
  const options = { suites: [scenario.suite], ...resumption };
  const clients = ends.clients.map((end) =>
    secure(end, { ...options, connect: () => scenario.connect(n++), serverName: false }),
  );
  const server = secure(ends.server, {
    ...options,
    accept: scenario.accept,
    limits: { halfOpenPerHost: count, perIdentity: 1_000_000 },
  });
  const received = { count: 0 };
  for (const client of clients) await client.open({ receive: nothing, lost: nothing });
  await server.open({
    receive: () => {
      received.count++;
    },
    lost: nothing,
  });
  const { address } = ends.server.peer;
  const shakeHands = () => lockstep(ends, (i) => (clients[i] as DtlsTransport).connect(address));
  return { ends, clients, server, received, shakeHands };
}

async function handshakes(scenario: Scenario): Promise<void> {
  const size = 32;
  const { ends, clients, server, shakeHands } = await crowd(scenario, size);
  const { used } = ends;
  const stretch = async (until: number) => {
    used.clients = 0;
    used.server = 0;
    let count = 0;
    for (; used.clients + used.server < until; count += size) {
      const peers = await shakeHands();
      for (const [i, peer] of peers.entries()) clients[i]?.close(peer);
      ends.server.deliver();
      for (const end of ends.clients) end.deliver();
    }
    return count;
  };
  await stretch(microseconds);
  const before = server.stats().handshakesResumed;
  const count = await stretch(2 * microseconds);
  const resumed = server.stats().handshakesResumed - before;
  if (resumed !== (scenario.resumes === true ? count : 0)) throw new Error(`${resumed} of ${count} were resumed`);
  tell('dtls-handshake-local', `Lapwing, ${scenario.name}`, count, used.server);
  tell('dtls-handshake-local', `Lapwing, ${scenario.name}, client’s side`, count, used.clients);
  for (const client of clients) await client[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}

/** Mean CPU µs of `work`, after as much again to warm up. */
function timeOf(work: (n: number) => void): number {
  const run = (until: number) => {
    const before = process.cpuUsage();
    let count = 0;
    let used = 0;
    while (used < until) {
      for (let i = 0; i < 100; i++) work(count++);
      const { user, system } = process.cpuUsage(before);
      used = user + system;
    }
    return used / count;
  };
  run(microseconds / 4);
  return run(microseconds / 4);
}

function jwkOf(issued: Issued) {
  return issued.publicKey.export({ format: 'jwk' });
}

const transcript = Buffer.alloc(120, 't');
const jwks = clients.map(jwkOf);
const signatures = clients.map((client) => sign('sha256', transcript, client.privateKey));

function client(n: number): Issued {
  return clients[n % clients.length] as Issued;
}

/** Both key agreements, as cheap as node:crypto has them. */
const agreements: Readonly<Record<number, (n: number) => void>> = {
  23: () => {
    const share = createECDH('prime256v1');
    share.generateKeys();
    share.computeSecret(theirShare);
  },
  29: () => {
    const { privateKey } = generateKeyPairSync('x25519');
    diffieHellman({ privateKey, publicKey: createPublicKey({ key: theirX, format: 'jwk' }) });
  },
};
const theirShare = createECDH('prime256v1').generateKeys();
const theirX = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' });

/** What the server of a handshake with certificates both ways cannot do without, and nothing else. */
function primitives(group: number): number {
  const agree = agreements[group];
  if (agree === undefined) throw new Error(`no key agreement for group ${group}`);
  const authority: KeyObject = root.publicKey;
  return (
    timeOf(agree) +
    timeOf(() => sign('sha256', transcript, own.privateKey)) +
    timeOf((n) => createPublicKey({ key: jwks[n % jwks.length] as never, format: 'jwk' })) +
    timeOf((n) => verify('sha256', transcript, client(n).publicKey, signatures[n % signatures.length] as Buffer)) +
    timeOf((n) => verify('sha256', client(n).signed, authority, client(n).signature))
  );
}

/** Which group the two choose: seen in the server's flight. */
async function chosenGroup(scenario: Scenario): Promise<number> {
  const { ends, shakeHands } = await crowd(scenario, 1);
  const [end] = ends.clients;
  let group: number | undefined;
  if (end !== undefined) {
    const deliver = end.deliver.bind(end);
    end.deliver = () => {
      group ??= groupIn(end.arrived);
      deliver();
    };
  }
  await shakeHands();
  if (group === undefined) throw new Error('no ServerKeyExchange was seen');
  return group;
}

async function records(): Promise<void> {
  const { ends, clients, received, shakeHands } = await crowd({ name: 'records', ...psk }, 1);
  const [peer] = await shakeHands();
  const [sender] = clients;
  if (peer === undefined || sender === undefined) throw new Error('nobody has connected');
  let sent = 0;
  const us = timeOf(() => {
    sender.send(peer, payload);
    ends.server.deliver();
    sent++;
  });
  if (received.count !== sent) throw new Error(`${received.count} of ${sent} records arrived`);
  tell('dtls-record', 'Lapwing', 1, us);
}

function bareRecords(): void {
  const secret = key.reveal();
  const nonce = Buffer.alloc(12, 1);
  const aad = Buffer.alloc(31, 2);
  const options = { authTagLength: 8 } as const;
  const us = timeOf(() => {
    const cipher = createCipheriv('aes-128-ccm', secret, nonce, options);
    cipher.setAAD(aad, { plaintextLength: payload.length });
    const sealed = cipher.update(payload);
    cipher.final();
    const decipher = createDecipheriv('aes-128-ccm', secret, nonce, options);
    decipher.setAuthTag(cipher.getAuthTag());
    decipher.setAAD(aad, { plaintextLength: sealed.length });
    decipher.update(sealed);
    decipher.final();
  });
  tell('dtls-record', 'node:crypto, a cipher object each', 1, us);
}

function refuse(operation: string, name: string, error: unknown): void {
  console.log(JSON.stringify({ operation, name, why: error instanceof Error ? error.message : String(error) }));
}

const broken = new Set<string>();

async function attempt(operation: string, name: string, work: () => Promise<void> | void): Promise<void> {
  if (broken.has(name)) return;
  try {
    globalThis.gc?.();
    await work();
  } catch (error) {
    broken.add(name);
    refuse(operation, name, error);
  }
}

const withCertificates = scenarios[2] as Scenario;
for (let round = 0; round < rounds; round++) {
  for (const scenario of scenarios) {
    await attempt('dtls-handshake-local', `Lapwing, ${scenario.name}`, () => handshakes(scenario));
  }
  await attempt('dtls-handshake-local', 'node:crypto, certificates both ways', async () => {
    const group = await chosenGroup(withCertificates);
    tell('dtls-handshake-local', 'node:crypto, certificates both ways', 1, primitives(group));
  });
  await attempt('dtls-record', 'Lapwing', records);
  await attempt('dtls-record', 'node:crypto, a cipher object each', bareRecords);
}
console.log('done');
process.exit(0);
