// `lapwing vmodem`: an AT modem on a pseudo-terminal whose messages leave by UDP, or two that write to each other. What goes wrong with it
// is said at its start, or typed while it runs.
import { createInterface } from 'node:readline';
import { systemLookUp } from '@lapwing/coap';
import { ConfigError, type Duration, toHex } from '@lapwing/kernel';
import { concatenationOf, formatNumber, Messenger } from '@lapwing/sms';
import {
  type AttachedModem,
  type Fault,
  type Submitted,
  tcpTerminal,
  UdpBridge,
  VirtualNetwork,
  type VirtualNetworkOptions,
} from '@lapwing/sms/virtual';
import { Command } from 'commander';
import { untilInterrupted } from '../interrupt.ts';
import { pseudoTerminal } from '../pseudo-terminal.ts';

interface Flags {
  readonly host: string;
  readonly port: string;
  readonly tcp?: string;
  readonly pair?: true;
  readonly client: string;
  readonly server: string;
  readonly loss?: string;
  readonly duplicate?: string;
  readonly reorder?: string;
  readonly delay?: string;
  readonly places?: string;
  readonly drafts?: string;
  readonly fault: readonly string[];
  readonly trace?: true;
}

const examples = `
Examples:
  lapwing vmodem --host 127.0.0.1 --port 5683      a device on the terminal reaches the server there
  lapwing vmodem --pair                            two terminals: a device on one, a server on the other
  lapwing vmodem --port 5684 --loss 0.2 --delay 5000-60000 --trace

Faults, for --fault, or typed while it runs, one on a line:
  silent, awake                says nothing until it is awake
  restart, forget              starts anew and has forgotten its settings; without a word
  garbage                      prints bytes without sense
  mute-send                    takes the next message, sends it, and never says so
  hush=3                       keeps the next three messages without telling of them
  refuse=42x3                  answers the next three messages with +CMS ERROR: 42
  refuse=314x2@CMGR            answers so the next two commands that begin with AT+CMGR`;

export function vmodemCommand(): Command {
  return new Command('vmodem')
    .description('virtual AT modem on a pseudo-terminal; text messages travel by UDP')
    .option('--host <address>', 'where messages to the server’s number go', '127.0.0.1')
    .option('--port <number>', 'the UDP port there', '5683')
    .option('--pair', 'no UDP: the server’s number has a modem too')
    .option('--client <number>', 'the modem’s own number', '+14155550125')
    .option('--server <number>', 'the server’s number', '+12125550178')
    .option('--tcp <port>', 'a TCP port of 127.0.0.1 in place of the pseudo-terminal (with --pair the next one too)')
    .option('--loss <share>', 'messages that are lost, 0 to 1')
    .option('--duplicate <share>', 'messages that come twice, 0 to 1')
    .option('--reorder <share>', 'messages that the next ones overtake, 0 to 1')
    .option('--delay <ms>', 'how long a message takes, such as 500 or 5000-60000')
    .option('--places <number>', 'messages that its memory holds', '255')
    .option('--drafts <number>', 'places of them that drafts take', '0')
    .option('--fault <fault>', 'what goes wrong, see below; may be given several times', collect, [])
    .option('--trace', 'print each message')
    .addHelpText('after', examples)
    .action((flags: Flags) => run(flags));
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

async function run(flags: Flags): Promise<void> {
  const settings = settingsOf(flags);
  const interrupted = untilInterrupted();
  const { client, server } = flags;
  using network = new VirtualNetwork({
    ...settings.road,
    ...(flags.trace === undefined ? {} : { onMessage: print }),
  });
  const numbers = flags.pair === undefined ? [client] : [client, server];
  const modems = numbers.map((number) => ({ number, modem: network.modem(number, settings.memory) }));
  const terminals: (Disposable | AsyncDisposable)[] = [];
  try {
    await using _bridge = flags.pair === undefined ? await bridged(network, flags, settings.port) : undefined;
    for (const [i, { number, modem }] of modems.entries()) {
      const suffix = flags.pair === undefined ? '' : ` ${number}`;
      if (settings.tcp !== undefined) {
        const terminal = await tcpTerminal(modem, '127.0.0.1', settings.tcp === 0 ? 0 : settings.tcp + i);
        terminals.push(terminal);
        process.stdout.write(`Modem TCP: 127.0.0.1:${terminal.port}${suffix}\n`);
      } else {
        const terminal = await pseudoTerminal(modem);
        terminals.push(terminal);
        process.stdout.write(`Modem PTY: ${terminal.path}${suffix}\n`);
      }
      for (const fault of settings.faults) modem.fault(fault);
    }
    using _typing = typedFaults(modems.map(({ modem }) => modem));
    await interrupted;
  } finally {
    for (const terminal of terminals) {
      if (Symbol.dispose in terminal) terminal[Symbol.dispose]();
      else await terminal[Symbol.asyncDispose]();
    }
  }
}

/** The server's number as a UDP port of a host. Rejects with UnreachableError for a name of nobody. */
async function bridged(network: VirtualNetwork, { server, host }: Flags, port: number): Promise<AsyncDisposable> {
  const addresses = await systemLookUp(host);
  // Most devices and servers that are tried on one machine listen on 127.0.0.1, whatever localhost is first.
  const address = addresses.find((each) => !each.includes(':')) ?? addresses[0] ?? host;
  const unlimited = { perHour: Number.POSITIVE_INFINITY, perMinute: Number.POSITIVE_INFINITY };
  const messenger = await Messenger.open({ modem: network.line(server), parts: 'many', budget: unlimited });
  const bridge = new UdpBridge({ messenger, host: address, port });
  return {
    [Symbol.asyncDispose]: async () => {
      await bridge[Symbol.asyncDispose]();
      await messenger[Symbol.asyncDispose]();
    },
  };
}

/** From now on what is typed goes wrong with all of them; until disposed of. The end of the input is not ours. */
function typedFaults(modems: readonly AttachedModem[]): Disposable {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const problems: string[] = [];
    const text = line.trim();
    const faults = text === '' ? [] : faultOf(text, problems);
    for (const fault of faults) for (const modem of modems) modem.fault(fault);
    if (faults.length > 0) process.stdout.write(`fault: ${text}\n`);
    for (const problem of problems) process.stderr.write(`${problem}\n`);
  });
  return { [Symbol.dispose]: () => lines.close() };
}

function print({ from, message: { destination, payload } }: Submitted): void {
  const { elements, content } = payload;
  const part = concatenationOf(elements);
  const what =
    content.kind === 'octets' ? `${content.bytes.length} octets ${toHex(content.bytes)}` : JSON.stringify(content.text);
  const place = part === undefined ? '' : `part ${part.sequence} of ${part.total}, `;
  process.stdout.write(`${from} > ${formatNumber(destination)}: ${place}${what}\n`);
}

interface Settings {
  readonly port: number;
  readonly tcp: number | undefined;
  readonly road: Pick<VirtualNetworkOptions, 'loss' | 'duplication' | 'reordering' | 'delay'>;
  readonly memory: { readonly places: number; readonly drafts: number };
  readonly faults: readonly Fault[];
}

/** Throws ConfigError naming everything that is wrong. */
function settingsOf(flags: Flags): Settings {
  const problems: string[] = [];
  for (const name of ['client', 'server'] as const)
    if (!/^\+?\d{1,15}$/.test(flags[name])) problems.push(`--${name}: ${flags[name]} is no telephone number`);
  const share = (name: 'loss' | 'duplicate' | 'reorder'): number => {
    const value = Number(flags[name] ?? 0);
    if (!(value >= 0 && value <= 1)) problems.push(`--${name}: ${flags[name]} is not from 0 to 1`);
    return value;
  };
  const port = (name: 'port' | 'tcp', text: string, least: number): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > 65_535) problems.push(`--${name}: ${text} is no port`);
    return value;
  };
  const count = (name: 'places' | 'drafts', least: number, most: number): number => {
    const text = flags[name] ?? String(least);
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      problems.push(`--${name}: ${text} is not from ${least} to ${most}`);
    return value;
  };
  const places = count('places', 1, MOST_PLACES);
  const [, least, most = least] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(flags.delay ?? '0') ?? [];
  const delay: readonly [Duration, Duration] = [Number(least ?? 0), Number(most ?? 0)];
  if (least === undefined || delay[0] > delay[1]) problems.push(`--delay: ${flags.delay} is neither ms nor from-to`);
  const settings = {
    port: port('port', flags.port, 1),
    tcp: flags.tcp === undefined ? undefined : port('tcp', flags.tcp, 0),
    road: { loss: share('loss'), duplication: share('duplicate'), reordering: share('reorder'), delay },
    memory: { places, drafts: count('drafts', 0, Math.min(places, MOST_PLACES)) },
    faults: flags.fault.flatMap((text) => faultOf(text, problems)),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return settings;
}

const garbage = Uint8Array.from({ length: 200 }, (_, i) => (i * 167) & 0xff);

const MOST_PLACES = 1000;

function faultOf(text: string, problems: string[]): readonly Fault[] {
  if (text === 'silent' || text === 'awake' || text === 'restart' || text === 'mute-send') return [{ kind: text }];
  if (text === 'forget') return [{ kind: 'restart', says: '' }];
  if (text === 'garbage') return [{ kind: text, bytes: garbage }];
  const [hush, messages = '1'] = /^hush(?:=(\d{1,4}))?$/.exec(text) ?? [];
  if (hush !== undefined) return [{ kind: 'hush', times: Number(messages) }];
  const [, result, times = '1', of = 'CMGS'] =
    /^refuse=(\d{1,3})(?:x(\d{1,4}))?(?:@([A-Z]{2,8}[?=]?))?$/.exec(text) ?? [];
  if (result !== undefined) return [{ kind: 'refuse', result: Number(result), times: Number(times), of }];
  problems.push(`--fault: ${text} is no fault: see lapwing vmodem --help`);
  return [];
}
