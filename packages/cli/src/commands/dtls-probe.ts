// `lapwing dtls-probe URI`: one handshake, step by step, and what became of it. Shows names, lengths and times, never a secret.
import { isIP } from 'node:net';
import { byName, Endpoint, parseUri, udpDialler } from '@lapwing/coap';
import {
  type AlertTrace,
  type Credentials,
  cipherSuites,
  type EstablishedEvent,
  type HandshakeTrace,
  secure,
} from '@lapwing/dtls';
import {
  type Clock,
  ConfigError,
  days,
  deadlineSignal,
  FormatError,
  isStackError,
  type Peer,
  seconds,
  systemClock,
  trace,
} from '@lapwing/kernel';
import { Command } from 'commander';
import { addCredentialOptions, type CredentialFlags, credentialsOf } from '../credentials.ts';
import { isPortClosed } from './closed-port.ts';

export interface ProbeFlags extends CredentialFlags {
  readonly suite?: readonly string[];
  readonly serverName?: string;
  readonly cid: boolean;
  readonly ems: boolean;
  readonly timeout: string;
  readonly json?: true;
}

/** One line of the report. */
export interface ProbeStep {
  /** Since the start, in ms. */
  readonly at: number;
  readonly direction: 'out' | 'in' | 'note';
  readonly what: string;
}

export interface ProbeReport {
  readonly uri: string;
  readonly steps: readonly ProbeStep[];
  readonly outcome: 'established' | 'failed';
  readonly suite?: string;
  readonly identity?: string;
  readonly connectionIds?: { readonly ours: boolean; readonly theirs: boolean };
  /** Whether an empty CoAP message over the association was answered. */
  readonly coap?: 'answers' | 'silent';
  readonly error?: { readonly code: string; readonly message: string };
}

export function dtlsProbeCommand(): Command {
  const command = new Command('dtls-probe')
    .description('shake hands with a DTLS server and show every step')
    .argument('<uri>', 'coaps://host[:port]');
  return addCredentialOptions(command)
    .option('--suite <name...>', 'offer only these cipher suites (IANA or OpenSSL names)')
    .option('--server-name <name>', 'call the server so (SNI); default: the host, unless it is an address')
    .option('--no-cid', 'do not offer connection ids')
    .option('--no-ems', 'accept servers without the extended master secret')
    .option('--timeout <seconds>', 'give up after', '10')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  lapwing dtls-probe coaps://127.0.0.1 --psk-identity dev-1 --psk-key 000102030405060708090a0b0c0d0e0f\n' +
        '  lapwing dtls-probe coaps://server.example --cert dev.pem --key dev.key --ca ca.pem\n' +
        '  lapwing dtls-probe coaps://192.0.2.1:5684 --rpk-key dev.key --server-key server.pub',
    )
    .action(async (uri: string, flags: ProbeFlags) => {
      const report = await probe(uri, flags, flags.json === true ? () => undefined : printStep);
      process.stdout.write(flags.json === true ? `${JSON.stringify(report)}\n` : formatOutcome(report));
      if (report.outcome === 'failed') process.exitCode = 1;
    });
}

const printStep = (step: ProbeStep): void => void process.stdout.write(`${formatStep(step)}\n`);

const arrows = { out: '→', in: '←', note: ' ' } as const;

export function formatStep({ at, direction, what }: ProbeStep): string {
  return `${at.toFixed(1).padStart(8)} ms  ${arrows[direction]} ${what}`;
}

export function formatOutcome({ outcome, suite, identity, connectionIds, coap, error }: ProbeReport): string {
  if (outcome === 'failed') return `\nThe handshake failed: ${error?.message ?? 'nobody knows why'}\n`;
  const ids = connectionIds?.theirs
    ? 'a connection id keeps us known when our address changes'
    : 'without connection id';
  const answers = coap === 'answers' ? 'CoAP answers over it.' : 'Nothing answers CoAP over it.';
  return `\nEstablished: ${suite}; the server is ${identity}; ${ids}. ${answers}\n`;
}

/** Throws ConfigError for flags that do not fit together; whatever the server does is in the report. */
export async function probe(uri: string, flags: ProbeFlags, tell: (step: ProbeStep) => void): Promise<ProbeReport> {
  const { host, port } = targetOf(uri);
  const credentials = await credentialsOf(flags);
  const limit = Number(flags.timeout);
  if (!(limit > 0)) throw new ConfigError([`--timeout: ${flags.timeout} is no number of seconds`]);
  const steps: ProbeStep[] = [];
  const began = systemClock.now();
  const step = (direction: ProbeStep['direction'], what: string): void => {
    const made = { at: systemClock.now() - began, direction, what };
    steps.push(made);
    tell(made);
  };
  let established: EstablishedEvent | undefined;
  const secured = secure(udpDialler(), {
    connect: credentials,
    connectionId: flags.cid ? { length: 0 } : false,
    extendedMasterSecret: flags.ems ? 'required' : 'optional',
    ...(flags.suite === undefined ? {} : { suites: flags.suite }),
    // Whichever of its addresses is tried, the server is called by the name that was asked for.
    ...nameOf(flags.serverName ?? host),
    // Its own end says where the handshake stood; the deadline below is for what comes before.
    timers: { connect: Math.min(seconds(limit), days(1)) },
    onEstablished: (event) => {
      established = event;
    },
  });
  const transport = byName(secured);
  using _listening = listen(step);
  try {
    await using endpoint = await Endpoint.open({ transport });
    using deadline = deadlineSignal(systemClock, seconds(limit) * 2 + seconds(1), `the handshake with ${host}`);
    step('note', `offering ${(flags.suite ?? offered(credentials)).join(', ')}`);
    const peer = await endpoint.connect({ via: 'udp', host, port }, deadline.signal);
    const coap = await answersCoap(endpoint, peer, systemClock);
    if (coap === 'answers') step('in', 'CoAP answers an empty message');
    secured.close(peer);
    return {
      uri,
      steps,
      outcome: 'established',
      coap,
      ...(established === undefined
        ? {}
        : { suite: established.suite, identity: described(established), connectionIds: established.connectionIds }),
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = isStackError(error) ? error.code : ((error as NodeJS.ErrnoException).code ?? 'ERROR');
    const hint = isUnheard(steps) && (await isPortClosed(host, port)) ? `; ${closedHint(port)}` : '';
    return { uri, steps, outcome: 'failed', error: { code, message: `${error.message}${hint}` } };
  }
}

function targetOf(uri: string): { readonly host: string; readonly port: number } {
  try {
    const { scheme, host, port = 5684 } = parseUri(uri);
    if (scheme === 'coaps') return { host, port };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new ConfigError([`<uri>: ${uri} is none (${error.message}): write it like coaps://127.0.0.1:5684`]);
  }
  throw new ConfigError([`<uri>: ${uri}: only coaps:// can be probed, as in coaps://127.0.0.1:5684`]);
}

/** An address is no name (RFC 6066 §3). */
const nameOf = (host: string) => (isIP(host) === 0 ? { serverName: host } : {});

const isUnheard = (steps: readonly ProbeStep[]): boolean =>
  steps.some(({ direction }) => direction === 'out') && !steps.some(({ direction }) => direction === 'in');

const closedHint = (port: number): string => `its system says that nothing listens at port ${port} of UDP`;

/** Waits, three seconds at most, for the reset that an empty confirmable message is answered with (RFC 7252 §4.3). */
export async function answersCoap(endpoint: Endpoint, peer: Peer, clock: Clock): Promise<'answers' | 'silent'> {
  using deadline = deadlineSignal(clock, seconds(3), 'CoAP');
  return await endpoint.ping(peer, { signal: deadline.signal }).then(
    () => 'answers' as const,
    () => 'silent' as const,
  );
}

function listen(step: (direction: ProbeStep['direction'], what: string) => void): Disposable {
  const handshakes = trace('dtls:handshake');
  const alerts = trace('dtls:alert');
  const onHandshake = (event: unknown): void => {
    const traced = event as HandshakeTrace;
    if (traced.what === 'message') step(traced.direction, describeMessage(traced));
    else if (traced.what === 'started') step('note', `shaking hands with ${traced.address}`);
    else if (traced.what === 'established') step('note', describeEstablished(traced));
  };
  const onAlert = (event: unknown): void => {
    const { direction, level, alert } = event as AlertTrace;
    step(direction, `${level === 2 ? 'fatal alert' : 'alert'} ${alert}`);
  };
  handshakes.subscribe(onHandshake);
  alerts.subscribe(onAlert);
  return {
    [Symbol.dispose]: () => {
      handshakes.unsubscribe(onHandshake);
      alerts.unsubscribe(onAlert);
    },
  };
}

function describeMessage({
  message,
  messageSeq,
  length,
  fragment,
  epoch,
}: HandshakeTrace & { what: 'message' }): string {
  const piece = fragment === length ? '' : `, ${fragment} of them in this fragment`;
  return `${message} (${messageSeq}), ${length} bytes${piece}${epoch === 1 ? ', encrypted' : ''}`;
}

function describeEstablished(traced: HandshakeTrace & { what: 'established' }): string {
  const facts = [traced.suite, traced.resumed ? 'resumed' : 'full handshake'];
  if (!traced.extendedMasterSecret) facts.push('WITHOUT extended master secret');
  if (traced.encryptThenMac) facts.push('encrypt-then-MAC');
  if (traced.connectionIds.theirs !== undefined) facts.push(`connection id of ${traced.connectionIds.theirs} bytes`);
  return `established: ${facts.join(', ')}`;
}

function described({ identity }: EstablishedEvent): string {
  switch (identity.kind) {
    case 'x509':
      return `"${identity.subject}"`;
    case 'rpk':
      return 'the holder of the raw key';
    case 'psk':
      return 'one that has the same pre-shared key';
    case 'none':
    case 'oscore':
      return 'nobody in particular';
  }
}

/** Suites that the credentials can be used with. */
function offered({ kind }: Credentials): readonly string[] {
  return cipherSuites
    .filter(({ on, keyExchange }) => on && (kind === 'psk') === (keyExchange === 'psk' || keyExchange === 'ecdhe_psk'))
    .map(({ name }) => name);
}
