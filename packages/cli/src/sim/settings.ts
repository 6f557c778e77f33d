// What the flags of `lapwing sim` mean, checked at once: every problem is named. Pure.
import { parseUri } from '@lapwing/coap';
import { ConfigError, type Duration, isStackError, parseDuration, seconds } from '@lapwing/kernel';
import { type KeyTemplate, parseKeyTemplate } from './keys.ts';
import type { Profile } from './profile.ts';
import type { SchedulePlan } from './schedule.ts';

export interface SimFlags {
  readonly devices: string;
  readonly server: string;
  readonly rate: string;
  readonly duration?: string;
  readonly day: string;
  readonly seed: string;
  readonly loss: string;
  readonly reboot?: string;
  readonly move?: string;
  readonly lifetime?: string;
  readonly endpointPrefix: string;
  readonly pskTemplate?: string;
  readonly sockets?: string;
  readonly rest: string;
}

export interface SimSettings {
  readonly plan: SchedulePlan;
  readonly server: { readonly scheme: string; readonly host: string; readonly port: number };
  readonly prefix: string;
  readonly keys: KeyTemplate | undefined;
  /** Undefined: one for each device. */
  readonly sockets: number | undefined;
  /** A device that has nothing to do for so long rests; undefined: none does. */
  readonly rest: Duration | undefined;
  /** Undefined: until it is interrupted. */
  readonly duration: Duration | undefined;
}

const mostDevices = 1_000_000;

/** Throws ConfigError with every problem. */
export function settingsOf(flags: SimFlags, profile: Profile): SimSettings {
  const problems: string[] = [];
  const number = (name: string, text: string, least: number, most: number, isWhole = true): number => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most) || (isWhole && !Number.isInteger(value)))
      problems.push(`--${name}: ${text} is not ${isWhole ? 'a whole number ' : ''}from ${least} to ${most}`);
    return value;
  };
  const duration = (name: string, text: string, least: Duration): Duration => {
    const value = parseDuration(text, seconds(1));
    if (value === undefined || value < least)
      problems.push(`--${name}: ${text} is no duration of ${least} ms or more, such as 500ms, 30s, 15m or 24h`);
    return value ?? 0;
  };
  const server = serverOf(flags.server, problems);
  const keys = flags.pskTemplate === undefined ? undefined : parseKeyTemplate(flags.pskTemplate);
  if (typeof keys === 'string') problems.push(`--psk-template: ${keys}`);
  if (server.scheme === 'coaps' && keys === undefined)
    problems.push(`--psk-template: ${flags.server} needs keys, such as '{name}:000102030405060708090a0b{hex}'`);
  if (server.scheme === 'coap' && keys !== undefined)
    problems.push(`--psk-template: ${flags.server} uses no keys; did you mean coaps://?`);
  if (server.scheme === 'coaps' && flags.sockets !== undefined)
    problems.push('--sockets: over DTLS each device needs a socket of its own: leave it out');
  if (!/^[\x21-\x7e]{1,200}$/.test(flags.endpointPrefix))
    problems.push('--endpoint-prefix: not 1 to 200 printable characters of ASCII');
  const rates = {
    loss: number('loss', flags.loss, 0, 0.9, false),
    reboot: flags.reboot === undefined ? profile.reboot : number('reboot', flags.reboot, 0, 36_000, false),
    move: flags.move === undefined ? profile.move : number('move', flags.move, 0, 36_000, false),
    off: profile.off,
    installFailure: profile.firmware?.failure ?? 0,
  };
  const lifetime = flags.lifetime === undefined ? profile.lifetime : duration('lifetime', flags.lifetime, 1000);
  const settings: SimSettings = {
    plan: {
      devices: number('devices', flags.devices, 1, mostDevices),
      profile: { ...profile, lifetime },
      rate: number('rate', flags.rate, 0.001, 100_000, false),
      day: duration('day', flags.day, 1000),
      seed: number('seed', flags.seed, 0, 2 ** 32 - 1),
      chaos: rates,
    },
    server,
    prefix: flags.endpointPrefix,
    keys: typeof keys === 'string' ? undefined : keys,
    sockets: flags.sockets === undefined ? undefined : number('sockets', flags.sockets, 1, 10_000),
    rest: flags.rest === 'never' ? undefined : duration('rest', flags.rest, 1000),
    duration: flags.duration === undefined ? undefined : duration('duration', flags.duration, 1),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return settings;
}

function serverOf(text: string, problems: string[]): SimSettings['server'] {
  try {
    const { scheme, host, port = 0 } = parseUri(text);
    if (scheme === 'coap' || scheme === 'coaps') return { scheme, host, port };
    problems.push(`--server: ${scheme} is not simulated; coap and coaps are`);
  } catch (error) {
    const said = isStackError(error) ? error.message : String(error);
    problems.push(`--server: ${text}: ${said}; write coap://127.0.0.1:5683 or coaps://host:5684`);
  }
  return { scheme: '', host: '', port: 0 };
}
