// Topics both ways: a mountpoint with placeholders and a translator's topic → where a device's messages go, and the topic of a
// command → which device is meant. A value that becomes part of a topic is percent-encoded where MQTT would read it as
// something else, reversibly, so that two names never share a topic and no name adds a level or a wildcard.
import { decodeUtf8, encodeUtf8, FormatError } from '@lapwing/kernel';

/** Bytes of an MQTT topic at most (MQTT 3.1.1 §1.5.3). */
export const maxTopicLength = 65_535;

const unsafe = /[%+#/\p{Cc}\p{Noncharacter_Code_Point}]|^\$/gu;

/** One level's text. Throws FormatError for half a surrogate pair, which no topic can hold. */
export function encodeName(name: string): string {
  if (/\p{Cs}/u.test(name)) throw new FormatError('half a surrogate pair');
  return name.replace(unsafe, (c) =>
    [...encodeUtf8(c)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

/** Undefined for text that `encodeName` does not make. */
export function decodeName(level: string): string | undefined {
  try {
    const bytes = level
      .split(/(%[0-9A-F]{2})/)
      .map((part, i) => (i % 2 === 1 ? Uint8Array.of(Number.parseInt(part.slice(1), 16)) : encodeUtf8(part)));
    const name = decodeUtf8(Buffer.concat(bytes));
    return encodeName(name) === level ? name : undefined;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Placeholders of the authentication call; what is not known of a device is empty there. */
export const loginNames = [
  'endpoint_name',
  'clientid',
  'username',
  'password',
  'peerhost',
  'peerport',
  'cert_subject',
  'cert_common_name',
  'cert_pem',
  'zone',
  'listener',
] as const;

/** What placeholders stand for; undefined leaves the placeholder as it is written. */
export type Variables = (name: string) => string | undefined;

type Part = { readonly literal: string } | { readonly placeholder: string };

/** Placeholders of mountpoints; `client_attrs` with a name behind it. */
export const mountNames = ['endpoint_name', 'clientid', 'username', 'peerhost', 'zone', 'client_attrs.NAME'] as const;
const known = /\$\{(clientid|username|endpoint_name|peerhost|zone|client_attrs\.[^}]+)\}/g;

/** A topic prefix such as `lwm2m/${endpoint_name}/`. Unknown placeholders are literal text, as in EMQX. */
export class Mountpoint {
  readonly template: string;
  private readonly parts: readonly Part[];

  constructor(template: string) {
    this.template = template;
    const pieces = template.split(known);
    this.parts = pieces.map((piece, i) => (i % 2 === 1 ? { placeholder: piece } : { literal: piece }));
  }

  /** True when the device's name can be read off a topic. */
  get namesDevice(): boolean {
    return this.placeholders.includes('endpoint_name');
  }

  get placeholders(): readonly string[] {
    return this.parts.flatMap((part) => ('placeholder' in part ? [part.placeholder] : []));
  }

  /** Throws FormatError when the outcome could not be the start of a topic. */
  fill(variables: Variables): string {
    let prefix = '';
    for (const part of this.parts) {
      if ('literal' in part) prefix += part.literal;
      else {
        const value = variables(part.placeholder);
        prefix += value === undefined ? `\${${part.placeholder}}` : encodeName(value);
      }
    }
    if (prefix.length > 1024 && Buffer.byteLength(prefix) > maxTopicLength / 2)
      throw new FormatError('too long for a topic');
    return prefix;
  }

  /** The subscription that covers the commands of every device. */
  filter(command: string): string {
    const sample = this.parts.map((part) => ('literal' in part ? part.literal : '\u0000')).join('') + command;
    return sample
      .split('/')
      .map((level) => (level.includes('\u0000') ? '+' : level))
      .join('/');
  }

  /** Matches topics of commands: group `mount` is the prefix, group `name` the encoded device name. */
  pattern(command: string): RegExp {
    let named = false;
    const prefix = this.parts.map((part) => {
      if ('literal' in part) return escape(part.literal);
      if (part.placeholder !== 'endpoint_name' || named) return '[^/]*';
      named = true;
      return '(?<name>[^/]*)';
    });
    const suffix = command.split('/').map((level) => (level === '+' ? '[^/]*' : escape(level)));
    const rest =
      suffix.at(-1) === '#'
        ? `${suffix.slice(0, -1).join('/')}${suffix.length > 1 ? '(?:/.*)?' : '.*'}`
        : suffix.join('/');
    return new RegExp(`^(?<mount>${prefix.join('')})${rest}$`, 's');
  }
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

export interface Route {
  /** The prefix before the command's own part: answers go below it. */
  readonly mount: string;
  /** Candidates; whoever asks checks that the device's mountpoint is `mount`. */
  readonly names: readonly string[];
}

/** Longer topics are nobody's: matching takes time that grows with the length. */
const maxRoutable = 4096;

/** From the topic of a command to devices, for all mountpoints that listeners use. */
export class Routes {
  /** Topic filters to subscribe to. */
  readonly filters: readonly string[];
  private readonly uplinks: ReadonlySet<string>;
  private readonly patterns: readonly RegExp[];
  /** Only for mountpoints that do not say the name: prefix → names. */
  private readonly mounted = new Map<string, Set<string>>();
  private readonly listed: boolean;

  /** `uplinks` are the gateway's own topics below the mountpoint; what arrives there is never a command. */
  constructor(mountpoints: readonly Mountpoint[], command: string, uplinks: Iterable<string>) {
    this.filters = [...new Set(mountpoints.map((mountpoint) => mountpoint.filter(command)))];
    this.patterns = mountpoints.map((mountpoint) => mountpoint.pattern(command));
    this.uplinks = new Set(uplinks);
    this.listed = mountpoints.some((mountpoint) => !mountpoint.namesDevice);
  }

  add(mount: string, name: string): void {
    if (!this.listed) return;
    const names = this.mounted.get(mount);
    if (names === undefined) this.mounted.set(mount, new Set([name]));
    else names.add(name);
  }

  remove(mount: string, name: string): void {
    const names = this.mounted.get(mount);
    names?.delete(name);
    if (names?.size === 0) this.mounted.delete(mount);
  }

  /** Undefined for a topic that is no device's command topic. */
  find(topic: string): Route | undefined {
    if (topic.length > maxRoutable) return undefined;
    let unknown: Route | undefined;
    for (const pattern of this.patterns) {
      const groups = pattern.exec(topic)?.groups;
      const mount = groups?.['mount'];
      if (groups === undefined || mount === undefined || this.uplinks.has(topic.slice(mount.length))) continue;
      const encoded = groups['name'];
      const name = encoded === undefined ? undefined : decodeName(encoded);
      const names = name === undefined ? [...(this.mounted.get(mount) ?? [])] : [name];
      if (names.length > 0) return { mount, names };
      unknown ??= { mount, names };
    }
    return unknown;
  }
}
