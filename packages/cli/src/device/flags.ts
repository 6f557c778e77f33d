// What the flags of `lapwing client` say of the device: checked all at once, every problem by the flag that mends it.
import {
  type AddressPolicy,
  FileStateStore,
  type ServerAccount,
  type SmsAccess,
  type StateStore,
} from '@lapwing/client';
import { parseUri } from '@lapwing/coap';
import { ConfigError, encodeUtf8, FormatError, fromHex, isStackError, Secret, seconds } from '@lapwing/kernel';
import { isName, type Lwm2mVersion, parseVersion } from '@lapwing/lwm2m';
import { type CredentialFlags, credentialsOf, fileOf } from '../credentials.ts';
import { ShellError } from '../shell/command.ts';
import { isByText } from './modem.ts';
import { sampleObjects } from './sample.ts';
import type { SessionOptions } from './session.ts';

export interface DeviceFlags extends CredentialFlags {
  readonly endpoint?: string;
  readonly uri?: string;
  readonly bootstrap?: true;
  readonly keysInClear?: true;
  readonly serverName?: string;
  readonly lifetime: string;
  readonly queueMode?: true;
  readonly binding?: string;
  readonly idle?: string;
  readonly awake?: string;
  readonly keepAlive?: string;
  readonly version: string;
  readonly id: string;
  readonly objects?: string;
  readonly persist?: string;
  readonly persistKey?: string;
  readonly firmware?: string;
  readonly modem?: string;
  readonly msisdn?: string;
  readonly smsPerMinute?: string;
  readonly smsPerHour?: string;
  readonly smsNumber?: string;
  readonly smsPskIdentity?: string;
  readonly smsPskKey?: string;
}

export interface DeviceSettings {
  readonly options: SessionOptions['options'];
  readonly ids: readonly number[];
  /** Where packages may come from: a server on this machine has nothing to reach that it could not reach itself. */
  readonly packages: AddressPolicy;
}

type Account = Pick<ServerAccount, 'uri' | 'credentials'>;

/** Rejects with ConfigError. `sms` is the modem, where there is one. */
export async function settingsOf(flags: DeviceFlags, sms: SmsAccess | undefined): Promise<DeviceSettings> {
  const problems: string[] = [];
  if (flags.endpoint !== undefined && !isName(flags.endpoint))
    problems.push('--endpoint: not 1 to 252 bytes without control characters');
  const account = await accountOf(flags, problems);
  const habits = habitsOf(flags, problems);
  const waking = wakingOf(flags, problems);
  const version = versionOf(flags.version, problems);
  const ids = idsOf(flags.objects, problems);
  const store = await storeOf(flags, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  const server: ServerAccount | undefined =
    account === undefined || flags.bootstrap === true ? undefined : { ...account, ...habits, ...waking };
  const bootstrap =
    account === undefined || flags.bootstrap !== true
      ? undefined
      : {
          ...account,
          accounts: lasting(habits),
          ...(flags.keysInClear === true ? { keysInClear: 'accept' as const } : {}),
        };
  return {
    ids,
    packages: isLoopback(flags.uri) ? 'any' : 'network',
    options: (isBootstrap) => {
      if (account === undefined) throw new ConfigError(['there is no server: give its URI by --uri']);
      if (isBootstrap && bootstrap === undefined)
        throw new ShellError('there is no bootstrap server: give its URI by --uri and --bootstrap');
      return {
        version,
        ...(server === undefined ? {} : { servers: [server] }),
        ...(bootstrap === undefined ? {} : { bootstrap: { ...bootstrap, first: isBootstrap } }),
        ...(store === undefined ? {} : { store }),
        ...(sms === undefined ? {} : { sms }),
      };
    },
  };
}

/** What a bootstrap server's accounts do not say themselves. */
const lasting = ({ lifetime: _, id: __, ...rest }: Pick<ServerAccount, HabitKeys>) => rest;

const schemes: readonly string[] = ['coap', 'coaps', 'coap+tcp', 'coaps+tcp', 'coap+ws', 'coaps+ws', 'tel', 'sms'];

const isLoopback = (uri = ''): boolean => /^[a-z+]+:\/\/(?:127\.|localhost|\[::1\])/.test(uri);

const example = 'write it like coap://127.0.0.1:5683';

async function accountOf(flags: DeviceFlags, problems: string[]): Promise<Account | undefined> {
  const { uri, bootstrap, serverName } = flags;
  if (uri === undefined) {
    if (bootstrap === true) problems.push('--bootstrap needs --uri, the bootstrap server');
    return undefined;
  }
  const scheme = schemeOf(uri, problems);
  const credentials = await credentialsFor(flags, scheme, problems);
  return {
    uri,
    ...(credentials === undefined ? {} : { credentials }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

function schemeOf(uri: string, problems: string[]): string {
  try {
    const { scheme } = parseUri(uri);
    if (schemes.includes(scheme)) return scheme;
    problems.push(`--uri: nothing here speaks '${scheme}', but ${schemes.join(', ')}`);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    problems.push(`--uri: '${uri}' is none (${error.message}): ${example}`);
  }
  return '';
}

async function credentialsFor(flags: DeviceFlags, scheme: string, problems: string[]): Promise<Account['credentials']> {
  const { pskIdentity, pskKey, pskText, cert, key, rpkKey, serverKey } = flags;
  const isGiven = [pskIdentity, pskKey, pskText, cert, key, rpkKey, serverKey].some((flag) => flag !== undefined);
  const isSecured = /^coaps(\+|$)/.test(scheme);
  if (isGiven && !isSecured && !isByText(flags.uri) && scheme !== '') {
    problems.push(`--uri: ${scheme} has no security and takes no keys: is coaps:// meant?`);
    return undefined;
  }
  if (!isGiven) {
    if (isSecured)
      problems.push(
        `--uri: ${scheme} needs keys: --psk-identity with --psk-key, --cert with --key, or --rpk-key with --server-key`,
      );
    return undefined;
  }
  try {
    return await credentialsOf(flags);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

type HabitKeys = 'lifetime' | 'id' | 'queueMode' | 'idle' | 'awakeTime' | 'keepAlive';

function habitsOf(flags: DeviceFlags, problems: string[]): Pick<ServerAccount, HabitKeys> {
  const { idle, awake, keepAlive, binding = '' } = flags;
  if (!/^[UTSNQ]*$/.test(binding)) problems.push(`--binding: '${binding}' is not of U, T, S, N and Q, such as U or UQ`);
  else checkBinding(binding.replace('Q', ''), flags.uri, problems);
  if (idle !== undefined && !['listen', 'deaf', 'close'].includes(idle))
    problems.push(`--idle: '${idle}' is not listen, deaf or close`);
  const isQueueing = flags.queueMode === true || binding.includes('Q');
  // What a bootstrap server writes may have it sleep.
  if (!isQueueing && flags.bootstrap !== true && ((idle ?? 'listen') !== 'listen' || awake !== undefined))
    problems.push('--idle and --awake are about queue mode: they need --queue-mode');
  if (isQueueing && keepAlive !== undefined)
    problems.push('--keep-alive: a device in queue mode is not to be kept awake');
  return {
    lifetime: secondsOf('--lifetime', flags.lifetime, problems),
    id: integerOf('--id', flags.id, [1, 65_534], problems),
    queueMode: isQueueing,
    ...(idle === undefined ? {} : { idle: idle as 'listen' }),
    ...(awake === undefined ? {} : { awakeTime: secondsOf('--awake', awake, problems) }),
    ...(keepAlive === undefined ? {} : { keepAlive: secondsOf('--keep-alive', keepAlive, problems) }),
  };
}

/** The server's number, from which a text message wakes the device (/0/x/9). */
function wakingOf(flags: DeviceFlags, problems: string[]): Pick<ServerAccount, 'sms'> {
  const { smsNumber: number, smsPskIdentity: identity, smsPskKey: hex, uri, modem } = flags;
  if ((identity === undefined) !== (hex === undefined))
    problems.push('--sms-psk-identity and --sms-psk-key belong together');
  if (number === undefined) {
    if ((identity ?? hex) !== undefined) problems.push('--sms-psk-identity needs --sms-number, whom it is for');
    return {};
  }
  if (!/^\+?\d{3,15}$/.test(number)) problems.push(`--sms-number: '${number}' is not 3 to 15 digits`);
  if (modem === undefined) problems.push('--sms-number needs --modem and --msisdn: text messages come by them');
  if (flags.bootstrap === true) problems.push('--sms-number: with --bootstrap the bootstrap server says it (/0/x/9)');
  else if (isByText(uri)) problems.push(`--sms-number: ${uri} is reached by text message as it is`);
  return { sms: { number: number.replace('+', ''), ...smsKeyOf(identity, hex, problems) } };
}

function smsKeyOf(
  identity: string | undefined,
  hex: string | undefined,
  problems: string[],
): Pick<NonNullable<ServerAccount['sms']>, 'credentials'> {
  if (identity === undefined || hex === undefined) return {};
  try {
    return { credentials: { kind: 'psk', identity: encodeUtf8(identity), key: new Secret(fromHex(hex)) } };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    problems.push('--sms-psk-key: is not hexadecimal');
    return {};
  }
}

/** The binding follows from the URI; one that says something else is a mistake somewhere. */
function checkBinding(roads: string, uri: string | undefined, problems: string[]): void {
  if (roads === '' || uri === undefined) return;
  const road = isByText(uri) ? 'S' : /^coaps?\+/.test(uri) ? 'T' : 'U';
  if (roads !== road) problems.push(`--binding: ${roads} is not the road of ${uri}, which is ${road}`);
}

function secondsOf(flag: string, text: string, problems: string[]): number {
  const value = Number(text);
  if (!(value >= 1 && value <= 0xffff_ffff)) problems.push(`${flag}: '${text}' is no number of seconds from 1 on`);
  return seconds(value);
}

function integerOf(flag: string, text: string, [least, most]: readonly [number, number], problems: string[]): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) problems.push(`${flag}: '${text}' is not a number from ${least} to ${most}`);
  return value;
}

function versionOf(text: string, problems: string[]): Lwm2mVersion {
  const version = parseVersion(text);
  if (version === undefined) problems.push(`--version: LwM2M ${text} is not spoken; 1.0, 1.1 and 1.2 are`);
  return version ?? '1.1';
}

function idsOf(text: string | undefined, problems: string[]): readonly number[] {
  if (text === undefined) return sampleObjects;
  const words = text.split(',').map((word) => word.trim());
  const strange = words.filter((word) => !/^\d{1,5}$/.test(word));
  if (strange.length > 0) problems.push(`--objects: '${strange.join(',')}' is no list of object ids, such as 3,3303`);
  return words.map(Number);
}

async function storeOf({ persist, persistKey }: DeviceFlags, problems: string[]): Promise<StateStore | undefined> {
  if (persist === undefined) {
    if (persistKey !== undefined) problems.push('--persist-key needs --persist');
    return undefined;
  }
  try {
    const key = persistKey === undefined ? undefined : keyOf(await fileOf(persistKey, '--persist-key'), persistKey);
    const store = new FileStateStore({ directory: persist, ...(key === undefined ? {} : { key }) });
    // Whether it can be read is said together with all else that is wrong.
    store.load();
    return store;
  } catch (error) {
    if (isStackError(error))
      problems.push(error.message.replace(/^key:/, '--persist-key:').replace(/^directory:/, '--persist:'));
    else problems.push(`--persist: ${persist} cannot be used (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
    return undefined;
  }
}

/** 32 bytes, or 64 hexadecimal digits. */
function keyOf(bytes: Uint8Array, file: string): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1').trim();
  if (/^[0-9a-fA-F]{64}$/.test(text)) return fromHex(text);
  if (bytes.length !== 32)
    throw new ConfigError([`--persist-key: ${file} holds neither 32 bytes nor 64 hexadecimal digits`]);
  return bytes;
}
