// What a secured transport can be told, with units, ranges and defaults: the only place that has them. What the user
// gave becomes a complete read-only `Settings` or one ConfigError that lists every problem with its path.
import {
  type Address,
  type Clock,
  ConfigError,
  type Duration,
  type Identity,
  type Pace,
  type Peer,
  type Random,
  systemClock,
  systemRandom,
} from '@lapwing/kernel';
import type { CredentialStore, Credentials } from './credentials.ts';
import type { SessionCache } from './session-cache.ts';
import { findSuiteByName } from './suites/registry.ts';
import type { Suite } from './suites/suite.ts';

/** Waits, all in ms. */
export interface Timers {
  /**
   * Before a flight is sent again for the first time (RFC 6347 §4.2.4.1); default 1 000, or what the transport below says
   * of its pace. From 1 to 60 000.
   */
  readonly retransmitAfter: Duration;
  /** Each wait is twice the one before, up to this; default 60 000. Raise both for text messages. From 1 to 600 000. */
  readonly retransmitAtMost: Duration;
  /** How long a client tries before `connect` rejects; default 93 000, the patience of CoAP. */
  readonly connect: Duration;
  /** How long a server waits for a client to finish; default 30 000. */
  readonly accept: Duration;
  /** How long one key makes cookies; those of the period before are good too (RFC 6347 §4.2.1). Default 30 000. */
  readonly cookie: Duration;
  /** How long the last flight is kept, in case the other side has not got it (RFC 6347 §4.2.4). Default 240 000. */
  readonly linger: Duration;
  /** After so long without a record, what is kept ready for the next one is given up; default 60 000. */
  readonly cool: Duration;
  /**
   * After so long without a record an association ends: its keys should not stay for ever, and devices that sleep long still
   * come once in a month. Default 30 days; from one minute to ten years.
   */
  readonly idle: Duration;
}

/** How much may be remembered, and of whom. */
export interface Limits {
  /** Associations in all; beyond, the one that was quiet longest goes. Default 150 000, at most 2^24 - 1. */
  readonly associations: number;
  /**
   * Associations of one identity with us as the server: a device has one, and perhaps one from before it lost its state; who
   * has stolen its credential gets no more. Beyond, the one that was quiet longest goes. Default 8, at most 2^24 - 1.
   */
  readonly perIdentity: number;
  /** Youngest age, in ms of silence, at which an association may be given up for another one; default 60 000. */
  readonly evictAfter: Duration;
  /** Unfinished handshakes with clients; beyond, the oldest goes. Default 1 000. */
  readonly halfOpen: number;
  /** Unfinished handshakes with clients of one host; beyond, new ones have to wait. Default 4. */
  readonly halfOpenPerHost: number;
  /** Finished handshakes whose last flight is kept; default 1 000. */
  readonly lingering: number;
  /** Times a flight is sent again before a client gives up; default 7. From 0 to 20. */
  readonly retransmissions: number;
  /** Bytes of one handshake message; default 8 192. From 256 to 65 536. */
  readonly message: number;
  /** Protected records that are kept while their keys are not there yet, and their bytes together; default 10 and 8 192. */
  readonly early: number;
  readonly earlyBytes: number;
  /** Records that are looked at in one datagram; default 64. */
  readonly records: number;
  /** Forged records after which an association ends (RFC 9147 §4.5.3); default 2^20. */
  readonly forgeries: number;
  /** Records that one association may send; at the end of it the association ends. Default and most 2^48 - 1. */
  readonly sequence: number;
  /** Associations that are kept ready to send and receive at once, about 1 kB each; default 4 096. */
  readonly warm: number;
  /** Directions whose ciphers are kept, about 1.5 kB each; default 2 000. */
  readonly ciphers: number;
}

/** Connection ids (RFC 9146). */
export interface ConnectionIdOptions {
  /** Bytes of the ids that we give to others; default 8. 0: we take theirs, but want none ourselves. Else from 6 to 20. */
  readonly length?: number;
  /** First bytes of each id, by which a cluster finds the process: `id` in `bytes` bytes, 0 to 4. Default none. */
  readonly node?: { readonly id: number; readonly bytes: number };
}

/** What is remembered so that a client need not prove itself anew. */
export interface ResumptionOptions {
  /** Sessions by id; `false` for none. Default: 10 000 in memory, for a day. */
  readonly sessions?: SessionCache | false;
  /**
   * Tickets for clients that keep their session themselves (RFC 5077); default true. With `sessions` a client that is asked for a certificate
   * gets an id instead: its chain may be too long for a ticket.
   */
  readonly tickets?: boolean;
  /** How long a session may be resumed, in ms; default one day. */
  readonly lifetime?: Duration;
}

/** A handshake that is over. */
export interface EstablishedEvent {
  readonly peer: Peer;
  readonly role: 'client' | 'server';
  /** IANA name of the cipher suite. */
  readonly suite: string;
  readonly identity: Identity;
  /** What the client called the server (RFC 6066 §3). */
  readonly serverName: string | undefined;
  readonly resumed: boolean;
  /** Whether a connection id protects each direction from a change of address. */
  readonly connectionIds: { readonly ours: boolean; readonly theirs: boolean };
  /** The keys of two exporters are equal on both sides and known to nobody else (RFC 5705). Only during the event. */
  exporter(label: string, length: number, context?: Uint8Array): Uint8Array;
}

/** Where associations are written down so that they outlive the process: bytes for `restore`, which contain keys. */
export interface Journal {
  /**
   * An association, under its peer's key, when it begins, moves or was heard, and with all others when the transport is
   * closed; `undefined` when there is nothing to keep any more. May write later: see snapshot.ts for what may get lost.
   */
  write(key: string, association: Uint8Array | undefined): void;
  /**
   * On disk when it returns, also when the power fails, together with everything that was written before it; throws when
   * that is not possible. Record numbers rest on it. Called when the transport is opened, about twice a minute while
   * much is sent, and when it is closed.
   */
  writeNow(key: string, record: Uint8Array): void;
}

export interface SecureOptions {
  /** For `connect`; left out, nobody can be connected to. The function is asked for each handshake. */
  readonly connect?: Credentials | ((address: Address, serverName: string | undefined) => Credentials);
  /** For those who connect to us; left out, every hello is dropped. */
  readonly accept?: CredentialStore;
  /** Names of IANA or OpenSSL in order of preference; default: all that are on by default (suites/registry.ts). */
  readonly suites?: readonly string[];
  /** Default `{ length: 8 }` where `accept` is given, else `{ length: 0 }`. `false`: not offered and not accepted. */
  readonly connectionId?: ConnectionIdOptions | false;
  /** What a client calls its server; default: the host that was connected to, unless that is an IP address. `false`: nothing. */
  readonly serverName?: string | false;
  /** RFC 7627: 'optional' for old devices. Default 'required'. */
  readonly extendedMasterSecret?: 'required' | 'optional';
  /** Asked of servers (RFC 6066 §4): 512, 1 024, 2 048 or 4 096 bytes. Default: nothing. */
  readonly maxFragmentLength?: 512 | 1024 | 2048 | 4096;
  /** Bytes of plaintext that we take in one record (RFC 8449), 64 to 16 384; default: not said. */
  readonly recordSizeLimit?: number;
  readonly resumption?: ResumptionOptions | false;
  /**
   * What becomes of an authentic record that was overtaken by a later one: 'deliver' takes it once (RFC 6347 §4.1.2.6), 'drop'
   * is for those above who cannot bear another order. Default 'deliver'.
   */
  readonly lateRecords?: 'deliver' | 'drop';
  readonly timers?: Partial<Timers>;
  readonly limits?: Partial<Limits>;
  /** Needed for `restore`. */
  readonly journal?: Journal;
  readonly onEstablished?: (event: EstablishedEvent) => void;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface ConnectionIdSettings {
  readonly length: number;
  readonly node: number;
  readonly nodeBytes: number;
}

/** `SecureOptions` with nothing left out. */
export interface Settings {
  readonly connect: ((address: Address, serverName: string | undefined) => Credentials) | undefined;
  readonly accept: CredentialStore | undefined;
  readonly suites: readonly Suite[] | undefined;
  readonly connectionId: ConnectionIdSettings | undefined;
  readonly serverName: string | false | undefined;
  readonly extendedMasterSecret: 'required' | 'optional';
  readonly maxFragmentLength: 512 | 1024 | 2048 | 4096 | undefined;
  readonly recordSizeLimit: number | undefined;
  readonly resumes: boolean;
  readonly lateRecords: 'deliver' | 'drop';
  readonly sessions: SessionCache | 'memory' | undefined;
  readonly tickets: boolean;
  readonly sessionLifetime: Duration;
  readonly timers: Timers;
  readonly limits: Limits;
  readonly journal: Journal | undefined;
  readonly onEstablished: ((event: EstablishedEvent) => void) | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

const DAY: Duration = 86_400_000;

const defaultTimers: Timers = {
  retransmitAfter: 1000,
  retransmitAtMost: 60_000,
  connect: 93_000,
  accept: 30_000,
  cookie: 30_000,
  linger: 240_000,
  cool: 60_000,
  idle: 30 * DAY,
};

const defaultLimits: Limits = {
  associations: 150_000,
  perIdentity: 8,
  evictAfter: 60_000,
  halfOpen: 1000,
  halfOpenPerHost: 4,
  lingering: 1000,
  retransmissions: 7,
  message: 8192,
  early: 10,
  earlyBytes: 8192,
  records: 64,
  forgeries: 2 ** 20,
  sequence: 2 ** 48 - 1,
  warm: 4096,
  ciphers: 2000,
};

const timerRanges: Readonly<Record<keyof Timers, readonly [number, number]>> = {
  retransmitAfter: [1, 60_000],
  retransmitAtMost: [1, 600_000],
  connect: [1, DAY],
  accept: [1, DAY],
  cookie: [1000, DAY],
  linger: [0, DAY],
  cool: [1000, DAY],
  idle: [60_000, 3650 * DAY],
};

const limitRanges: Readonly<Record<keyof Limits, readonly [number, number]>> = {
  associations: [1, 2 ** 24 - 1],
  perIdentity: [1, 2 ** 24 - 1],
  evictAfter: [0, DAY],
  halfOpen: [1, 1_000_000],
  halfOpenPerHost: [1, 1_000_000],
  lingering: [0, 1_000_000],
  retransmissions: [0, 20],
  message: [256, 65_536],
  early: [0, 1000],
  earlyBytes: [0, 1_048_576],
  records: [1, 65_536],
  forgeries: [1, 2 ** 48],
  sequence: [16, 2 ** 48 - 1],
  warm: [1, 2 ** 24],
  ciphers: [2, 2 ** 24],
};

/** Throws ConfigError naming everything that is out of range. `pace`: of the transport below. */
export function settle(options: SecureOptions, pace?: Pace): Settings {
  const problems: string[] = [];
  const timers = within('timers', { ...defaultTimers, ...timersFor(pace) }, options.timers, timerRanges, problems);
  const { retransmissions = defaultLimits.retransmissions } = pace?.handshake ?? {};
  const limits = within('limits', { ...defaultLimits, retransmissions }, options.limits, limitRanges, problems);
  const { connect, accept, recordSizeLimit, resumption = {}, serverName } = options;
  if (connect === undefined && accept === undefined) problems.push('connect, accept: one of them is needed');
  if (recordSizeLimit !== undefined && !isWithin(recordSizeLimit, 64, 16_384)) {
    problems.push(`recordSizeLimit: ${recordSizeLimit} is not from 64 to 16384`);
  }
  if (typeof serverName === 'string' && !/^[\x21-\x7e]{1,255}$/.test(serverName)) {
    problems.push('serverName: is no host name of 1 to 255 ASCII characters');
  }
  const connectionId = connectionIds(options, problems);
  const lifetime = (resumption === false ? undefined : resumption.lifetime) ?? DAY;
  if (!isWithin(lifetime, 1000, 7 * DAY)) {
    problems.push(`resumption.lifetime: ${lifetime} is not from 1000 to ${7 * DAY}`);
  }
  const suites = suitesOf(options.suites, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  const sessions = resumption === false ? false : (resumption.sessions ?? 'memory');
  return {
    connect: typeof connect === 'function' || connect === undefined ? connect : () => connect,
    accept,
    suites,
    connectionId,
    serverName,
    extendedMasterSecret: options.extendedMasterSecret ?? 'required',
    maxFragmentLength: options.maxFragmentLength,
    recordSizeLimit,
    resumes: resumption !== false,
    lateRecords: options.lateRecords ?? 'deliver',
    sessions: sessions === false ? undefined : sessions,
    tickets: resumption === false ? false : (resumption.tickets ?? true),
    sessionLifetime: lifetime,
    timers,
    limits,
    journal: options.journal,
    onEstablished: options.onEstablished,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
}

/** What a slow road asks for (RFC 7925 Appendix A for text messages). */
function timersFor(pace: Pace | undefined): Partial<Timers> {
  if (pace === undefined) return {};
  const { ackTimeout, handshake } = pace;
  if (handshake === undefined)
    return { retransmitAfter: Math.max(defaultTimers.retransmitAfter, Math.min(ackTimeout, 60_000)) };
  const { retransmitAfter, retransmitAtMost, patience } = handshake;
  // A cookie must still be good when it comes back.
  return { retransmitAfter, retransmitAtMost, connect: patience, accept: patience, cookie: patience };
}

/** Room that an id needs besides the node: where the association is, and what cannot be guessed from there. */
const ID_ROOM = 5;

function connectionIds(options: SecureOptions, problems: string[]): ConnectionIdSettings | undefined {
  const { connectionId, accept } = options;
  if (connectionId === false) return undefined;
  const length = connectionId?.length ?? (accept === undefined ? 0 : 8);
  const { id, bytes } = connectionId?.node ?? { id: 0, bytes: 0 };
  if (length !== 0 && !isWithin(length, 6, 20))
    problems.push(`connectionId.length: ${length} is neither 0 nor from 6 to 20`);
  if (!isWithin(bytes, 0, 4)) problems.push(`connectionId.node.bytes: ${bytes} is not from 0 to 4`);
  else if (!isWithin(id, 0, 256 ** bytes - 1)) {
    problems.push(`connectionId.node.id: ${id} does not fit into ${bytes} bytes`);
  } else if (length !== 0 && length < bytes + ID_ROOM) {
    problems.push(`connectionId.length: ${length} leaves no room beside ${bytes} bytes of node`);
  }
  return { length, node: id, nodeBytes: bytes };
}

function suitesOf(names: readonly string[] | undefined, problems: string[]): readonly Suite[] | undefined {
  if (names === undefined) return undefined;
  if (names.length === 0) problems.push('suites: none is left');
  const found: Suite[] = [];
  for (const name of names) {
    const suite = findSuiteByName(name);
    if (suite === undefined) problems.push(`suites: ${name} is not supported`);
    else if (!found.includes(suite)) found.push(suite);
  }
  return found;
}

function isWithin(value: number, low: number, high: number): boolean {
  return Number.isInteger(value) && value >= low && value <= high;
}

/** `given` over `defaults`, each number checked. */
function within<Names extends string>(
  path: string,
  defaults: Readonly<Record<Names, number>>,
  given: Partial<Readonly<Record<Names, number>>> | undefined,
  ranges: Readonly<Record<Names, readonly [number, number]>>,
  problems: string[],
): Readonly<Record<Names, number>> {
  const whole = { ...defaults, ...given };
  for (const name of Object.keys(whole) as Names[]) {
    const range = ranges[name];
    const value = whole[name];
    if (range === undefined) problems.push(`${path}.${name}: there is no such setting`);
    else if (!isWithin(value, range[0], range[1])) {
      problems.push(`${path}.${name}: ${value} is not a whole number from ${range[0]} to ${range[1]}`);
    }
  }
  return whole;
}
